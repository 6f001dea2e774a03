import Outbound

// The keys of every section that makes HTTP requests. A section takes them over with
// `ClientSettings.settings(at: \.client)` and `rules: ClientSettings.rules`.
extension ClientSettings {
  /// The keys, for options that these settings are a part of. `own` are those that the section reads itself.
  static func settings<Whole: Sendable>(
    at path: WritableKeyPath<Whole, ClientSettings> & Sendable, own: Set<String> = []
  ) -> [Setting<Whole>] {
    settings.filter { !own.contains($0.name) }.map { $0.at(path) }
  }

  static let settings: [Setting<ClientSettings>] =
    [
      .optional("basic_auth", \.self, basic) { $0.credentials = .basic(user: .text(""), password: .text("")) },
      .optional("authorization", \.self, authorization) {
        $0.credentials = .authorization(type: "Bearer", credentials: .text(""))
      },
      .optional("oauth2", \.oauth2, OAuth2Settings.section),
      .custom(SchemaKey("bearer_token", .secret)) { section, settings in
        guard let token = section.text("bearer_token"), !token.isEmpty else { return }
        settings.credentials = .authorization(type: "Bearer", credentials: .text(token))
      },
      .custom(SchemaKey("bearer_token_file", .text)) { section, settings in
        guard let path = section.text("bearer_token_file"), !path.isEmpty else { return }
        settings.credentials = .authorization(type: "Bearer", credentials: .file(path))
      },
      .optional("tls_config", \.tls, TLSSettings.section),
      .boolean("follow_redirects", \.followsRedirects),
      .boolean("enable_http2", \.isHTTP2Enabled),
      Setting(
        "http_headers", key: { _ in SchemaKey("http_headers", .map(.section(HeaderSetting.section.schema))) }
      ) { section, settings, _ in
        settings.headers = HeaderSetting.read(section["http_headers"])
      },
    ] + ProxySettings.settings.map { $0.at(\.proxy) }

  static let rules: [SchemaRule] =
    [.check(SchemaRules.credentialsAreOne), .check(SchemaRules.headersAreFree), .check(SchemaRules.headersAreAddable)]
    + ProxySettings.rules

  private static let basic = Section(
    "basic_auth", ClientSettings(),
    Setting.secret("username", \.user, shape: .text) + Setting.secret("password", \.password),
    rules: [
      .check { SchemaRules.oneOf($0, "basic_auth ", "username", ["username", "username_file", "username_ref"]) },
      .check { SchemaRules.oneOf($0, "basic_auth ", "password", ["password", "password_file", "password_ref"]) },
    ])

  private static let authorization = Section(
    "authorization", ClientSettings(),
    [
      .custom(SchemaKey("type", .text, "Bearer")) { section, settings in
        settings.authorizationType = SchemaRules.trimmed(section.text("type") ?? "")
      }
    ] + Setting.secret("credentials", \.authorizationText),
    rules: [
      .check { section in
        let keys = ["credentials", "credentials_file", "credentials_ref"]
        guard let key = SchemaRules.second(section, keys) else { return nil }
        return RuleViolation("at most one of authorization credentials & credentials_file must be configured", at: key)
      },
      .check { section in
        SchemaRules.trimmed(section.text("type") ?? "").lowercased() == "basic"
          ? RuleViolation(
            "authorization type cannot be set to \"basic\", use \"basic_auth\" instead", at: "type") : nil
      },
    ])
}

// The parts of the credentials, for the keys that say them one by one.
extension ClientSettings {
  fileprivate var user: Secret {
    get { if case .basic(let user, _) = credentials { user } else { .text("") } }
    set { credentials = .basic(user: newValue, password: password) }
  }

  fileprivate var password: Secret {
    get { if case .basic(_, let password) = credentials { password } else { .text("") } }
    set { credentials = .basic(user: user, password: newValue) }
  }

  fileprivate var authorizationType: String {
    get { if case .authorization(let type, _) = credentials { type } else { "Bearer" } }
    set { credentials = .authorization(type: newValue.isEmpty ? "Bearer" : newValue, credentials: authorizationText) }
  }

  fileprivate var authorizationText: Secret {
    get { if case .authorization(_, let text) = credentials { text } else { .text("") } }
    set { credentials = .authorization(type: authorizationType, credentials: newValue) }
  }

  fileprivate var oauth2: OAuth2Settings {
    get { if case .oauth2(let settings) = credentials { settings } else { OAuth2Settings() } }
    set { credentials = .oauth2(newValue) }
  }
}

extension HeaderSetting {
  /// One header of `http_headers`.
  static let section = Section(
    "http header", HeaderSetting(name: "", values: []),
    [
      .custom(SchemaKey("values", .list(.text))) { section, header in
        header.values = section.texts("values").map { .text($0) }
      },
      .custom(SchemaKey("secrets", .list(.secret))) { section, header in
        header.secrets += HeaderSetting.secrets(section["secrets"])
      },
      .custom(SchemaKey("files", .list(.text))) { section, header in
        header.secrets += section.texts("files").map { .file($0) }
      },
    ])

  static func read(_ value: ConfigurationValue?) -> [HeaderSetting] {
    guard case .map(let entries) = value else { return [] }
    return entries.compactMap { entry in
      guard case .section(let values) = entry.value else { return nil }
      var header = HeaderSetting(name: entry.key, values: [])
      // Nothing that it reads can be at fault.
      var faults: [ConfigurationFault] = []
      section.fill(&header, from: values, &faults)
      return header
    }
  }

  static func secrets(_ value: ConfigurationValue?) -> [Secret] {
    guard case .list(let values) = value else { return [] }
    return values.compactMap { if case .secret(let text) = $0 { .text(text) } else { nil } }
  }
}
