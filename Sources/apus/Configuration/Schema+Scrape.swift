import Model

extension Schema {
  static let scrape = Schema(
    "scrape config",
    [
      SchemaKey("job_name", .text, isRequired: true),
      SchemaKey("honor_labels", .boolean),
      SchemaKey("honor_timestamps", .boolean, "true"),
      SchemaKey("track_timestamps_staleness", .boolean, "false"),
      SchemaKey("params", .map(.list(.text))),
      SchemaKey("scrape_interval", .duration),
      SchemaKey("scrape_timeout", .duration),
      SchemaKey("scrape_protocols", .list(scrapeProtocol)),
      SchemaKey("fallback_scrape_protocol", scrapeProtocol),
      SchemaKey("scrape_native_histograms", .boolean),
      SchemaKey("always_scrape_classic_histograms", .boolean),
      SchemaKey("convert_classic_histograms_to_nhcb", .boolean),
      SchemaKey("scrape_failure_log_file", .text),
      SchemaKey("metrics_path", .text, "/metrics"),
      SchemaKey("scheme", .text, "http"),
      SchemaKey("enable_compression", .boolean, "true"),
      SchemaKey("body_size_limit", .size),
      SchemaKey("sample_limit", .count),
      SchemaKey("target_limit", .count),
      SchemaKey("label_limit", .count),
      SchemaKey("label_name_length_limit", .count),
      SchemaKey("label_value_length_limit", .count),
      SchemaKey("native_histogram_bucket_limit", .count),
      SchemaKey("native_histogram_min_bucket_factor", .number(-(.infinity)...(.infinity))),
      SchemaKey("keep_dropped_targets", .count),
      SchemaKey("metric_name_validation_scheme", validationScheme),
      SchemaKey("metric_name_escaping_scheme", escapingScheme),
      SchemaKey("extra_scrape_metrics", .boolean),
    ] + httpClientKeys + [
      SchemaKey("relabel_configs", .list(.section(relabel))),
      SchemaKey("metric_relabel_configs", .list(.section(relabel))),
    ] + discoveryKeys,
    rules: httpClientRules + [
      .check(SchemaRules.timeoutFitsInterval), .check(SchemaRules.protocolsAreUnique),
      .check(SchemaRules.staticTargetsAreHosts), .check(SchemaRules.escapingFitsNames),
    ])

  static let relabel = RelabelRule.section.schema

  static let alerting = Schema(
    "alerting",
    [
      SchemaKey("alert_relabel_configs", .list(.section(relabel))),
      SchemaKey("alertmanagers", .list(.section(alertmanager))),
    ])

  static let alertmanager = Schema(
    "alertmanager",
    [
      SchemaKey("sigv4", .section(sigv4)),
      SchemaKey("scheme", .text, "http"),
      SchemaKey("path_prefix", .text),
      SchemaKey("timeout", .duration, "10s"),
      SchemaKey("api_version", .choice(["v2"]), "v2"),
    ] + httpClientKeys + [
      SchemaKey("relabel_configs", .list(.section(relabel))),
      SchemaKey("alert_relabel_configs", .list(.section(relabel))),
    ] + discoveryKeys,
    rules: httpClientRules + [
      .atMostOne(["basic_auth", "authorization", "oauth2", "sigv4"]), .check(SchemaRules.staticTargetsAreHosts),
    ])
}
