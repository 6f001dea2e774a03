/// The addresses that requests may go to. Requests that somebody else has asked for must not reach what only this machine
/// can reach.
package enum AddressReach: Sendable, Equatable {
  case everything
  /// All but link-local ones, at which clouds serve the machine's own credentials.
  case notLinkLocal
  /// All but those of private networks and of this machine.
  case publicOnly

  package func allows(_ address: IPAddress) -> Bool {
    switch self {
    case .everything: true
    case .notLinkLocal: !AddressReach.isWithin(address, AddressReach.linkLocal)
    case .publicOnly: !AddressReach.isWithin(address, AddressReach.linkLocal + AddressReach.notPublic)
    }
  }

  private static let linkLocal = networks([("169.254.0.0", 16), ("fe80::", 10), ("fd00:ec2::254", 128)])
  private static let notPublic = networks([
    ("0.0.0.0", 8), ("10.0.0.0", 8), ("100.64.0.0", 10), ("127.0.0.0", 8), ("172.16.0.0", 12), ("192.0.0.0", 24),
    ("192.168.0.0", 16), ("198.18.0.0", 15), ("224.0.0.0", 3), ("::", 127), ("64:ff9b::", 96), ("fc00::", 7),
    ("ff00::", 8),
  ])

  private static func networks(_ texts: [(String, Int)]) -> [(address: IPAddress, bits: Int)] {
    texts.compactMap { text, bits in IPAddress(text).map { ($0, bits) } }
  }

  private static func isWithin(_ address: IPAddress, _ networks: [(address: IPAddress, bits: Int)]) -> Bool {
    networks.contains { address.isWithin($0.address, bits: $0.bits) }
  }
}
