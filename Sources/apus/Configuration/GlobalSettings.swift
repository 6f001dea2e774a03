import Model

/// The settings of the section `global` that this version reads.
struct GlobalSettings: Sendable {
  /// Labels added to everything that leaves the server; the reader has already replaced `${NAME}`.
  var externalLabels = Labels.empty

  static let scrapeIntervalDefault: Int64 = 60_000
  static let scrapeTimeoutDefault: Int64 = 10_000
  static let evaluationIntervalDefault: Int64 = 60_000

  static let section = Section(
    "global", GlobalSettings(),
    [
      .unread(SchemaKey("scrape_interval", .duration, DurationText.format(scrapeIntervalDefault))),
      .unread(SchemaKey("scrape_timeout", .duration, DurationText.format(scrapeTimeoutDefault))),
      .unread(SchemaKey("scrape_protocols", .list(Schema.scrapeProtocol))),
      .unread(SchemaKey("evaluation_interval", .duration, DurationText.format(evaluationIntervalDefault))),
      .unread(SchemaKey("rule_query_offset", .duration)),
      .unread(SchemaKey("query_log_file", .text)),
      .unread(SchemaKey("scrape_failure_log_file", .text)),
      .labels("external_labels", \.externalLabels),
      .unread(SchemaKey("body_size_limit", .size)),
      .unread(SchemaKey("sample_limit", .count)),
      .unread(SchemaKey("target_limit", .count)),
      .unread(SchemaKey("label_limit", .count)),
      .unread(SchemaKey("label_name_length_limit", .count)),
      .unread(SchemaKey("label_value_length_limit", .count)),
      .unread(SchemaKey("keep_dropped_targets", .count)),
      .unread(SchemaKey("metric_name_validation_scheme", Schema.validationScheme)),
      .unread(SchemaKey("metric_name_escaping_scheme", Schema.escapingScheme)),
      .unread(SchemaKey("scrape_native_histograms", .boolean)),
      .unread(SchemaKey("convert_classic_histograms_to_nhcb", .boolean)),
      .unread(SchemaKey("always_scrape_classic_histograms", .boolean)),
      .unread(SchemaKey("extra_scrape_metrics", .boolean)),
    ],
    rules: [.check(SchemaRules.timeoutFitsInterval), .check(SchemaRules.protocolsAreUnique)])
}
