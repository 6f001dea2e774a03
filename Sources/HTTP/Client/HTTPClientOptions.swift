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
  /// The whole exchange, redirects included.
  package var totalMillisecondsMax = 30_000
  /// The body of an answer, unpacked. Past it: an error, nothing of the answer.
  package var responseBytesMax = 64 * 1024 * 1024
  /// All headers of an answer.
  package var responseHeaderBytesMax = 256 * 1024
  package var redirects = Redirects.followed(max: 10)
  /// The addresses that may be connected to.
  package var reach = AddressReach.everything
  /// Idle connections kept for the next requests, each with the memory of one exchange.
  package var idleConnectionsMax = 8
  package var tls = TLS()
  /// Over TLS, HTTP/2 where the server offers it.
  package var isHTTP2Enabled = false
  package var proxy = Proxy()

  package struct TLS: Sendable {
    /// Numbered as the protocol's minor versions.
    package enum Version: Int, Sendable, Comparable {
      case tls10, tls11, tls12, tls13

      package static func < (left: Version, right: Version) -> Bool { left.rawValue < right.rawValue }
    }

    /// Certificates to trust instead of the system's.
    package var authorityFile: String?
    package var certificateFile: String?
    package var keyFile: String?
    /// The name that is asked for and that the certificate must be of; empty: the host's.
    package var serverName = ""
    /// Accepts any certificate.
    package var isInsecure = false
    package var versionMin: Version?
    package var versionMax: Version?
    /// Lives as long as the files are needed.
    package var lease: (any Sendable)?

    package init() {}
  }

  package struct Proxy: Sendable {
    /// The proxy for a URL (`http://host:port`); nil is none, whatever the environment says.
    package var url: @Sendable (_ url: String) -> String?
    /// Sent with CONNECT.
    package var connectHeaders: [(name: String, value: String)] = []

    package init(url: @escaping @Sendable (_ url: String) -> String? = { _ in nil }) { self.url = url }
  }

  package init() {}
}
