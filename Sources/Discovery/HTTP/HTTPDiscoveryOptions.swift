import Outbound

/// An `http_sd_configs` entry.
package struct HTTPDiscoveryOptions: Sendable, Equatable {
  package var url = ""
  /// The time a request may take, too.
  package var refreshMilliseconds: Int64 = 60_000
  package var client = ClientSettings()
  /// The signature of its requests; nil: they are not signed.
  package var signing: RequestSigning?

  package init() {}
}
