import Synchronization

/// Every open connection, for the watch thread and for the drain. A connection is in the table exactly as long as its
/// socket is open, and both change under the table's mutex: who holds it may use the sockets.
/// Locks nest in one order: this one, a connection's `worker`, then its answer or pipe, then the library's own.
final class ConnectionTable: Sendable {
  private let connections = Mutex<[Connection]>([])

  init() {}

  var count: Int { connections.withLock { $0.count } }

  func insert(_ connection: Connection) {
    connections.withLock {
      connection.tableIndex = $0.count
      $0.append(connection)
    }
  }

  func remove(_ connection: Connection) {
    connections.withLock {
      let last = $0.removeLast()
      if last !== connection {
        last.tableIndex = connection.tableIndex
        $0[connection.tableIndex] = last
      }
    }
  }

  /// Lends all connections while none can be closed.
  func withAll(_ body: ([Connection]) -> Void) { connections.withLock { body($0) } }

  /// Runs `body` for each connection while none can be closed.
  func forEach(_ body: (Connection) -> Void) {
    connections.withLock { for connection in $0 { body(connection) } }
  }
}
