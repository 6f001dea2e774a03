import Outbound

extension OAuth2Settings {
  /// `oauth2`. The keys of the grant that signs with a private key are accepted with the other grant, as in Prometheus,
  /// which does not look at them there either.
  static let section = Section(
    "oauth2", OAuth2Settings(),
    [
      .custom(SchemaKey("client_id", .text, isRequired: true)) { $1.clientID = $0.text("client_id") ?? "" },
      .custom(SchemaKey("grant_type", .text)) { _, _ in },
    ] + Setting.secret("client_secret", \.clientSecret) + [
      .unread(SchemaKey("client_certificate_key", .secret)),
      .unread(SchemaKey("client_certificate_key_file", .text)),
      .unread(SchemaKey("client_certificate_key_ref", .text)),
      .unread(SchemaKey("client_certificate_key_id", .text)),
      .unread(SchemaKey("signature_algorithm", .text)), .unread(SchemaKey("iss", .text)),
      .unread(SchemaKey("audience", .text)), .unread(SchemaKey("claims", .map(.text))),
      .texts("scopes", \.scopes),
      .custom(SchemaKey("token_url", .address, isRequired: true)) { $1.tokenURL = $0.text("token_url") ?? "" },
      .custom(SchemaKey("endpoint_params", .map(.text))) { section, settings in
        for (name, value) in section.pairs("endpoint_params") { settings.endpointParameters[name] = value }
      },
      .optional("tls_config", \.tls, TLSSettings.section),
    ] + ProxySettings.settings.map { $0.at(\.proxy) },
    rules: [
      .check { section in
        section.text("grant_type") == signedGrantType
          ? RuleViolation(
            "the grant_type \(signedGrantType) is not served, for want of signatures with a private key: "
              + "use client_credentials", at: "grant_type") : nil
      },
      .check { section in
        SchemaRules.second(section, ["client_secret", "client_secret_file", "client_secret_ref"]).map {
          RuleViolation(
            "at most one of oauth2 client_secret, client_secret_file & client_secret_ref must be configured using "
              + "grant-type=client_credentials", at: $0)
        }
      },
    ] + ProxySettings.rules)
}
