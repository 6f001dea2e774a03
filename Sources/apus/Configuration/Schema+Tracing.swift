extension Schema {
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

  static let scrapeProtocol = Shape.choice([
    "PrometheusProto", "OpenMetricsText0.0.1", "OpenMetricsText1.0.0", "PrometheusText0.0.4", "PrometheusText1.0.0",
  ])
  static let validationScheme = Shape.choice(["", "utf8", "legacy"])
  static let escapingScheme = Shape.choice(["", "allow-utf-8", "underscores", "dots", "values"])
}
