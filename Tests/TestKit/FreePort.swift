import Glibc
import Synchronization

/// Ports of the loopback interface that nobody listens on.
package enum FreePort {
  /// Below the range that the kernel takes for outgoing connections (32768 on), so that a connection of another test
  /// cannot take the port between this call and the server's start.
  private static let range: Range<UInt16> = 20_000..<32_000

  private static let handedOut = Mutex<Set<UInt16>>([])

  /// A port that is free now and was not handed out by this process before.
  package static func next() -> UInt16 {
    while true {
      let port = UInt16.random(in: range)
      guard handedOut.withLock({ $0.insert(port).inserted }) else { continue }
      if isFree(port) { return port }
    }
  }

  private static func isFree(_ port: UInt16) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return withLoopback(port) { bind(descriptor, $0, $1) } == 0
  }
}

/// A listener on a loopback port that accepts nobody: a port that is taken. Released at deinit.
package final class TakenPort: Sendable {
  package let port: UInt16
  private let descriptor: Int32

  package init() throws(HTTPFailure) {
    port = FreePort.next()
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0, withLoopback(port, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 1) == 0 else {
      throw .cannotConnect(String(cString: strerror(errno)))
    }
  }

  deinit { close(descriptor) }
}

/// Lends the socket address 127.0.0.1:port.
func withLoopback<R>(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  return withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
  }
}
