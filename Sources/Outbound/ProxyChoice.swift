import HTTP

/// The proxy for a URL by the rules of Go's client. A value; made once.
struct ProxyChoice: Sendable {
  private enum Exception: Sendable {
    case network(IPAddress, bits: Int)
    case address(IPAddress, port: String)
    /// With a dot in front; the name itself only if it was given without one.
    case domain(String, isItself: Bool, port: String)
  }

  private let plain: String?
  private let secure: String?
  /// A proxy without exceptions is for every host; else this machine's own names and addresses need none.
  private let isForAll: Bool
  private let isForNone: Bool
  private let exceptions: [Exception]

  init(_ settings: ProxySettings, environment: [String: String]) {
    var list = settings.exceptions
    if settings.isFromEnvironment {
      func value(_ name: String) -> String? {
        let given = environment[name] ?? ""
        let text = given.isEmpty ? environment[name.lowercased()] ?? "" : given
        return text.isEmpty ? nil : text
      }
      // In a CGI program HTTP_PROXY is a header of the client's.
      plain = (environment["REQUEST_METHOD"] ?? "").isEmpty ? value("HTTP_PROXY") : nil
      secure = value("HTTPS_PROXY")
      list = value("NO_PROXY") ?? ""
      isForAll = false
    } else {
      plain = settings.url.isEmpty ? nil : settings.url
      secure = plain
      isForAll = list.isEmpty
    }
    let words = list.split(separator: ",").map { $0.filter { !$0.isWhitespace }.lowercased() }.filter { !$0.isEmpty }
    isForNone = words.contains("*")
    exceptions = words.compactMap(Self.exception)
  }

  func url(for url: String) -> String? {
    guard plain != nil || secure != nil, let parts = URLParts(url) else { return nil }
    guard let proxy = parts.scheme == "https" ? secure : plain else { return nil }
    return isForAll || needsProxy(parts.host, "\(parts.port)") ? proxy : nil
  }

  private func needsProxy(_ host: String, _ port: String) -> Bool {
    if host == "localhost" || isForNone { return false }
    let address = IPAddress(host)
    if address?.isLoopback == true { return false }
    return !exceptions.contains { exception in
      switch (exception, address) {
      case (.network(let network, let bits), let address?): address.isWithin(network, bits: bits)
      case (.address(let other, let otherPort), let address?):
        address == other && (otherPort.isEmpty || otherPort == port)
      case (.domain(let domain, let isItself, let otherPort), nil):
        (host.hasSuffix(domain) || isItself && host == domain.dropFirst()) && (otherPort.isEmpty || otherPort == port)
      default: false
      }
    }
  }

  /// Nil for what Go's client ignores.
  private static func exception(_ word: String) -> Exception? {
    let parts = word.split(separator: "/", omittingEmptySubsequences: false)
    if parts.count == 2, let network = IPAddress(String(parts[0])), let bits = Int(parts[1]), bits >= 0,
      bits <= (network.isV4 ? 32 : 128)
    {
      return .network(network, bits: bits)
    }
    var (host, port) = split(word)
    if host.isEmpty { return nil }
    if let address = IPAddress(host) { return .address(address, port: port) }
    if host.hasPrefix("*.") { host.removeFirst() }
    let isItself = !host.hasPrefix(".")
    return .domain(isItself ? "." + host : host, isItself: isItself, port: port)
  }

  /// `host:port` or `[v6]:port`; a bare IPv6 address is all host.
  private static func split(_ word: String) -> (host: String, port: String) {
    guard let colon = word.lastIndex(of: ":") else { return (word, "") }
    let host = word[..<colon]
    let port = String(word[word.index(after: colon)...])
    if host.hasPrefix("[") && host.hasSuffix("]") { return (String(host.dropFirst().dropLast()), port) }
    return host.contains(":") ? (word, "") : (String(host), port)
  }
}
