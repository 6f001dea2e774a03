import Glibc

/// The address of a client: IPv4 or IPv6 and a port, as a plain value; text only when asked for.
package struct PeerAddress: Sendable, Equatable {
  /// Network order, the first byte in the high bits; an IPv4 address lies in the low 32 bits of `low`.
  private var high: UInt64
  private var low: UInt64
  private var isV4: Bool
  package var port: UInt16

  /// Whom a limit for one address is about: an IPv4 address, or the 64 bits of an IPv6 address that one client is given.
  struct Network: Hashable, Sendable {
    var isV4: Bool
    var bits: UInt64
  }

  var network: Network { Network(isV4: isV4, bits: isV4 ? low : high) }

  init?(_ address: UnsafePointer<sockaddr>) {
    switch Int32(address.pointee.sa_family) {
    case AF_INET:
      let raw = UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in.self)
      high = 0
      low = UInt64(UInt32(bigEndian: raw.sin_addr.s_addr))
      isV4 = true
      port = UInt16(bigEndian: raw.sin_port)
    case AF_INET6:
      let raw = UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in6.self)
      (high, low) = withUnsafeBytes(of: raw.sin6_addr) { bytes in
        (
          UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
          UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        )
      }
      // IPv4 clients of a socket for both kinds come as ::ffff:a.b.c.d.
      isV4 = high == 0 && low >> 32 == 0xFFFF
      if isV4 { low &= 0xFFFF_FFFF }
      port = UInt16(bigEndian: raw.sin6_port)
    default:
      return nil
    }
  }

  /// The address without the port.
  package var host: String {
    if isV4 { return "\(low >> 24 & 255).\(low >> 16 & 255).\(low >> 8 & 255).\(low & 255)" }
    var address = in6_addr()
    withUnsafeMutableBytes(of: &address) { bytes in
      bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
      bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
      guard let text = inet_ntop(AF_INET6, &address, buffer.baseAddress, socklen_t(buffer.count)) else { return "?" }
      return String(cString: text)
    }
  }

  /// The addresses that one client may have, for limits by client: an IPv4 address, or the 64 bits of an IPv6 address that
  /// a client is given, `2001:db8::/64`.
  package var client: String {
    if isV4 { return host }
    var network = self
    network.low = 0
    return "\(network.host)/64"
  }

  package var text: String { isV4 ? "\(host):\(port)" : "[\(host)]:\(port)" }
}
