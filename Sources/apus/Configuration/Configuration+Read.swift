import Format
import Model
import Rules
import Workspaces

extension Configuration {
  /// Reads `text`. Errors call the file `file`; `environment` fills `${NAME}` in external labels; `flags` is the
  /// default workspace as the flags set it, which the file is read over.
  static func read(
    _ text: [UInt8], file: String, environment: [String: String] = [:], flags: WorkspaceSettings = WorkspaceSettings()
  ) throws(ConfigurationErrors) -> Configuration {
    let parsed: YAMLDocument
    do throws(YAMLError) { parsed = try YAMLDocument.parse(text) } catch {
      throw ConfigurationErrors(
        file: file, faults: [ConfigurationFault(position: error.position, message: error.what)])
    }
    var reader = SchemaReader()
    var document = reader.section(parsed.root, .root)
    if !reader.faults.isEmpty { throw ConfigurationErrors(file: file, faults: reader.faults) }

    var configuration = Configuration(flags: flags)
    settleIntervals(&document)
    expandLabels(&document, environment, &configuration.warnings)
    var faults: [ConfigurationFault] = []
    let global = document.section("global") ?? SectionValue(GlobalSettings.section.schema, at: document.position)
    settleScrapes(&document, global, &faults)
    section.fill(&configuration, from: document, &faults)
    if !faults.isEmpty { throw ConfigurationErrors(file: file, faults: faults) }

    let directory = directory(of: file)
    configuration.scrapes = configuration.scrapes.map { $0.resolved(in: directory) }
    configuration.settleRules(document, in: directory)
    configuration.alerting = configuration.alerting.resolved(in: directory)
    for place in configuration.alertmanagers.indices {
      configuration.alertmanagers[place].client.setDirectory(directory)
      configuration.alertmanagers[place].setDirectory(directory)
    }
    configuration.alerting.externalLabels = configuration.global.externalLabels
    configuration.global.queryLogFile = joined(configuration.global.queryLogFile, in: directory)
    var unread = reader.unread
    configuration.scrapes += try ScrapeConfigFiles.read(
      document.texts("scrape_config_files"), in: directory, global: global, unread: &unread)
    if let name = SchemaRules.firstTwice(configuration.scrapes.map(\.jobName)) {
      throw ConfigurationErrors(
        file: file, reason: "found multiple scrape configs with job name \(quoted(name))")
    }
    for place in configuration.scrapes.indices {
      configuration.scrapes[place].keepsValid = configuration.scraping.keepsValid
    }
    configuration.document = document
    configuration.file = file
    if !unread.isEmpty {
      configuration.warnings.insert("accepted but not served by this version: " + listed(unread), at: 0)
    }
    if let second = parsed.secondDocument {
      configuration.warnings.append("\(file):\(second): what follows the first document is ignored")
    }
    configuration.warnings += configuration.alerting.replicaWarnings(haLabel: configuration.standard.ha.replicaLabel)
    configuration.warnings += configuration.alerting.reachWarnings
    if let warning = retentionWarning(document) { configuration.warnings.append(warning) }
    return configuration
  }

  /// The folder of the main file, where the relative paths in it begin.
  static func directory(of file: String) -> String {
    file.lastIndex(of: "/").map { String(file[..<$0]) } ?? ""
  }

  /// Each path once, in the order of the file.
  private static func listed(_ paths: [String]) -> String {
    var seen: Set<String> = []
    return paths.filter { seen.insert($0).inserted }.joined(separator: ", ")
  }

  private static func expandLabels(
    _ document: inout SectionValue, _ environment: [String: String], _ warnings: inout [String]
  ) {
    guard var global = document.section("global") else { return }
    let labels: [(key: String, value: ConfigurationValue)] = global.pairs("external_labels").map { name, value in
      let (text, missing) = EnvironmentText.expand(value, environment)
      warnings += missing.map { "global.external_labels.\(name): the environment variable \($0) is not set" }
      return (name, .text(text))
    }
    if labels.isEmpty { return }
    global.set("external_labels", .map(labels))
    document.set("global", .section(global))
  }

  /// Prometheus's own order of the two.
  private static func retentionWarning(_ document: SectionValue) -> String? {
    guard let retention = document.section("storage")?.section("tsdb")?.section("retention"),
      retention.number("percentage") ?? 0 > 0, retention.bytes("size") ?? 0 > 0
    else { return nil }
    return "storage.tsdb.retention: size is ignored, because percentage is given"
  }
}
