import Glibc
import Testing

@testable import HTTP

struct PeerAddressTests {
  private func client(_ text: String) throws -> String {
    let bytes = try #require(IPAddress(text)).bytes
    var raw = sockaddr_in6()
    raw.sin6_family = sa_family_t(AF_INET6)
    withUnsafeMutableBytes(of: &raw.sin6_addr) { $0.copyBytes(from: bytes) }
    return try withUnsafePointer(to: &raw) { pointer in
      try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { try #require(PeerAddress($0)).client }
    }
  }

  @Test("an address of IPv6 stands for the network that one client has, one of IPv4 for itself")
  func clients() throws {
    #expect(try client("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64")
    #expect(try client("2001:db8:1:2::ffff") == "2001:db8:1:2::/64")
    #expect(try client("2001:db8:1:3::1") == "2001:db8:1:3::/64")
    // A socket for both kinds has IPv4 clients as ::ffff:a.b.c.d.
    #expect(try client("192.0.2.7") == "192.0.2.7")
    #expect(try client("192.0.2.8") == "192.0.2.8")
  }
}
