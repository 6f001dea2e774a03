import Discovery

extension DNSDiscoveryOptions {
  /// `dns_sd_configs`.
  static let section = Section(
    "dns", DNSDiscoveryOptions(),
    [
      .texts("names", \.names),
      .duration("refresh_interval", \.refreshMilliseconds),
      .custom(SchemaKey("type", .text, RecordType.srv.rawValue)) { section, options in
        if let type = RecordType(rawValue: (section.text("type") ?? "").uppercased()) { options.type = type }
      },
      .integer("port", \.port, shape: .integer(.min...(.max))),
    ], rules: [.check(recordsGiveTargets)])

  @Sendable private static func recordsGiveTargets(_ section: SectionValue) -> RuleViolation? {
    if section.texts("names").isEmpty {
      return RuleViolation("DNS-SD config must contain at least one SRV record name", at: "names")
    }
    let text = section.text("type") ?? ""
    guard let type = RecordType(rawValue: text.uppercased()) else {
      return RuleViolation("invalid DNS-SD records type \(text)", at: "type")
    }
    if type != .srv, section.integer("port") ?? 0 == 0 {
      return RuleViolation("a port is required in DNS-SD configs for all record types except SRV")
    }
    return nil
  }
}
