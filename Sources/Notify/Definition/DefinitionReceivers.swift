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
    for (place, route) in config.tree.routes.enumerated() {
      for (number, integration) in (config.receivers[route.receiver] ?? []).enumerated() {
        try add(integration, number, route, place)
      }
    }
    // Receivers that no route names are checked as well: the next change may name them.
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

  private mutating func add(
    _ integration: AlertmanagerConfig.Integration, _ number: Int, _ route: RouteTree.Route, _ place: Int
  ) throws(DefinitionError) {
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
      return
    }
    if let timeout = reader.timeoutMilliseconds { receiver.timeoutMilliseconds = timeout }
    beyond += reader.unread.map { "\($0) of \(integration.kind) of \(route.receiver)" }
    receivers.append(receiver)
  }
}

/// Reads the settings of one integration, and knows which of them nobody has read. A value while it reads.
private struct IntegrationReader {
  private let integration: AlertmanagerConfig.Integration
  private let global: YAMLNode?
  private let reach: AddressReach
  private var read: Set<String> = ["send_resolved"]
  private var beyond: [String] = []
  private(set) var timeoutMilliseconds: Int64?

  init(_ integration: AlertmanagerConfig.Integration, global: YAMLNode?, _ reach: AddressReach) {
    self.integration = integration
    self.reach = reach
    self.global = global
  }

  /// Keys that have no effect here.
  var unread: [String] {
    guard case .mapping(let entries) = integration.settings.content else { return beyond }
    return entries.map(\.key).filter { !read.contains($0) } + beyond
  }

  private func mistake(_ node: YAMLNode, _ what: String) -> DefinitionError {
    DefinitionError(node.position, of: AlertmanagerConfig.name, what)
  }

  mutating func text(_ key: String) throws(DefinitionError) -> String {
    read.insert(key)
    guard let node = integration.settings[key], !node.isNull else { return "" }
    guard let text = node.scalar?.text else { throw mistake(node, "\(key) is no text") }
    if text.contains("{{") { beyond.append("the template \(key)") }
    return text
  }

  func flag(_ key: String) throws(DefinitionError) -> Bool? {
    guard let node = integration.settings[key], !node.isNull else { return nil }
    guard let flag = node.scalar?.boolean else { throw mistake(node, "\(key) is neither true nor false") }
    return flag
  }

  mutating func webhook() throws(DefinitionError) -> WebhookOptions {
    var options = WebhookOptions()
    options.url = .text(try url(try text("url"), "url"))
    options.client = try client()
    read.formUnion(["max_alerts", "timeout"])
    if let node = integration.settings["max_alerts"] {
      guard let number = node.scalar?.integer, (0...1_000_000).contains(number) else {
        throw mistake(node, "max_alerts is no number from 0 on")
      }
      options.alertsMax = Int(number)
    }
    if let node = integration.settings["timeout"] {
      guard let timeout = DurationText.parse(node.scalar?.text ?? "") else {
        throw mistake(node, "timeout is no duration")
      }
      if timeout > 0 { timeoutMilliseconds = timeout }
    }
    return options
  }

  mutating func slack() throws(DefinitionError) -> SlackOptions {
    var options = SlackOptions()
    let own = try text("api_url")
    options.url = .text(try url(own.isEmpty ? global?["slack_api_url"]?.scalar?.text ?? "" : own, "api_url"))
    options.channel = try text("channel")
    options.username = try text("username")
    options.client = try client()
    return options
  }

  mutating func sns() throws(DefinitionError) -> SNSOptions {
    var options = SNSOptions()
    options.topicARN = try text("topic_arn")
    guard options.topicARN.hasPrefix("arn:") else {
      throw mistake(integration.settings, "sns_configs needs a topic_arn: arn:aws:sns:REGION:ACCOUNT:NAME")
    }
    options.subject = try text("subject")
    options.endpoint = try text("api_url")
    if !options.endpoint.isEmpty { options.endpoint = try url(options.endpoint, "api_url") }
    options.client = try client()
    if let node = integration.settings["attributes"] {
      read.insert("attributes")
      guard case .mapping(let entries) = node.content else { throw mistake(node, "attributes is no section") }
      for entry in entries { options.attributes[entry.key] = entry.value.scalar?.text ?? "" }
      if options.attributes.values.contains(where: { $0.contains("{{") }) { beyond.append("templates in attributes") }
    }
    read.insert("sigv4")
    guard let sigv4 = integration.settings["sigv4"], case .mapping(let entries) = sigv4.content else { return options }
    for entry in entries {
      let text = entry.value.scalar?.text ?? ""
      switch entry.key {
      case "region": options.access.region = text
      case "access_key": options.access.accessKey = text
      case "secret_key": options.access.secretKey = text
      case "role_arn": options.access.roleARN = text
      default: beyond.append("sigv4.\(entry.key)")
      }
    }
    return options
  }

  /// The keys of `http_config` that are carried out.
  private mutating func client() throws(DefinitionError) -> ClientSettings {
    read.insert("http_config")
    var settings = ClientSettings()
    settings.reach = reach
    guard let node = integration.settings["http_config"], case .mapping(let entries) = node.content else {
      return settings
    }
    for entry in entries {
      switch entry.key {
      case "basic_auth":
        settings.credentials = .basic(
          user: .text(entry.value["username"]?.scalar?.text ?? ""),
          password: .text(entry.value["password"]?.scalar?.text ?? ""))
      case "authorization":
        settings.credentials = .authorization(
          type: entry.value["type"]?.scalar?.text ?? "Bearer",
          credentials: .text(entry.value["credentials"]?.scalar?.text ?? ""))
      case "bearer_token":
        settings.credentials = .authorization(type: "Bearer", credentials: .text(entry.value.scalar?.text ?? ""))
      case "follow_redirects": settings.followsRedirects = entry.value.scalar?.boolean ?? true
      default: beyond.append("http_config.\(entry.key)")
      }
    }
    return settings
  }

  private func url(_ text: String, _ key: String) throws(DefinitionError) -> String {
    // A template, which is refused as such.
    if text.contains("{{") { return text }
    guard let parts = URLParts(text) else {
      throw mistake(integration.settings, "\(integration.kind): \(key) is no http or https URL")
    }
    // A name is looked at once it is an address: when a message is sent.
    let isLocal = parts.host == "localhost" && reach == .publicOnly
    if isLocal || IPAddress(parts.host).map({ !reach.allows($0) }) ?? false {
      throw mistake(
        integration.settings,
        "\(integration.kind): \(key) leads to a private address, which the server does not allow "
          + "(apus.allow_private_receivers)")
    }
    return text
  }
}
