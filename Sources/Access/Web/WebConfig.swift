/// The settings of `--web.config.file`, as Prometheus's exporter toolkit has them. A value.
package struct WebConfig: Sendable, Equatable {
  /// Headers of every answer.
  package var headers: [Header] = []
  /// Names and bcrypt hashes.
  package var users: [String: String] = [:]
  package var rateLimit: RateLimit?

  package struct Header: Sendable, Equatable {
    package var name: String
    package var value: String
  }

  package struct RateLimit: Sendable, Equatable {
    package var intervalNanoseconds: Int64
    package var burst: Int
  }

  package init() {}
}
