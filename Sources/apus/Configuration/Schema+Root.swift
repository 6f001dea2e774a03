extension Schema {
  /// The whole file: Prometheus's keys in its order, then our own section.
  static let root = Schema(
    "the configuration",
    [
      SchemaKey("global", .section(global), "{}"),
      SchemaKey(
        "runtime", .section(Schema("runtime", [SchemaKey("gogc", .integer(-1...(.max)), "75")])), "{}", isServed: false),
      SchemaKey("alerting", .section(alerting), isServed: false),
      SchemaKey("rule_files", .list(.filePattern), isServed: false),
      SchemaKey("scrape_config_files", .list(.filePattern), isServed: false),
      SchemaKey("scrape_configs", .list(.section(scrape)), isServed: false),
      SchemaKey("storage", .section(storage), "{}"),
      SchemaKey("tracing", .section(tracing), isServed: false),
      SchemaKey("remote_write", .list(.section(remoteWrite)), isServed: false),
      SchemaKey("remote_read", .list(.section(remoteRead)), isServed: false),
      SchemaKey("otlp", .section(otlp), "{}"),
      SchemaKey("apus", .section(apus), "{}"),
    ],
    rules: [
      .check(SchemaRules.jobNamesAreUnique), .check(SchemaRules.remoteNamesAreUnique),
      .check(SchemaRules.translationFitsNames),
    ])

  static let global = Schema(
    "global",
    [
      SchemaKey("scrape_interval", .duration, "1m"),
      SchemaKey("scrape_timeout", .duration, "10s"),
      SchemaKey("scrape_protocols", .list(scrapeProtocol)),
      SchemaKey("evaluation_interval", .duration, "1m"),
      SchemaKey("rule_query_offset", .duration),
      SchemaKey("query_log_file", .text),
      SchemaKey("scrape_failure_log_file", .text),
      SchemaKey("external_labels", .labels),
      SchemaKey("body_size_limit", .size),
      SchemaKey("sample_limit", .count),
      SchemaKey("target_limit", .count),
      SchemaKey("label_limit", .count),
      SchemaKey("label_name_length_limit", .count),
      SchemaKey("label_value_length_limit", .count),
      SchemaKey("keep_dropped_targets", .count),
      SchemaKey("metric_name_validation_scheme", validationScheme),
      SchemaKey("metric_name_escaping_scheme", escapingScheme),
      SchemaKey("scrape_native_histograms", .boolean),
      SchemaKey("convert_classic_histograms_to_nhcb", .boolean),
      SchemaKey("always_scrape_classic_histograms", .boolean),
      SchemaKey("extra_scrape_metrics", .boolean),
    ],
    rules: [.check(SchemaRules.timeoutFitsInterval), .check(SchemaRules.protocolsAreUnique)])

  static let storage = Schema(
    "storage",
    [
      SchemaKey(
        "tsdb",
        .section(
          Schema(
            "tsdb",
            [
              SchemaKey("out_of_order_time_window", .duration),
              SchemaKey("stale_series_compaction_threshold", .number(0...1), isServed: false),
              SchemaKey(
                "chunk_encoding",
                .section(Schema("chunk_encoding", [SchemaKey("floats", .choice(["", "xor", "xor2"]))])),
                isServed: false),
              SchemaKey(
                "retention",
                .section(
                  Schema(
                    "retention",
                    [
                      SchemaKey("time", .duration), SchemaKey("size", .size),
                      SchemaKey("percentage", .number(0...100)),
                    ]))),
            ])), "{}"),
      SchemaKey(
        "exemplars",
        .section(Schema("exemplars", [SchemaKey("max_exemplars", .integer(.min...(.max)), "100000")])), "{}"),
    ])

  static let tracing = Schema(
    "tracing",
    [
      SchemaKey("client_type", .choice(["http", "grpc"]), "grpc"),
      SchemaKey("endpoint", .text, isRequired: true),
      SchemaKey("sampling_fraction", .number(-(.infinity)...(.infinity))),
      SchemaKey("insecure", .boolean),
      SchemaKey("tls_config", .section(tls)),
      SchemaKey("headers", .map(.text)),
      SchemaKey("compression", .choice(["", "gzip"])),
      SchemaKey("timeout", .duration),
    ], rules: [.check(SchemaRules.headersAreFree)])

  static let otlp = Schema(
    "otlp",
    [
      SchemaKey("promote_all_resource_attributes", .boolean),
      SchemaKey("promote_resource_attributes", .list(.text)),
      SchemaKey("ignore_resource_attributes", .list(.text)),
      SchemaKey(
        "translation_strategy",
        .choice([
          "", "UnderscoreEscapingWithSuffixes", "UnderscoreEscapingWithoutSuffixes", "NoUTF8EscapingWithSuffixes",
          "NoTranslation",
        ]), "UnderscoreEscapingWithSuffixes"),
      SchemaKey("keep_identifying_resource_attributes", .boolean),
      SchemaKey("convert_histograms_to_nhcb", .boolean),
      SchemaKey("promote_scope_metadata", .boolean),
      SchemaKey("label_name_underscore_sanitization", .boolean),
      SchemaKey("label_name_preserve_multiple_underscores", .boolean),
    ], rules: [.check(SchemaRules.attributesAreClear)])

  static let scrapeProtocol = Shape.choice([
    "PrometheusProto", "OpenMetricsText0.0.1", "OpenMetricsText1.0.0", "PrometheusText0.0.4", "PrometheusText1.0.0",
  ])
  static let validationScheme = Shape.choice(["", "utf8", "legacy"])
  static let escapingScheme = Shape.choice(["", "allow-utf-8", "underscores", "dots", "values"])
}
