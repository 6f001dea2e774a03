import Glibc
import Synchronization

/// A socket that listens before there is a server behind it, so that a taken port is known before anything else is
/// touched; clients that connect meanwhile wait. One server takes it; untaken it closes itself.
package final class BoundSocket: Sendable {
  package let port: Int
  private let descriptor: Int32
  private let isTaken = Atomic<Bool>(false)

  /// `host:port`, `:port` or `[v6]:port`; port 0 lets the system choose.
  package init(_ address: String) throws(HTTPServerError) {
    (descriptor, port) = try ListenSocket.open(address)
  }

  deinit {
    if !isTaken.load(ordering: .relaxed) { close(descriptor) }
  }

  /// Hands the descriptor over, once.
  func take() throws(HTTPServerError) -> (descriptor: Int32, port: Int) {
    if isTaken.exchange(true, ordering: .acquiringAndReleasing) { throw .notStartable }
    return (descriptor, port)
  }
}
