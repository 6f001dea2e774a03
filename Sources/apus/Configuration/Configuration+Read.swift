import Format
import Model
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
    section.fill(&configuration, from: document, &faults)
    if !faults.isEmpty { throw ConfigurationErrors(file: file, faults: faults) }

    configuration.document = document
    configuration.file = file
    if !reader.unread.isEmpty {
      configuration.warnings.insert("accepted but not served by this version: " + listed(reader.unread), at: 0)
    }
    if let second = parsed.secondDocument {
      configuration.warnings.append("\(file):\(second): what follows the first document is ignored")
    }
    if let warning = retentionWarning(document) { configuration.warnings.append(warning) }
    return configuration
  }

  /// Each path once, in the order of the file.
  private static func listed(_ paths: [String]) -> String {
    var seen: Set<String> = []
    return paths.filter { seen.insert($0).inserted }.joined(separator: ", ")
  }

  /// A zero stands for the default, as in Prometheus, and a timeout that is not given is no longer than the interval.
  private static func settleIntervals(_ document: inout SectionValue) {
    var global = document.section("global") ?? SectionValue(GlobalSettings.section.schema, at: document.position)
    let interval = positive(global.milliseconds("scrape_interval")) ?? GlobalSettings.scrapeIntervalDefault
    let isTimeoutGiven = global.isGiven("scrape_timeout") && positive(global.milliseconds("scrape_timeout")) != nil
    let values = [
      ("scrape_interval", interval),
      (
        "scrape_timeout",
        isTimeoutGiven
          ? global.milliseconds("scrape_timeout") ?? interval : min(GlobalSettings.scrapeTimeoutDefault, interval)
      ),
      (
        "evaluation_interval",
        positive(global.milliseconds("evaluation_interval")) ?? GlobalSettings.evaluationIntervalDefault
      ),
    ]
    for (name, milliseconds) in values { global.set(name, .milliseconds(milliseconds)) }
    document.set("global", .section(global))
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

  /// A zero stands for the default, as in Prometheus.
  private static func positive(_ value: Int64?) -> Int64? { value.flatMap { $0 > 0 ? $0 : nil } }
}
