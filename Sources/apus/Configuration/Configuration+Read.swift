import Format
import Ingest
import Model

extension Configuration {
  /// Reads `text`. `file` is how the errors call it; `environment` fills `${NAME}` in external labels.
  static func read(
    _ text: [UInt8], file: String, environment: [String: String] = [:]
  ) throws(ConfigurationErrors) -> Configuration {
    let parsed: YAMLDocument
    do throws(YAMLError) { parsed = try YAMLDocument.parse(text) } catch {
      throw ConfigurationErrors(
        file: file, faults: [ConfigurationFault(position: error.position, message: error.what)])
    }
    var reader = SchemaReader()
    var document = reader.section(parsed.root, .root)
    if !reader.faults.isEmpty { throw ConfigurationErrors(file: file, faults: reader.faults) }

    settleIntervals(&document)
    var warnings: [String] = []
    let labels = expandedLabels(&document, environment, &warnings)
    if !reader.unserved.isEmpty {
      warnings.insert("accepted but not served by this version: " + listed(reader.unserved), at: 0)
    }
    if let second = parsed.secondDocument {
      warnings.append("\(file):\(second): what follows the first document is ignored")
    }
    var configuration = Configuration(document, externalLabels: labels, warnings: warnings)
    configuration.file = file
    return configuration
  }

  /// Each path once, in the order of the file.
  private static func listed(_ paths: [String]) -> String {
    var seen: Set<String> = []
    return paths.filter { seen.insert($0).inserted }.joined(separator: ", ")
  }

  /// A zero stands for the default, as in Prometheus, and a timeout that is not given is no longer than the interval.
  private static func settleIntervals(_ document: inout SectionValue) {
    var global = document.section("global") ?? SectionValue(.global, at: document.position)
    let interval = positive(global.milliseconds("scrape_interval")) ?? Global.scrapeIntervalDefault
    let isTimeoutGiven = global.isGiven("scrape_timeout") && positive(global.milliseconds("scrape_timeout")) != nil
    let values = [
      ("scrape_interval", interval),
      (
        "scrape_timeout",
        isTimeoutGiven ? global.milliseconds("scrape_timeout") ?? interval : min(Global.scrapeTimeoutDefault, interval)
      ),
      (
        "evaluation_interval",
        positive(global.milliseconds("evaluation_interval")) ?? Global.evaluationIntervalDefault
      ),
    ]
    for (name, milliseconds) in values { global.set(name, .milliseconds(milliseconds)) }
    document.set("global", .section(global))
  }

  private static func expandedLabels(
    _ document: inout SectionValue, _ environment: [String: String], _ warnings: inout [String]
  ) -> Labels {
    guard var global = document.section("global") else { return .empty }
    var pairs: [(name: String, value: String)] = []
    for (name, value) in global.pairs("external_labels") {
      let (text, missing) = EnvironmentText.expand(value, environment)
      warnings += missing.map { "global.external_labels.\(name): the environment variable \($0) is not set" }
      pairs.append((name, text))
    }
    if !pairs.isEmpty {
      global.set("external_labels", .map(pairs.map { ($0.name, .text($0.value)) }))
      document.set("global", .section(global))
    }
    return Labels(pairs)
  }

