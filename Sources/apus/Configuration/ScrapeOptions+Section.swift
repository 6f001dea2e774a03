import Discovery
import Format
import Model
import Outbound
import Scrape

// A scrape config as the file has it. What it does not give comes from the section `global`, which `Configuration+Settled` has
// filled in by the time this is read.
extension ScrapeOptions {
  static let section = Section(
    "scrape config", ScrapeOptions(),
    [
      .text("job_name", \.jobName, isRequired: true),
      .boolean("honor_labels", \.honorsLabels, isShown: false),
      .boolean("honor_timestamps", \.honorsTimestamps),
      .boolean("track_timestamps_staleness", \.tracksStalenessOfTimestamps),
      .custom(SchemaKey("params", .map(.list(.text)))) { $1.parameters = parameters($0) },
    ] + timing + [
      protocols,
      .custom(SchemaKey("fallback_scrape_protocol", Schema.scrapeProtocol)) {
        $1.fallbackProtocol = $0.text("fallback_scrape_protocol").flatMap(ScrapeProtocol.init)
      },
    ] + histograms + [
      failureLog,
      .text("metrics_path", \.metricsPath),
      .text("scheme", \.scheme),
      .boolean("enable_compression", \.isCompressionEnabled),
    ] + limits + [
      .integer("native_histogram_bucket_limit", \.nativeHistogramBucketsMax).unshown,
      .number(
        "native_histogram_min_bucket_factor", \.nativeHistogramBucketFactorMin, in: -(.infinity)...(.infinity)),
      keptDropped,
    ] + names + [
      extraMetrics
    ] + ClientSettings.settings(at: \.client) + [
      RequestSigning.setting(at: \.signing),
      .sections("relabel_configs", \.relabelling, RelabelRule.section),
      .sections("metric_relabel_configs", \.metricRelabelling, RelabelRule.section),
    ] + DiscoveryOptions.settings.map { $0.at(\.discoveries) },
    rules: ClientSettings.rules + [
      .check(SchemaRules.protocolsAreUnique), .check(SchemaRules.staticTargetsAreHosts),
      .check(SchemaRules.escapingFitsNames), .check(SchemaRules.credentialsAreNotSigned),
    ])

  /// Keys that the section `global` has too, where they are the defaults of all scrape configs.
  static let inherited: [Setting<ScrapeOptions>] =
    timing + [protocols] + histograms + [failureLog] + limits + [keptDropped] + names + [extraMetrics]

  private static let timing: [Setting<ScrapeOptions>] = [
    .duration("scrape_interval", \.intervalMilliseconds, isShown: false),
    .duration("scrape_timeout", \.timeoutMilliseconds, isShown: false),
  ]

  private static let protocols = Setting<ScrapeOptions>.custom(
    SchemaKey("scrape_protocols", .list(Schema.scrapeProtocol))
  ) {
    $1.protocols = $0.texts("scrape_protocols").compactMap(ScrapeProtocol.init)
  }

  private static let histograms: [Setting<ScrapeOptions>] = [
    .boolean("scrape_native_histograms", \.storesNativeHistograms, isShown: false),
    .boolean("always_scrape_classic_histograms", \.alwaysStoresClassicHistograms, isShown: false),
    .boolean("convert_classic_histograms_to_nhcb", \.convertsClassicHistograms, isShown: false),
  ]

  private static let failureLog = Setting<ScrapeOptions>.text(
    "scrape_failure_log_file", \.failureLogFile, isShown: false)

  private static let limits: [Setting<ScrapeOptions>] = [
    .size("body_size_limit", \.bodyBytesMax, isShown: false),
    .integer("sample_limit", \.samplesMax).unshown,
    .integer("target_limit", \.targetsMax).unshown,
    .integer("label_limit", \.labelsMax).unshown,
    .integer("label_name_length_limit", \.labelNameBytesMax).unshown,
    .integer("label_value_length_limit", \.labelValueBytesMax).unshown,
  ]

  private static let keptDropped = Setting<ScrapeOptions>.integer("keep_dropped_targets", \.droppedTargetsKeptMax)
    .unshown

  private static let names: [Setting<ScrapeOptions>] = [
    .custom(SchemaKey("metric_name_validation_scheme", Schema.validationScheme)) {
      if let scheme = $0.text("metric_name_validation_scheme").flatMap(NameScheme.init) { $1.nameScheme = scheme }
      if $1.nameScheme == .legacy { $1.escaping = .underscores }
    },
    .custom(SchemaKey("metric_name_escaping_scheme", Schema.escapingScheme)) {
      if let escaping = $0.text("metric_name_escaping_scheme").flatMap(Escaping.init) { $1.escaping = escaping }
    },
  ]

  private static let extraMetrics = Setting<ScrapeOptions>.boolean(
    "extra_scrape_metrics", \.storesExtraMetrics, isShown: false)

  private static func parameters(_ section: SectionValue) -> [Parameter] {
    guard case .map(let entries) = section["params"] else { return [] }
    return entries.map { entry in
      guard case .list(let values) = entry.value else { return Parameter(name: entry.key, values: []) }
      return Parameter(
        name: entry.key, values: values.compactMap { if case .text(let text) = $0 { text } else { nil } })
    }
  }

  /// Reads one scrape config whose inherited keys are filled in.
  init(_ value: SectionValue, _ faults: inout [ConfigurationFault]) {
    self = Self.section.defaults
    Self.section.fill(&self, from: value, &faults)
    text = value.yaml
  }
}

extension Setting {
  /// The same key, left out of the printed configuration where the file does not give it.
  var unshown: Setting {
    let (key, number, read) = (key, number, read)
    return Setting(
      name,
      key: {
        var key = key($0)
        key.preset = nil
        return key
      }, number: number, read: read)
  }
}
