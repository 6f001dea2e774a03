import Outbound

extension TLSSettings {
  /// `tls_config`.
  static let section = Section(
    "tls_config", TLSSettings(),
    Setting.secret("ca", \.authority, shape: .text) + Setting.secret("cert", \.certificate, shape: .text)
      + Setting.secret("key", \.key) + [
        .text("server_name", \.serverName, isShown: false),
        .boolean("insecure_skip_verify", \.isInsecure, isShown: false),
        version("min_version", \.versionMin), version("max_version", \.versionMax),
      ],
    rules: [
      .check { SchemaRules.oneOf($0, "", "ca", ["ca", "ca_file", "ca_ref"]) },
      .check { SchemaRules.oneOf($0, "", "cert", ["cert", "cert_file", "cert_ref"]) },
      .check { section in
        SchemaRules.second(section, ["key", "key_file", "key_ref"]).map {
          RuleViolation("at most one of key and key_file must be configured", at: $0)
        }
      },
      .check(SchemaRules.certificateHasKey),
    ],
    conditions: [
      {
        guard let lowest = $0.versionMin, let highest = $0.versionMax, highest.rawValue < lowest.rawValue else {
          return nil
        }
        return RuleViolation(
          "tls_config.max_version must be greater than or equal to tls_config.min_version if both are specified",
          at: "max_version")
      }
    ])

  private static let versions: [String: Version] = [
    "TLS10": .tls10, "TLS11": .tls11, "TLS12": .tls12, "TLS13": .tls13,
  ]

  private static func version(
    _ name: String, _ path: WritableKeyPath<TLSSettings, Version?> & Sendable
  ) -> Setting<TLSSettings> {
    .custom(SchemaKey(name, .choice(versions.keys.sorted()))) { section, tls in
      tls[keyPath: path] = versions[section.text(name) ?? ""]
    }
  }
}
