import Discovery
import Outbound

extension HTTPDiscoveryOptions {
  /// `http_sd_configs`.
  static let section = Section(
    "http", HTTPDiscoveryOptions(),
    [.text("url", \.url, shape: .url, isShown: false), .duration("refresh_interval", \.refreshMilliseconds)]
      + ClientSettings.settings(at: \.client) + [RequestSigning.setting(at: \.signing)],
    rules: ClientSettings.rules + [.check(urlIsWhole), .check(SchemaRules.credentialsAreNotSigned)])

  @Sendable private static func urlIsWhole(_ section: SectionValue) -> RuleViolation? {
    let url = section.text("url") ?? ""
    if url.isEmpty { return RuleViolation("URL is missing") }
    let lower = url.lowercased()
    guard let scheme = ["http:", "https:"].first(where: lower.hasPrefix) else {
      return RuleViolation("URL scheme must be 'http' or 'https'", at: "url")
    }
    let rest = url.dropFirst(scheme.count)
    let host = rest.dropFirst(2).prefix { !"/?#".contains($0) }
    if !rest.hasPrefix("//") || host.isEmpty || host.hasSuffix("@") {
      return RuleViolation("host is missing in URL", at: "url")
    }
    return nil
  }
}
