/// Conditions between the keys of clients, with Prometheus's texts.
extension SchemaRules {
  /// The second of these keys that says something; nil where at most one does.
  static func second(_ section: SectionValue, _ keys: [String]) -> String? {
    let given = keys.filter { section.isGiven($0) && !(section[$0]?.isEmpty ?? true) }
    return given.count > 1 ? given[1] : nil
  }

  /// At most one of a text, a file and a reference.
  static func oneOf(_ section: SectionValue, _ owner: String, _ name: String, _ keys: [String]) -> RuleViolation? {
    second(section, keys).map {
      RuleViolation("at most one of \(owner)\(name), \(name)_file & \(name)_ref must be configured", at: $0)
    }
  }

  static func trimmed(_ text: String) -> String {
    var text = text.drop { $0.isWhitespace }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }

  @Sendable static func credentialsAreOne(_ section: SectionValue) -> RuleViolation? {
    func isGiven(_ key: String) -> Bool { section.isGiven(key) && !(section[key]?.isEmpty ?? true) }
    let tokens = ["bearer_token", "bearer_token_file"].filter(isGiven)
    if tokens.count > 1 {
      return RuleViolation("at most one of bearer_token & bearer_token_file must be configured", at: tokens[1])
    }
    let sections = ["basic_auth", "oauth2"].filter(isGiven)
    if let token = tokens.first, !sections.isEmpty {
      return RuleViolation(
        "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured", at: token)
    }
    let isAuthorized = isGiven("authorization")
    if isAuthorized, let token = tokens.first {
      return RuleViolation("authorization is not compatible with bearer_token & bearer_token_file", at: token)
    }
    if sections.count > 1 || isAuthorized && !sections.isEmpty {
      return RuleViolation(
        "at most one of basic_auth, oauth2 & authorization must be configured", at: sections.last ?? "authorization")
    }
    return nil
  }

  private static let reservedHeaders: Set<String> = [
    "Authorization", "Host", "Content-Encoding", "Content-Length", "Content-Type", "User-Agent", "Connection",
    "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Www-Authenticate", "Accept-Encoding",
    "X-Prometheus-Remote-Write-Version", "X-Prometheus-Remote-Read-Version", "X-Prometheus-Scrape-Timeout-Seconds",
    "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256",
  ]

  /// Each word between dashes with a capital first, as Go writes names of headers.
  private static func canonical(_ name: String) -> String {
    name.split(separator: "-", omittingEmptySubsequences: false)
      .map { $0.prefix(1).uppercased() + $0.dropFirst().lowercased() }.joined(separator: "-")
  }

  /// Headers that the client sets itself cannot be added.
  @Sendable static func headersAreAddable(_ section: SectionValue) -> RuleViolation? {
    guard section.schema["http_headers"] != nil, case .map(let entries) = section["http_headers"] else { return nil }
    return entries.map { canonical($0.key) }.first { reservedHeaders.contains($0) }.map {
      RuleViolation("setting header \"\($0)\" is not allowed", at: "http_headers")
    }
  }

  @Sendable static func proxyIsClear(_ section: SectionValue) -> RuleViolation? {
    let url = !(section.text("proxy_url") ?? "").isEmpty
    let exceptions = !(section.text("no_proxy") ?? "").isEmpty
    let environment = section.boolean("proxy_from_environment") ?? false
    if case .map(let headers) = section["proxy_connect_header"], !headers.isEmpty, !url, !environment {
      return RuleViolation(
        "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured",
        at: "proxy_connect_header")
    }
    if environment && url {
      return RuleViolation("if proxy_from_environment is configured, proxy_url must not be configured")
    }
    if environment && exceptions {
      return RuleViolation("if proxy_from_environment is configured, no_proxy must not be configured")
    }
    if exceptions && !url {
      return RuleViolation("if no_proxy is configured, proxy_url must also be configured", at: "no_proxy")
    }
    return nil
  }

  @Sendable static func certificateHasKey(_ tls: SectionValue) -> RuleViolation? {
    let certificate = ["cert", "cert_file", "cert_ref"].contains { !(tls.text($0) ?? "").isEmpty }
    let key = ["key", "key_file", "key_ref"].contains { !(tls.text($0) ?? "").isEmpty }
    if certificate && !key {
      return RuleViolation(
        "exactly one of key or key_file must be configured when a client certificate is configured")
    }
    if key && !certificate {
      return RuleViolation("exactly one of cert or cert_file must be configured when a client key is configured")
    }
    return nil
  }
}
