import Platform

/// The address of this server as seen from outside: `--web.external-url` and `--web.route-prefix`. Immutable.
package struct WebLinks: Sendable {
  /// `http://host:9090/prometheus` as given; empty where it was not.
  let externalURL: String
  /// Ends in a slash.
  let externalPath: String
  /// Ends in a slash: `/` or `/prometheus/`.
  package let routePrefix: String

  package init(externalURL: String = "", routePrefix: String = "/") {
    self.externalURL = externalURL
    self.routePrefix = routePrefix.hasSuffix("/") ? routePrefix : routePrefix + "/"
    var path = externalURL[...]
    for scheme in ["http://", "https://"] where path.hasPrefix(scheme) {
      path = path.dropFirst(scheme.count).drop { $0 != "/" && $0 != "?" && $0 != "#" }
    }
    let parts = path.prefix { $0 != "?" && $0 != "#" }.split(separator: "/")
    // What is given without an outside address is reached under its own prefix.
    externalPath =
      externalURL.isEmpty ? self.routePrefix : parts.isEmpty ? "/" : "/" + parts.joined(separator: "/") + "/"
  }

  /// The address at which others find this server's metrics; `ownPort` is `localhost:port`.
  func globalMetricsURL(ownPort: String) -> String {
    if externalURL.isEmpty {
      let port = ownPort.split(separator: ":").last.map(String.init) ?? "9090"
      return "http://\(HostFacts.hostName):\(port)\(routePrefix)metrics"
    }
    let scheme = externalURL.hasPrefix("https://") ? "https" : "http"
    let rest = externalURL.drop { $0 != ":" }.dropFirst().drop { $0 == "/" }
    return "\(scheme)://\(rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" })\(routePrefix)metrics"
  }
}
