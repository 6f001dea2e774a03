import Discovery
import Outbound

extension ConsulDiscoveryOptions {
  /// An entry of `consul_sd_configs`.
  static let section = Section(
    "consul", ConsulDiscoveryOptions(),
    [
      .text("server", \.server, shape: .address),
      .text("path_prefix", \.pathPrefix, isShown: false),
      .text("token", \.token, shape: .secret, isShown: false),
      .text("datacenter", \.datacenter, isShown: false),
      .text("namespace", \.namespace, isShown: false),
      .text("partition", \.partition, isShown: false),
      .text("tag_separator", \.tagSeparator),
      .text("scheme", \.scheme),
      .text("username", \.username, isShown: false),
      .text("password", \.password, shape: .secret, isShown: false),
      .boolean("allow_stale", \.allowsStale),
      .duration("refresh_interval", \.refreshMilliseconds),
      .texts("services", \.services),
      .texts("tags", \.tags),
      .custom(SchemaKey("node_meta", .map(.text))) { section, options in
        for pair in section.pairs("node_meta") { options.nodeMetadata[pair.name] = pair.value }
      },
      .text("filter", \.filter, isShown: false),
      .text("health_filter", \.healthFilter, isShown: false),
    ] + ClientSettings.settings(at: \.client),
    rules: ClientSettings.rules + [.check(serverIsGiven), .check(credentialsAreOne)],
    conditions: [
      { $0.refreshMilliseconds > 0 ? nil : RuleViolation("refresh_interval must be above 0s", at: "refresh_interval") }
    ])

  @Sendable private static func serverIsGiven(_ section: SectionValue) -> RuleViolation? {
    (section.text("server") ?? "").allSatisfy(\.isWhitespace)
      ? RuleViolation("consul SD configuration requires a server address", at: "server") : nil
  }

  @Sendable private static func credentialsAreOne(_ section: SectionValue) -> RuleViolation? {
    func isGiven(_ keys: String...) -> Bool {
      keys.contains { section.isGiven($0) && !(section[$0]?.isEmpty ?? true) }
    }
    if isGiven("username", "password"), isGiven("basic_auth") {
      return RuleViolation(
        "at most one of consul SD configuration username and password and basic auth can be configured")
    }
    if isGiven("token"), isGiven("authorization", "oauth2", "bearer_token", "bearer_token_file") {
      return RuleViolation("at most one of consul SD token, authorization, or oauth2 can be configured", at: "token")
    }
    return nil
  }
}
