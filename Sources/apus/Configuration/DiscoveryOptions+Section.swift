import Discovery
import Model

// The table of the mechanisms as the configuration names them: one line for each that is served.
extension DiscoveryOptions {
  /// `static_configs` and every `..._sd_configs`, for scrape configs and alertmanagers. Each adds its discoveries to the
  /// list; those that this version does not serve are checked, and named in the warning of keys without effect.
  static let settings: [Setting<[DiscoveryOptions]>] =
    [
      fixed,
      AWSDiscovery.setting,
      served("consul", ConsulDiscoveryOptions.section, DiscoveryOptions.consul),
      served("dns", DNSDiscoveryOptions.section, DiscoveryOptions.dns),
      served("ec2", EC2DiscoveryOptions.section, DiscoveryOptions.ec2),
      served("ecs", ECSDiscoveryOptions.section, DiscoveryOptions.ecs),
      served("file", FileDiscoveryOptions.section, DiscoveryOptions.file),
      served("http", HTTPDiscoveryOptions.section, DiscoveryOptions.http),
      served("kubernetes", KubernetesDiscoveryOptions.section, DiscoveryOptions.kubernetes),
    ] + Schema.otherDiscoveries.map { .unread(SchemaKey(key($0.name), .list(.section($0)))) }

  private static func key(_ name: String) -> String { "\(name)_sd_configs" }

  private static func served<Options: Sendable>(
    _ name: String, _ section: Section<Options>, _ make: @escaping @Sendable (Options) -> DiscoveryOptions
  ) -> Setting<[DiscoveryOptions]> {
    let key = key(name)
    return Setting(key, key: { _ in SchemaKey(key, .list(.section(section.schema))) }) { value, discoveries, faults in
      for part in value.sections(key) {
        var options = section.defaults
        section.fill(&options, from: part, &faults)
        discoveries.append(make(options))
      }
    }
  }

  /// `static_configs`: all groups are one discovery.
  private static let fixed = Setting<[DiscoveryOptions]>(
    "static_configs", key: { _ in SchemaKey("static_configs", .list(.section(TargetGroup.section.schema))) }
  ) { value, discoveries, faults in
    let groups = value.sections("static_configs").enumerated().map { place, part in
      var group = TargetGroup(source: String(place), targets: [])
      TargetGroup.section.fill(&group, from: part, &faults)
      return group
    }
    if !groups.isEmpty { discoveries.append(.fixed(groups)) }
  }
}

extension TargetGroup {
  /// An entry of `static_configs`.
  static let section = Section(
    "target group", TargetGroup(source: "", targets: []),
    [
      .custom(SchemaKey("targets", .list(.text))) { section, group in
        group.targets = section.texts("targets").map { Labels([(TargetGroup.addressLabel, $0)]) }
      },
      .labels("labels", \.labels),
    ])
}
