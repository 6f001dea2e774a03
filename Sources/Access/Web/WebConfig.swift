import HTTP

/// The settings of `--web.config.file`, as Prometheus's exporter toolkit has them. A value.
package struct WebConfig: Sendable, Equatable {
  package var tls: TLS?
  /// Headers of every answer.
  package var headers: [Header] = []
  /// Names and bcrypt hashes.
  package var users: [String: String] = [:]
  package var rateLimit: RateLimit?

  package init() {}

  /// A text that stands in the file, or in one of its own.
  package enum Source: Sendable, Equatable {
    case text(String)
    case file(String)
  }

  package struct TLS: Sendable, Equatable {
    package var certificate: Source
    package var key: Source
    package var clientAuthority: Source?
    package var options = TLSServerOptions()
  }

  package struct Header: Sendable, Equatable {
    package var name: String
    package var value: String
  }

  package struct RateLimit: Sendable, Equatable {
    package var intervalNanoseconds: Int64
    package var burst: Int
  }
}
