import Outbound

extension Schema {
  /// Keys of every section that makes HTTP requests, for sections that nothing reads yet.
  static let httpClientKeys: [SchemaKey] = ClientSettings.settings.map { $0.key(ClientSettings()) }

  static let httpClientRules: [SchemaRule] = ClientSettings.rules

  static let tls = TLSSettings.section.schema

  static let sigv4 = Schema(
    "sigv4",
    [
      SchemaKey("region", .text), SchemaKey("access_key", .text), SchemaKey("secret_key", .secret),
      SchemaKey("profile", .text), SchemaKey("role_arn", .text), SchemaKey("external_id", .text),
      SchemaKey("use_fips_sts_endpoint", .boolean), SchemaKey("service_name", .text),
    ],
    rules: [
      .check { section in
        section.isGiven("access_key") == section.isGiven("secret_key")
          ? nil : RuleViolation("access_key and secret_key belong together")
      }
    ])
}
