import Format
import HTTP

/// The requests that one discovery makes, as Consul's own client writes them.
struct ConsulRequests: Sendable {
  /// Milliseconds that Consul is asked to wait for a change.
  static let waitMilliseconds = 120_000
  /// Longer than that: the answer has to come, too.
  static let exchangeMillisecondsMax = waitMilliseconds + 15_000
  /// An answer that is longer is refused.
  static let answerBytesMax = 32 << 20

  private let base: String
  private let socket: String?
  private let options: ConsulDiscoveryOptions

  init(_ options: ConsulDiscoveryOptions) {
    self.options = options
    var server = options.server
    var scheme = options.scheme.isEmpty ? "http" : options.scheme
    var socket: String?
    if let end = server.firstRange(of: "://") {
      let given = String(server[..<end.lowerBound])
      server = String(server[end.upperBound...])
      if given == "unix" {
        socket = server
        server = "localhost"
      } else {
        scheme = given
      }
    }
    self.socket = socket
    while server.hasSuffix("/") { server.removeLast() }
    let prefix = options.pathPrefix.split(separator: "/").joined(separator: "/")
    base = "\(scheme)://\(server)" + (prefix.isEmpty ? "" : "/" + prefix)
  }

  /// The agent's description of itself: its datacenter.
  var agent: ClientRequest { request("/v1/agent/self", []) }

  /// All services. `index`: that of the last answer; 0 asks for the present state.
  func catalog(index: UInt64) -> ClientRequest {
    request("/v1/catalog/services", common(index, filter: options.filter))
  }

  /// The instances of a service.
  func service(_ name: String, index: UInt64) -> ClientRequest {
    request(
      "/v1/health/service/" + PercentText.encode(name),
      common(index, filter: options.healthFilter) + options.tags.map { ("tag", $0) })
  }

  private func common(_ index: UInt64, filter: String) -> [(String, String)] {
    var query: [(String, String)] = []
    if options.allowsStale { query.append(("stale", "")) }
    if index > 0 { query.append(("index", String(index))) }
    query.append(("wait", "\(Self.waitMilliseconds)ms"))
    for (name, value) in options.nodeMetadata.sorted(by: { $0.key < $1.key }) {
      query.append(("node-meta", "\(name):\(value)"))
    }
    if !filter.isEmpty { query.append(("filter", filter)) }
    return query
  }

  private func request(_ path: String, _ query: [(String, String)]) -> ClientRequest {
    var query = query
    for (name, value) in [("dc", options.datacenter), ("ns", options.namespace), ("partition", options.partition)]
    where !value.isEmpty {
      query.append((name, value))
    }
    let text = query.map { "\($0)=\(PercentText.encode($1))" }.joined(separator: "&")
    var request = ClientRequest(url: base + path + (text.isEmpty ? "" : "?" + text))
    request.unixSocket = socket
    request.acceptsGzip = true
    request.responseBytesMax = Self.answerBytesMax
    if !options.token.isEmpty { request.secretHeaders = [("X-Consul-Token", options.token)] }
    return request
  }
}
