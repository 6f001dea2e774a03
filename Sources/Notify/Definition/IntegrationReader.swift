import Format
import HTTP
import Model
import Outbound

/// Reads the settings of one integration, and knows which of them nobody has read. A value while it reads.
struct IntegrationReader {
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
    let address = own.isEmpty ? global?["slack_api_url"]?.scalar?.text ?? "" : own
    if own.isEmpty && address.contains("{{") { beyond.append("the template api_url") }
    options.url = .text(try url(address, "api_url"))
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
      for entry in entries { options.attributes[entry.key] = try text(entry) }
      if options.attributes.values.contains(where: { $0.contains("{{") }) { beyond.append("templates in attributes") }
    }
    options.access = try access()
    return options
  }

  /// The keys of `sigv4` that are carried out.
  private mutating func access() throws(DefinitionError) -> AWSSettings {
    read.insert("sigv4")
    var access = AWSSettings()
    guard let node = integration.settings["sigv4"], !node.isNull else { return access }
    for entry in try section(node, "sigv4") {
      switch entry.key {
      case "region": access.region = try text(entry)
      case "access_key": access.accessKey = try text(entry)
      case "secret_key": access.secretKey = try text(entry)
      case "role_arn": access.roleARN = try text(entry)
      default: beyond.append("sigv4.\(entry.key)")
      }
    }
    if access.accessKey.isEmpty != access.secretKey.isEmpty {
      throw mistake(node, "sigv4: access_key and secret_key are given together or not at all")
    }
    return access
  }

  /// The keys of `http_config` that are carried out.
  private mutating func client() throws(DefinitionError) -> ClientSettings {
    read.insert("http_config")
    var settings = ClientSettings()
    settings.reach = reach
    guard let node = integration.settings["http_config"], !node.isNull else { return settings }
    var credentials: [ClientSettings.Credentials] = []
    for entry in try section(node, "http_config") {
      switch entry.key {
      case "basic_auth":
        let parts = try parts(of: entry, ["username", "password"])
        credentials.append(
          .basic(user: .text(parts["username"] ?? ""), password: .text(parts["password"] ?? "")))
      case "authorization":
        let parts = try parts(of: entry, ["type", "credentials"])
        credentials.append(
          .authorization(type: parts["type"] ?? "Bearer", credentials: .text(parts["credentials"] ?? "")))
      case "bearer_token":
        credentials.append(.authorization(type: "Bearer", credentials: .text(try text(entry))))
      case "follow_redirects":
        guard let follows = entry.value.scalar?.boolean else {
          throw mistake(entry.value, "follow_redirects is neither true nor false")
        }
        settings.followsRedirects = follows
      default: beyond.append("http_config.\(entry.key)")
      }
    }
    if credentials.count > 1 {
      throw mistake(node, "at most one of basic_auth, authorization and bearer_token can be given")
    }
    if let one = credentials.first { settings.credentials = one }
    return settings
  }

  /// The texts of a section below `http_config` by their keys.
  private mutating func parts(
    of entry: YAMLEntry, _ known: Set<String>
  ) throws(DefinitionError) -> [String: String] {
    var parts: [String: String] = [:]
    for part in try section(entry.value, entry.key) {
      if known.contains(part.key) {
        parts[part.key] = try text(part)
      } else {
        beyond.append("http_config.\(entry.key).\(part.key)")
      }
    }
    return parts
  }

  private func section(_ node: YAMLNode, _ key: String) throws(DefinitionError) -> [YAMLEntry] {
    guard case .mapping(let entries) = node.content else { throw mistake(node, "\(key) is no section") }
    return entries
  }

  private func text(_ entry: YAMLEntry) throws(DefinitionError) -> String {
    guard let scalar = entry.value.scalar else { throw mistake(entry.value, "\(entry.key) is no text") }
    return scalar.text
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
