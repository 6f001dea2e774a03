import Model

/// The settings of the section `global` that this version reads.
struct GlobalSettings: Sendable {
  /// Labels added to everything that leaves the server; the reader has already replaced `${NAME}`.
  var externalLabels = Labels.empty
  /// How often the groups of rules are evaluated that do not say so themselves.
  var evaluationMilliseconds = evaluationIntervalDefault
  /// How far in the past the groups are evaluated that do not say so themselves.
  var ruleOffsetMilliseconds: Int64 = 0

  /// The path as it is opened; empty: queries are not written down.
  var queryLogFile = ""

  static let scrapeIntervalDefault: Int64 = 60_000
  static let scrapeTimeoutDefault: Int64 = 10_000
  static let evaluationIntervalDefault: Int64 = 60_000

  /// A default of all scrape configs, taken over where they are read.
  private static func inherited(_ key: SchemaKey) -> Setting<GlobalSettings> { .custom(key) { _, _ in } }

  static let section = Section(
    "global", GlobalSettings(),
    [
      inherited(SchemaKey("scrape_interval", .duration, DurationText.format(scrapeIntervalDefault))),
      inherited(SchemaKey("scrape_timeout", .duration, DurationText.format(scrapeTimeoutDefault))),
      inherited(SchemaKey("scrape_protocols", .list(Schema.scrapeProtocol))),
      .duration("evaluation_interval", \.evaluationMilliseconds),
      .duration("rule_query_offset", \.ruleOffsetMilliseconds, isShown: false),
      .text("query_log_file", \.queryLogFile, isShown: false),
      inherited(SchemaKey("scrape_failure_log_file", .text)),
      .labels("external_labels", \.externalLabels),
      inherited(SchemaKey("body_size_limit", .size)),
      inherited(SchemaKey("sample_limit", .count)),
      inherited(SchemaKey("target_limit", .count)),
      inherited(SchemaKey("label_limit", .count)),
      inherited(SchemaKey("label_name_length_limit", .count)),
      inherited(SchemaKey("label_value_length_limit", .count)),
      inherited(SchemaKey("keep_dropped_targets", .count)),
      inherited(SchemaKey("metric_name_validation_scheme", Schema.validationScheme)),
      inherited(SchemaKey("metric_name_escaping_scheme", Schema.escapingScheme)),
      inherited(SchemaKey("scrape_native_histograms", .boolean)),
      inherited(SchemaKey("convert_classic_histograms_to_nhcb", .boolean)),
      inherited(SchemaKey("always_scrape_classic_histograms", .boolean)),
      inherited(SchemaKey("extra_scrape_metrics", .boolean)),
    ],
    rules: [.check(SchemaRules.timeoutFitsInterval), .check(SchemaRules.protocolsAreUnique)])
}
