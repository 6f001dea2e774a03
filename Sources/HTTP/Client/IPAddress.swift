import Glibc

/// An IPv4 or IPv6 address as its 16 bytes; an IPv4 address is mapped.
package struct IPAddress: Equatable, Sendable {
  package let bytes: [UInt8]
  package let isV4: Bool

  /// Nil for what is no address.
  package init?(_ text: String) {
    var v4 = in_addr()
    if inet_pton(AF_INET, text, &v4) == 1 {
      bytes = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + withUnsafeBytes(of: v4) { Array($0) }
      isV4 = true
      return
    }
    var v6 = in6_addr()
    guard inet_pton(AF_INET6, text, &v6) == 1 else { return nil }
    bytes = withUnsafeBytes(of: v6) { Array($0) }
    isV4 = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
  }

  package var isLoopback: Bool {
    isV4 ? bytes[12] == 127 : bytes[..<15].allSatisfy { $0 == 0 } && bytes[15] == 1
  }

  /// True if the first bits, counted in the address's own kind, are those of the network.
  package func isWithin(_ network: IPAddress, bits: Int) -> Bool {
    guard isV4 == network.isV4 else { return false }
    let bits = isV4 ? bits + 96 : bits
    for index in 0..<16 {
      let count = min(8, max(0, bits - index * 8))
      let mask = count == 0 ? 0 : UInt8.max << UInt8(8 - count)
      if bytes[index] & mask != network.bytes[index] & mask { return false }
    }
    return true
  }
}
