import Platform

/// The address of this server as seen from outside: `--web.external-url` and `--web.route-prefix`. Immutable.
package struct WebLinks: Sendable {
  /// `http://host:9090/prometheus` as given; empty where it was not.
  let externalURL: String
  /// Ends in a slash.
  let externalPath: String
  /// Ends in a slash: `/` or `/prometheus/`.
  package let routePrefix: String
  /// The port that the server listens on.
  let ownPort: Int

  package init(externalURL: String = "", routePrefix: String = "/", ownPort: Int = 9090) {
    self.externalURL = externalURL
    self.ownPort = ownPort
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

  /// The address at which others find a target: what is on this machine goes by the outside name of the server, and the
  /// server itself by its own outside address.
  func globalURL(of url: String) -> String {
    guard let authority = Authority(of: url), Self.ownHosts.contains(authority.host) else { return url }
    let outside = Authority(of: externalURL) ?? Authority(host: HostFacts.hostName, port: "\(ownPort)", rest: "")
    if authority.port == "\(ownPort)" {
      let scheme = externalURL.hasPrefix("https://") ? "https" : "http"
      return "\(scheme)://\(outside.text)\(authority.rest)"
    }
    let scheme = url.prefix { $0 != ":" }
    return "\(scheme)://\(Authority(host: outside.host, port: authority.port, rest: "").text)\(authority.rest)"
  }

  /// `http://host:9090` of the outside address; empty where it was not given.
  var origin: String {
    guard let outside = Authority(of: externalURL) else { return "" }
    return "\(externalURL.prefix { $0 != ":" })://\(outside.text)"
  }

  private static let ownHosts: Set<String> = ["localhost", "127.0.0.1", "::1"]
}

/// Host and port of an address, and what follows them.
private struct Authority {
  /// Without the brackets of an IPv6 address.
  var host: String
  /// Empty where there is none.
  var port: String
  var rest: String

  init(host: String, port: String, rest: String) {
    self.host = host
    self.port = port
    self.rest = rest
  }

  /// Nil where the text has no scheme, or a port that is not one.
  init?(of url: String) {
    guard let colon = url.firstIndex(of: ":"), url[colon...].hasPrefix("://") else { return nil }
    let after = url[colon...].dropFirst(3)
    let authority = after.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    rest = String(after[authority.endIndex...])
    if authority.hasPrefix("[") {
      guard let end = authority.firstIndex(of: "]") else { return nil }
      host = String(authority[authority.index(after: authority.startIndex)..<end])
      let tail = authority[authority.index(after: end)...]
      guard tail.isEmpty || tail.hasPrefix(":") else { return nil }
      port = String(tail.dropFirst())
      return
    }
    let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 2, let name = parts.first else { return nil }
    host = String(name)
    port = parts.count == 2 ? String(parts[1]) : ""
  }

  var text: String {
    let host = self.host.contains(":") ? "[\(self.host)]" : self.host
    return port.isEmpty ? host : "\(host):\(port)"
  }
}
