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
}
