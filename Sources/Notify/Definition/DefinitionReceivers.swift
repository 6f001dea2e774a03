import Format
import HTTP
import Model
import Outbound

/// The receivers of a definition that this server tells itself, without an Alertmanager. Pure.
///
/// Nothing is left out in silence: a part that cannot be carried out makes all of it an error that names the part.
package struct DefinitionReceivers: Sendable {
  /// Receivers of all routes together.
  private static let countMax = 200

  package private(set) var receivers: [ReceiverOptions] = []
  private let config: AlertmanagerConfig
  private let workspace: String
  private var beyond: [String]

  private let reach: AddressReach

  /// - Parameters:
  ///   - workspace: the id of the workspace whose alerts they are told of.
  ///   - allowsPrivate: receivers may have addresses of private networks and of this machine.
  package init(
    _ definition: AlertmanagerDefinition, of workspace: String, allowsPrivate: Bool
  ) throws(DefinitionError) {
    config = definition.parsed
    reach = allowsPrivate ? .notLinkLocal : .publicOnly
    self.workspace = workspace
    beyond = config.beyondRouting
    if !definition.templates.isEmpty { beyond.append(AlertmanagerDefinition.configKey + ": template_files") }
    beyond += Self.unread(of: config.global)
    for (place, route) in config.tree.routes.enumerated() {
      for (number, integration) in (config.receivers[route.receiver] ?? []).enumerated() {
        if let receiver = try receiver(integration, number, route, place) { receivers.append(receiver) }
      }
    }
    // Receivers that no route names are checked as well: the next change may name them.
    let named = Set(config.tree.routes.map(\.receiver))
    for (name, integrations) in config.receivers.sorted(by: { $0.key < $1.key }) where !named.contains(name) {
      var route = RouteTree.Route()
      route.receiver = name
      for (number, integration) in integrations.enumerated() { _ = try receiver(integration, number, route, 0) }
    }
    if !beyond.isEmpty {
      var told: [String] = []
      for part in beyond where !told.contains(part) { told.append(part) }
      throw DefinitionError(
        "without an Alertmanager for this workspace (apus.managed_alertmanagers) these parts cannot be carried out: "
          + told.joined(separator: ", "))
    }
    if receivers.count > Self.countMax {
      throw DefinitionError("the routes have \(receivers.count) receivers together, \(Self.countMax) are the most")
    }
  }

  /// Keys of `global` that would change what is told, and are not carried out.
  private static func unread(of global: YAMLNode?) -> [String] {
    // Alerts come with the time of their end. The others are about receivers that are refused themselves.
    let known: Set<String> = ["resolve_timeout", "slack_api_url"]
    let others = [
      "smtp_", "pagerduty_", "opsgenie_", "wechat_", "victorops_", "telegram_", "webex_", "jira_", "rocketchat_",
      "mattermost_",
    ]
    guard let global, case .mapping(let entries) = global.content else { return [] }
    let keys = entries.map(\.key).filter { key in !known.contains(key) && !others.contains { key.hasPrefix($0) } }
    return keys.map { "global.\($0)" }
  }

  /// Nil for a kind that only an Alertmanager tells.
  private mutating func receiver(
    _ integration: AlertmanagerConfig.Integration, _ number: Int, _ route: RouteTree.Route, _ place: Int
  ) throws(DefinitionError) -> ReceiverOptions? {
    var receiver = ReceiverOptions()
    receiver.name = "\(workspace)/\(route.receiver)/\(place).\(number)"
    receiver.route = ReceiverOptions.Route(tree: config.tree, place: place)
    receiver.groupBy = route.groupBy
    receiver.groupWaitMilliseconds = route.groupWaitMilliseconds
    receiver.groupIntervalMilliseconds = route.groupIntervalMilliseconds
    receiver.repeatMilliseconds = route.repeatMilliseconds
    var reader = IntegrationReader(integration, global: config.global, reach)
    receiver.sendsResolved = try reader.flag("send_resolved") ?? (integration.kind != "slack_configs")
    switch integration.kind {
    case "webhook_configs": receiver.channel = .webhook(try reader.webhook())
    case "slack_configs": receiver.channel = .slack(try reader.slack())
    case "sns_configs": receiver.channel = .sns(try reader.sns())
    default:
      beyond.append("\(integration.kind) of \(route.receiver)")
      return nil
    }
    if let timeout = reader.timeoutMilliseconds { receiver.timeoutMilliseconds = timeout }
    beyond += reader.unread.map { "\($0) of \(integration.kind) of \(route.receiver)" }
    return receiver
  }
}
