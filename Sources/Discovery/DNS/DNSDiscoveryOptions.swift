/// A `dns_sd_configs` entry.
package struct DNSDiscoveryOptions: Sendable, Equatable {
  package enum RecordType: String, Sendable, CaseIterable {
    case a = "A"
    case aaaa = "AAAA"
    case mx = "MX"
    case ns = "NS"
    case srv = "SRV"
  }

  package var names: [String] = []
  package var type = RecordType.srv
  /// The targets' port; SRV records bring their own.
  package var port = 0
  package var refreshMilliseconds: Int64 = 30_000

  package init() {}
}
