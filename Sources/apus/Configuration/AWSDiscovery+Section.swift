import Discovery
import Format
import Model
import Outbound

extension EC2DiscoveryOptions {
  /// `ec2_sd_configs`.
  static let section = Section(
    "ec2", EC2DiscoveryOptions(),
    [.text("endpoint", \.endpoint, shape: .address, isShown: false)] + AWSSettings.settings.map { $0.at(\.access) } + [
      .duration("refresh_interval", \.refreshMilliseconds),
      .integer("port", \.port, shape: .integer(.min...(.max))),
      .sections("filters", \.filters, Filter.section),
    ] + ClientSettings.settings(at: \.client), rules: ClientSettings.rules)
}

extension EC2DiscoveryOptions.Filter {
  static let section = Section(
    "filter", EC2DiscoveryOptions.Filter(),
    [.text("name", \.name, isShown: false), .texts("values", \.values)],
    rules: [
      .check { filter in
        filter.texts("values").isEmpty
          ? RuleViolation("EC2 SD configuration filter values cannot be empty", at: "values") : nil
      }
    ])
}

extension ECSDiscoveryOptions {
  /// `ecs_sd_configs`.
  static let section = Section(
    "ecs", ECSDiscoveryOptions(),
    [.text("endpoint", \.endpoint, shape: .address, isShown: false)] + AWSSettings.settings.map { $0.at(\.access) } + [
      .texts("clusters", \.clusters),
      .integer("port", \.port, shape: .integer(.min...(.max))),
      .duration("refresh_interval", \.refreshMilliseconds),
      .integer("request_concurrency", \.requestConcurrency, shape: .integer(.min...(.max))),
      .boolean(
        "running_tasks_only", \.isRunningOnly, isShown: false,
        help: "Leaves out tasks whose last status is not RUNNING. Prometheus does not know this key."),
    ] + ClientSettings.settings(at: \.client), rules: ClientSettings.rules)
}

/// `aws_sd_configs`: the discovery of a role, with the keys of that one.
enum AWSDiscovery {
  private static let roles = ["ec2", "ecs", "elasticache", "lightsail", "msk", "rds"]
  private static let servedRoles = ["ec2", "ecs"]

  /// The keys of both; those that a role does not have are passed over, as in Prometheus.
  private struct Options: Sendable {
    var role = ""
    var ec2 = EC2DiscoveryOptions()
    var clusters: [String] = []

    var ecs: ECSDiscoveryOptions {
      var options = ECSDiscoveryOptions()
      options.access = ec2.access
      options.endpoint = ec2.endpoint
      options.port = ec2.port
      options.refreshMilliseconds = ec2.refreshMilliseconds
      options.client = ec2.client
      options.clusters = clusters
      return options
    }
  }

  private static let role: Setting<Options> = {
    var key = SchemaKey("role", .text)
    key.isUnserved = { value in
      if case .text(let role) = value { roles.contains(role) && !servedRoles.contains(role) } else { false }
    }
    return .custom(key) { section, options in options.role = section.text("role") ?? "" }
  }()

  private static let section = Section(
    "aws", Options(),
    [role] + EC2DiscoveryOptions.section.settings.map { $0.at(\.ec2) } + [.texts("clusters", \.clusters)],
    rules: ClientSettings.rules + [
      .check { section in
        let role = section.text("role") ?? ""
        return roles.contains(role) ? nil : RuleViolation("unknown AWS SD role \(quoted(role))", at: "role")
      }
    ])

  static let setting = Setting<[DiscoveryOptions]>(
    "aws_sd_configs", key: { _ in SchemaKey("aws_sd_configs", .list(.section(section.schema))) }
  ) { value, discoveries, faults in
    for part in value.sections("aws_sd_configs") {
      var options = Options()
      section.fill(&options, from: part, &faults)
      switch options.role {
      case "ec2": discoveries.append(.ec2(options.ec2))
      case "ecs": discoveries.append(.ecs(options.ecs))
      // The warning of what is not served names the role.
      default: break
      }
    }
  }
}
