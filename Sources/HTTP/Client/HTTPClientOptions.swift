/// The settings of a client: every limit with its unit in its name.
package struct HTTPClientOptions: Sendable {
  package enum Redirects: Sendable, Equatable {
    /// A redirect is an answer like any other.
    case returned
    case followed(max: Int)
  }

  package var userAgent = "apus"
  /// From the first packet to a connection, TLS included.
  package var connectMillisecondsMax = 10_000
  /// The whole exchange.
  package var totalMillisecondsMax = 30_000
  /// The body of an answer, decompressed. Past it: an error, nothing of the answer.
  package var responseBytesMax = 64 * 1024 * 1024
  /// All headers of an answer.
  package var responseHeaderBytesMax = 256 * 1024
  package var redirects = Redirects.followed(max: 10)
  /// Idle connections kept for the next requests, each with the memory of one exchange.
  package var idleConnectionsMax = 8
  package var tls = TLS()
  /// `http://host:port`; nil is no proxy, whatever the environment says.
  package var proxyURL: String?

  package struct TLS: Sendable {
    /// Certificates to trust instead of the system's.
    package var authorityFile: String?
    package var certificateFile: String?
    package var keyFile: String?
    /// Accepts any certificate.
    package var isInsecure = false

    package init() {}
  }

  package init() {}
}

/// One request to send.
package struct ClientRequest: Sendable {
  package var method: String
  package var url: String
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]?
  /// Shorter than the client's, for this request.
  package var totalMillisecondsMax: Int?
  /// Smaller than the client's, for this request.
  package var responseBytesMax: Int?

  package init(
    method: String = "GET", url: String, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
  }
}

/// The answer of a server, whatever its status.
package struct ClientResponse: Sendable {
  package var status: Int
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]

  package init(status: Int, headers: [(name: String, value: String)], body: [UInt8]) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// The first header of this name, in any case.
  package func header(_ name: String) -> String? {
    let wanted = name.lowercased()
    return headers.first { $0.name.lowercased() == wanted }?.value
  }
}

/// Why there is no answer.
package enum HTTPClientError: Error, Equatable, CustomStringConvertible {
  case invalidRequest(String)
  case cannotResolve(String)
  case cannotConnect(String)
  case timedOut(String)
  case tls(String)
  case responseTooLarge(bytesMax: Int)
  case tooManyRedirects
  /// The caller asked to give it up.
  case cancelled
  case failed(String)

  package var description: String {
    switch self {
    case .invalidRequest(let reason): "invalid request: \(reason)"
    case .cannotResolve(let reason): "cannot resolve the host: \(reason)"
    case .cannotConnect(let reason): "cannot connect: \(reason)"
    case .timedOut(let reason): "timed out: \(reason)"
    case .tls(let reason): "TLS: \(reason)"
    case .responseTooLarge(let bytesMax): "the response exceeds \(bytesMax) bytes"
    case .tooManyRedirects: "too many redirects"
    case .cancelled: "cancelled"
    case .failed(let reason): reason
    }
  }
}
