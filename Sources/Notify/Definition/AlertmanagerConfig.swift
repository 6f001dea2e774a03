import Format
import Model

/// The configuration of an Alertmanager, checked as far as this server has to know it: routes wholly, receivers by their kinds.
/// A value.
package struct AlertmanagerConfig: Sendable {
  /// One of the ways in which a receiver is told.
  struct Integration: Sendable {
    /// `webhook_configs`, ...
    var kind: String
    var settings: YAMLNode
  }

  static let limits = YAMLDocument.Limits(bytesMax: 4 << 20, depthMax: 64, nodesMax: 100_000)
  static let name = AlertmanagerDefinition.configKey

  private static let keys: Set<String> = [
    "global", "templates", "route", "inhibit_rules", "receivers", "time_intervals", "mute_time_intervals", "tracing",
  ]
  private static let kinds: Set<String> = [
    "webhook_configs", "slack_configs", "sns_configs", "pagerduty_configs", "opsgenie_configs", "email_configs",
    "victorops_configs", "pushover_configs", "wechat_configs", "telegram_configs", "webex_configs", "msteams_configs",
    "msteamsv2_configs", "discord_configs", "jira_configs", "rocketchat_configs", "mattermost_configs",
    "incidentio_configs",
  ]

  let tree: RouteTree
  let receivers: [String: [Integration]]
  let global: YAMLNode?
  /// Parts that only an Alertmanager carries out, with their places.
  let beyondRouting: [String]

  /// - Parameter templates: names of the files that come with the configuration.
  init(_ text: String, templates: Set<String>) throws(DefinitionError) {
    let root: YAMLNode
    do throws(YAMLError) {
      root = try YAMLDocument.parse(text, limits: Self.limits).root
    } catch {
      throw DefinitionError(error.position, of: Self.name, error.what)
    }
    guard case .mapping(let entries) = root.content else { throw DefinitionError("\(Self.name) is no section") }
    for entry in entries where !Self.keys.contains(entry.key) {
      throw DefinitionError(entry.keyPosition, of: Self.name, "field \(entry.key) not found in type config.plain")
    }
    try Self.refuseFiles(root)
    try Self.check(templates: root["templates"], against: templates)
    receivers = try Self.receivers(root["receivers"])
    let times = try Self.timeNames(root)
    var reader = RouteReader(receivers: Set(receivers.keys), times: times)
    guard let route = root["route"], !route.isNull else { throw DefinitionError("no routes provided") }
    tree = RouteTree(try reader.read(route))
    global = root["global"].flatMap { $0.isNull ? nil : $0 }
    if let global, case .mapping = global.content {
    } else if let global {
      throw DefinitionError(global.position, of: Self.name, "global is no section")
    }
    var beyond = reader.beyond
    if let rules = root["inhibit_rules"], case .sequence(let list) = rules.content, !list.isEmpty {
      beyond.append("inhibit_rules (line \(rules.position.line))")
    }
    if let node = root["tracing"], !node.isNull { beyond.append("tracing (line \(node.position.line))") }
    beyondRouting = beyond
  }

  /// Refuses every key that names a file of this machine, wherever it stands: whoever may send a definition must not read
  /// files by it.
  private static func refuseFiles(_ node: YAMLNode) throws(DefinitionError) {
    switch node.content {
    case .scalar: return
    case .sequence(let nodes): for node in nodes { try refuseFiles(node) }
    case .mapping(let entries):
      for entry in entries {
        if entry.key.hasSuffix("_file") || entry.key.hasSuffix("_files") {
          throw DefinitionError(entry.keyPosition, of: name, "\(entry.key) names a file, which a definition cannot")
        }
        try refuseFiles(entry.value)
      }
    }
  }

  private static func check(templates node: YAMLNode?, against known: Set<String>) throws(DefinitionError) {
    guard let node, !node.isNull else { return }
    guard case .sequence(let entries) = node.content else {
      throw DefinitionError(node.position, of: name, "templates is no list")
    }
    for entry in entries {
      guard let file = entry.scalar?.text, known.contains(file) else {
        throw DefinitionError(
          entry.position, of: name,
          "the template \(quoted(entry.scalar?.text ?? "")) is not one of template_files")
      }
    }
  }

  private static func receivers(_ node: YAMLNode?) throws(DefinitionError) -> [String: [Integration]] {
    guard let node, case .sequence(let entries) = node.content else {
      throw DefinitionError(node?.position ?? YAMLPosition(line: 1, column: 1), of: name, "receivers is no list")
    }
    var receivers: [String: [Integration]] = [:]
    for entry in entries {
      guard let receiver = entry["name"]?.scalar?.text, !receiver.isEmpty, case .mapping(let members) = entry.content
      else { throw DefinitionError(entry.position, of: name, "missing name in receiver") }
      if receivers[receiver] != nil {
        throw DefinitionError(entry.position, of: name, "notification config name \(quoted(receiver)) is not unique")
      }
      var integrations: [Integration] = []
      for member in members where member.key != "name" {
        guard kinds.contains(member.key) else {
          throw DefinitionError(
            member.keyPosition, of: name, "field \(member.key) not found in type config.plain (receiver \(receiver))")
        }
        if member.value.isNull { continue }
        guard case .sequence(let list) = member.value.content else {
          throw DefinitionError(member.value.position, of: name, "\(member.key) is no list")
        }
        for settings in list {
          guard case .mapping = settings.content else {
            throw DefinitionError(settings.position, of: name, "an entry of \(member.key) is no section")
          }
          integrations.append(Integration(kind: member.key, settings: settings))
        }
      }
      receivers[receiver] = integrations
    }
    return receivers
  }

  private static func timeNames(_ root: YAMLNode) throws(DefinitionError) -> Set<String> {
    var names: Set<String> = []
    for key in ["time_intervals", "mute_time_intervals"] {
      guard let node = root[key], case .sequence(let entries) = node.content else { continue }
      for entry in entries {
        guard let interval = entry["name"]?.scalar?.text, !interval.isEmpty else {
          throw DefinitionError(entry.position, of: name, "missing name in time interval")
        }
        names.insert(interval)
      }
    }
    return names
  }
}
