import Discovery
import Outbound

extension KubernetesDiscoveryOptions {
  /// An entry of `kubernetes_sd_configs`.
  static let section = Section(
    "kubernetes", KubernetesDiscoveryOptions(),
    [
      .text("api_server", \.apiServer, shape: .url, isShown: false),
      .custom(SchemaKey("role", .text)) { section, options in
        if let role = Role(rawValue: section.text("role") ?? "") { options.role = role }
      },
      .text("kubeconfig_file", \.kubeconfigFile, isShown: false),
      .section("namespaces", \.self, namespaces),
      .sections("selectors", \.selectors, Selector.section),
      .section("attach_metadata", \.attached, Attached.section),
    ] + ClientSettings.settings(at: \.client),
    rules: ClientSettings.rules + [
      .check(roleIsKnown), .check(accessIsClear), .check(clientIsUsed), .check(namespaceIsOwn), .check(selectorsFit),
    ])

  private static let namespaces = Section(
    "namespaces", KubernetesDiscoveryOptions(),
    [.boolean("own_namespace", \.ownNamespace, isShown: false), .texts("names", \.namespaces)])

  // MARK: Rules, with Prometheus's texts

  @Sendable private static func roleIsKnown(_ section: SectionValue) -> RuleViolation? {
    let role = section.text("role") ?? ""
    if role.isEmpty {
      return RuleViolation("role missing (one of: pod, service, endpoints, endpointslice, node, ingress)")
    }
    return Role(rawValue: role) == nil ? RuleViolation("unknown Kubernetes SD role \"\(role)\"", at: "role") : nil
  }

  private static func hasServer(_ section: SectionValue) -> Bool { !(section.text("api_server") ?? "").isEmpty }
  private static func hasFile(_ section: SectionValue) -> Bool { !(section.text("kubeconfig_file") ?? "").isEmpty }

  @Sendable private static func accessIsClear(_ section: SectionValue) -> RuleViolation? {
    guard let server = section.text("api_server"), !server.isEmpty else { return nil }
    if hasFile(section) {
      return RuleViolation("cannot use 'kubeconfig_file' and 'api_server' simultaneously", at: "api_server")
    }
    let isHTTP = ["http://", "https://"].contains { server.hasPrefix($0) && server.count > $0.count }
    return isHTTP ? nil : RuleViolation("the api_server needs http:// or https:// and a host", at: "api_server")
  }

  /// HTTP settings other than the defaults come only with the API server that they are for.
  @Sendable private static func clientIsUsed(_ section: SectionValue) -> RuleViolation? {
    if hasServer(section) { return nil }
    let own = Schema.httpClientKeys.first { key in
      guard section.isGiven(key.name), let preset = key.preset else { return section.isGiven(key.name) }
      return section.boolean(key.name) != (preset == "true")
    }
    let text =
      hasFile(section)
      ? "cannot use a custom HTTP client configuration together with 'kubeconfig_file'"
      : "to use custom HTTP client configuration please provide the 'api_server' URL explicitly"
    return own.map { RuleViolation(text, at: $0.name) }
  }

  @Sendable private static func namespaceIsOwn(_ section: SectionValue) -> RuleViolation? {
    guard section.section("namespaces")?.boolean("own_namespace") == true else { return nil }
    for (key, isGiven) in [("api_server", hasServer(section)), ("kubeconfig_file", hasFile(section))] where isGiven {
      return RuleViolation("cannot use '\(key)' and 'namespaces.own_namespace' simultaneously", at: "namespaces")
    }
    return nil
  }

  /// The objects that a role can select by.
  private static func selectable(_ role: Role) -> [String] {
    switch role {
    case .pod: ["pod", "node"]
    case .endpoints, .endpointslice: ["pod", "service", role.rawValue]
    case .service, .node, .ingress: [role.rawValue]
    }
  }

  @Sendable private static func selectorsFit(_ section: SectionValue) -> RuleViolation? {
    guard let role = Role(rawValue: section.text("role") ?? "") else { return nil }
    var seen: Set<String> = []
    for selector in section.sections("selectors") {
      let kind = selector.text("role") ?? ""
      if !kind.isEmpty, Role(rawValue: kind) == nil {
        return RuleViolation("unknown Kubernetes SD role \"\(kind)\"", at: "selectors")
      }
      if !seen.insert(kind).inserted { return RuleViolation("duplicated selector role: \(kind)", at: "selectors") }
      let allowed = selectable(role)
      if !allowed.contains(kind) {
        return RuleViolation(
          "\(role.rawValue) role supports only \(allowed.joined(separator: ", ")) selectors", at: "selectors")
      }
      let fields = (selector.text("field") ?? "").split(separator: ",")
      if let field = fields.first(where: { !$0.contains("=") }) {
        return RuleViolation("invalid selector: '\(field)'; can't understand '\(field)'", at: "selectors")
      }
    }
    return nil
  }
}

extension KubernetesDiscoveryOptions.Selector {
  static let section = Section(
    "selector", Self(),
    [
      .text("role", \.role, isShown: false), .text("label", \.label, isShown: false),
      .text("field", \.field, isShown: false),
    ])
}

extension KubernetesDiscoveryOptions.Attached {
  static let section = Section(
    "attach_metadata", Self(),
    [
      .boolean("node", \.node, isShown: false), .boolean("namespace", \.namespace, isShown: false),
      .boolean("deployment", \.deployment, isShown: false), .boolean("job", \.job, isShown: false),
      .boolean("cronjob", \.cronjob, isShown: false),
    ])
}
