/// Conditions between the keys of service discoveries, as in Prometheus.
extension SchemaRules {
  /// The `url` or `server` of a discovery over HTTP.
  @Sendable static func urlIsHTTP(_ section: SectionValue) -> RuleViolation? {
    let key = section.schema["url"] == nil ? "server" : "url"
    guard let url = section.text(key) else { return nil }
    let isHTTP = ["http://", "https://"].contains { url.hasPrefix($0) && url.count > $0.count }
    return isHTTP ? nil : RuleViolation("the \(key) needs http:// or https:// and a host", at: key)
  }

  @Sendable static func azureIsComplete(_ azure: SectionValue) -> RuleViolation? {
    let method = azure.text("authentication_method") ?? ""
    guard method.isEmpty || method == "OAuth" else { return nil }
    return ["tenant_id", "client_id", "client_secret"].first { (azure.text($0) ?? "").isEmpty }.map {
      RuleViolation("the authentication_method OAuth needs a \($0)")
    }
  }

  @Sendable static func kubernetesIsClear(_ discovery: SectionValue) -> RuleViolation? {
    let server = discovery.isGiven("api_server")
    let file = !(discovery.text("kubeconfig_file") ?? "").isEmpty
    if server && file { return RuleViolation("api_server and kubeconfig_file exclude each other", at: "api_server") }
    let own = discovery.section("namespaces")?.boolean("own_namespace") ?? false
    if own && (server || file) {
      return RuleViolation("own_namespace needs the cluster's own API server", at: "namespaces")
    }
    return nil
  }

  /// The objects that a role can select by, by role.
  private static let kubernetesSelectors: [String: [String]] = [
    "pod": ["pod", "node"], "service": ["service"], "endpointslice": ["pod", "service", "endpointslice"],
    "endpoints": ["pod", "service", "endpoints"], "node": ["node"], "ingress": ["ingress"],
  ]

  @Sendable static func kubernetesSelectorsFit(_ discovery: SectionValue) -> RuleViolation? {
    guard let role = discovery.text("role"), let allowed = kubernetesSelectors[role] else { return nil }
    let selectors = discovery.sections("selectors")
    let roles = selectors.map { $0.text("role") ?? "" }
    if let twice = firstTwice(roles) { return RuleViolation("two selectors have the role \(twice)", at: "selectors") }
    if let other = roles.first(where: { !allowed.contains($0) }) {
      return RuleViolation(
        "the role \(role) takes selectors of \(allowed.joined(separator: ", ")), not \(other)", at: "selectors")
    }
    let fields = selectors.compactMap { $0.text("field") }
    return fields.first { field in !field.isEmpty && field.split(separator: ",").contains { !$0.contains("=") } }.map {
      RuleViolation("\($0) is no field selector", at: "selectors")
    }
  }

  /// Checks that HTTP settings other than the defaults come only with the API server they are for.
  @Sendable static func kubernetesClientIsUsed(_ discovery: SectionValue) -> RuleViolation? {
    if discovery.isGiven("api_server") { return nil }
    let own = Schema.httpClientKeys.first { key in
      guard discovery.isGiven(key.name), let preset = key.preset else { return discovery.isGiven(key.name) }
      return discovery.boolean(key.name) != (preset == "true")
    }
    return own.map { RuleViolation("\($0.name) needs an api_server", at: $0.name) }
  }
}
