extension Schema {
  /// Keys of every section that makes HTTP requests.
  static let httpClientKeys: [SchemaKey] =
    [
      SchemaKey("basic_auth", .section(basicAuth)),
      SchemaKey("authorization", .section(authorization)),
      SchemaKey("oauth2", .section(oauth2)),
      SchemaKey("bearer_token", .secret),
      SchemaKey("bearer_token_file", .text),
      SchemaKey("tls_config", .section(tls)),
      SchemaKey("follow_redirects", .boolean, "true"),
      SchemaKey("enable_http2", .boolean, "true"),
      SchemaKey("http_headers", .map(.section(httpHeader))),
    ] + proxyKeys

  static let httpClientRules: [SchemaRule] = [
    .atMostOne(["bearer_token", "bearer_token_file"]),
    .atMostOne(["basic_auth", "authorization", "oauth2", "bearer_token"]),
    .atMostOne(["basic_auth", "authorization", "oauth2", "bearer_token_file"]),
    .check(SchemaRules.headersAreFree),
    .check(SchemaRules.proxyIsClear),
  ]

  static let proxyKeys: [SchemaKey] = [
    SchemaKey("proxy_url", .url),
    SchemaKey("no_proxy", .text),
    SchemaKey("proxy_from_environment", .boolean),
    SchemaKey("proxy_connect_header", .map(.list(.secret))),
  ]

  static let basicAuth = Schema(
    "basic_auth",
    [
      SchemaKey("username", .text), SchemaKey("username_file", .text), SchemaKey("username_ref", .text),
      SchemaKey("password", .secret), SchemaKey("password_file", .text), SchemaKey("password_ref", .text),
    ],
    rules: [
      .atMostOne(["username", "username_file", "username_ref"]),
      .atMostOne(["password", "password_file", "password_ref"]),
    ])

  static let authorization = Schema(
    "authorization",
    [
      SchemaKey("type", .text, "Bearer"), SchemaKey("credentials", .secret), SchemaKey("credentials_file", .text),
      SchemaKey("credentials_ref", .text),
    ],
    rules: [
      .atMostOne(["credentials", "credentials_file", "credentials_ref"]),
      .check { section in
        section.text("type")?.lowercased() == "basic"
          ? RuleViolation("the type cannot be Basic: use basic_auth", at: "type") : nil
      },
    ])

  static let oauth2 = Schema(
    "oauth2",
    [
      SchemaKey("client_id", .text, isRequired: true),
      SchemaKey("grant_type", .text),
      SchemaKey("client_secret", .secret), SchemaKey("client_secret_file", .text),
      SchemaKey("client_secret_ref", .text),
      SchemaKey("client_certificate_key", .secret), SchemaKey("client_certificate_key_file", .text),
      SchemaKey("client_certificate_key_ref", .text), SchemaKey("client_certificate_key_id", .text),
      SchemaKey("signature_algorithm", .text), SchemaKey("iss", .text), SchemaKey("audience", .text),
      SchemaKey("claims", .map(.text)),
      SchemaKey("scopes", .list(.text)),
      SchemaKey("token_url", .text, isRequired: true),
      SchemaKey("endpoint_params", .map(.text)),
      SchemaKey("tls_config", .section(tls)),
    ] + proxyKeys,
    rules: [
      .atMostOne(["client_secret", "client_secret_file", "client_secret_ref"]),
      .atMostOne(["client_certificate_key", "client_certificate_key_file", "client_certificate_key_ref"]),
      .check(SchemaRules.proxyIsClear),
    ])

  static let tls = Schema(
    "tls_config",
    [
      SchemaKey("ca", .text), SchemaKey("ca_file", .text), SchemaKey("ca_ref", .text),
      SchemaKey("cert", .text), SchemaKey("cert_file", .text), SchemaKey("cert_ref", .text),
      SchemaKey("key", .secret), SchemaKey("key_file", .text), SchemaKey("key_ref", .text),
      SchemaKey("server_name", .text),
      SchemaKey("insecure_skip_verify", .boolean),
      SchemaKey("min_version", tlsVersion), SchemaKey("max_version", tlsVersion),
    ],
    rules: [
      .atMostOne(["ca", "ca_file", "ca_ref"]), .atMostOne(["cert", "cert_file", "cert_ref"]),
      .atMostOne(["key", "key_file", "key_ref"]), .check(SchemaRules.certificateHasKey),
    ])

  static let httpHeader = Schema(
    "http header",
    [SchemaKey("values", .list(.text)), SchemaKey("secrets", .list(.secret)), SchemaKey("files", .list(.text))])

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

  private static let tlsVersion = Shape.choice(["TLS10", "TLS11", "TLS12", "TLS13"])
}