  private init(_ document: SectionValue, externalLabels: Labels, warnings: [String]) {
    let empty = SectionValue(.global, at: document.position)
    let global = document.section("global") ?? empty
    self.global = Global(
      scrapeIntervalMilliseconds: global.milliseconds("scrape_interval") ?? Global.scrapeIntervalDefault,
      scrapeTimeoutMilliseconds: global.milliseconds("scrape_timeout") ?? Global.scrapeTimeoutDefault,
      evaluationIntervalMilliseconds: global.milliseconds("evaluation_interval") ?? Global.evaluationIntervalDefault,
      ruleQueryOffsetMilliseconds: global.milliseconds("rule_query_offset") ?? 0,
      externalLabels: externalLabels,
      queryLogFile: global.text("query_log_file").flatMap { $0.isEmpty ? nil : $0 })

    let storage = document.section("storage")
    let retention = storage?.section("tsdb")?.section("retention")
    self.storage = Storage(
      outOfOrderWindowMilliseconds: storage?.section("tsdb")?.milliseconds("out_of_order_time_window"),
      retention: retention.flatMap { Retention($0) },
      exemplarsMax: max(0, storage?.section("exemplars")?.integer("max_exemplars") ?? 0))

    let apus = document.section("apus")
    limits = Limits(apus?.section("limits"))
    ha = HA(apus?.section("ha"))
    retentionRules = (apus?.sections("retention_rules") ?? []).map {
      RetentionRule(
        selector: $0.text("selector") ?? "", retentionMilliseconds: $0.milliseconds("retention") ?? 0,
        position: $0.given["selector"] ?? $0.position)
    }
    ingestRules = IngestRules()
    ingestRules.renames = (apus?.sections("rename") ?? []).map {
      IngestRules.Rename(from: $0.text("from") ?? "", to: $0.text("to") ?? "", keepsOld: $0.boolean("keep") ?? false)
    }
    ingestRules.relabel = (apus?.sections("write_relabel_configs") ?? []).compactMap { RelabelRule($0) }
    slowQueryMilliseconds = apus?.milliseconds("slow_query_threshold") ?? 0
    self.document = document
    self.warnings = warnings
    if self.storage.retention?.percentage != nil, self.storage.retention?.sizeBytes != nil {
      self.storage.retention?.sizeBytes = nil
      self.warnings.append("storage.tsdb.retention: size is ignored, because percentage is given")
    }
  }

  /// A zero stands for the default, as in Prometheus.
  private static func positive(_ value: Int64?) -> Int64? { value.flatMap { $0 > 0 ? $0 : nil } }
}

extension Configuration.Retention {
  /// nil where the section says nothing. A zero turns that kind of limit off.
  fileprivate init?(_ section: SectionValue) {
    guard ["time", "size", "percentage"].contains(where: { section.isGiven($0) }) else { return nil }
    timeMilliseconds = section.milliseconds("time").flatMap { $0 > 0 ? $0 : nil }
    sizeBytes = section.bytes("size").flatMap { $0 > 0 ? $0 : nil }
    percentage = section.number("percentage").flatMap { $0 > 0 ? $0 : nil }
  }
}

extension Configuration.Limits {
  fileprivate init(_ section: SectionValue?) {
    activeSeriesMax = section?.integer("max_active_series") ?? 0
    seriesPerMetricMax = section?.integer("max_series_per_metric") ?? 0
    labelsPerSeriesMax = section?.integer("max_labels_per_series") ?? 0
    labelNameBytesMax = section?.integer("max_label_name_bytes") ?? 0
    labelValueBytesMax = section?.integer("max_label_value_bytes") ?? 0
    samplesPerSecondMax = section?.integer("max_samples_per_second") ?? 0
    samplesBurstMax = section?.integer("max_samples_burst") ?? 0
    labelSets = (section?.sections("label_sets") ?? []).map {
      Configuration.LabelSetLimit(labels: Labels($0.pairs("labels")), seriesMax: $0.integer("max_series") ?? 0)
    }
  }
}

extension Configuration.HA {
  fileprivate init(_ section: SectionValue?) {
    isEnabled = section?.boolean("enabled") ?? false
    clusterLabel = section?.text("cluster_label") ?? ""
    replicaLabel = section?.text("replica_label") ?? ""
    failoverTimeoutMilliseconds = section?.milliseconds("failover_timeout") ?? 0
    clustersMax = section?.integer("max_clusters") ?? 0
    ringBytes = section?.bytes("ring_bytes") ?? 0
    isLoneReplicaLabelStripped = section?.boolean("strip_lone_replica_label") ?? false
  }
}
