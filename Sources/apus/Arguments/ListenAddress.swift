/// An address that the server listens on. An empty host stands for every address of the machine.
struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
  var host: String
  var port: UInt16

  init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// Parses `host:port`, `:port` or `[v6]:port`; nil for anything else.
  init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
      !text[colon...].contains("+")
    else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]"), host.count > 2 {
      host = host.dropFirst().dropLast()
    } else if host.contains(where: { $0 == ":" || $0 == "[" || $0 == "]" || $0 == "/" }) {
      return nil
    }
    self.host = String(host)
    self.port = port
  }

  /// True if nobody reaches it from another machine.
  var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

  var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
