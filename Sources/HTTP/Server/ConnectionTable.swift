import CShims
import Glibc
import Platform
import Synchronization

/// Every open connection, for the watch thread, for the drain and for those who decide about new ones. A connection is in
/// the table exactly as long as its socket is open, and both change under the table's mutex: who holds it may use the
/// sockets. Counts leave out connections that were told to go.
/// Locks nest in one order: this one, a connection's `worker`, then its answer or stream, then the library's own.
final class ConnectionTable: Sendable {
  /// A connection that was accepted and that the library has not begun.
  private struct Pending {
    var network: PeerAddress.Network?
    var isReserved: Bool
  }

  private struct State {
    var connections: [Connection] = []
    /// By socket. The library may drop one without a word: the next with its number takes its place.
    var pending: [Int32: Pending] = [:]
    var perNetwork: [PeerAddress.Network: Int] = [:]
    var countedTotal = 0

    mutating func count(_ network: PeerAddress.Network?) {
      countedTotal += 1
      if let network { perNetwork[network, default: 0] += 1 }
    }

    mutating func uncount(_ network: PeerAddress.Network?) {
      countedTotal -= 1
      guard let network, let count = perNetwork[network] else { return }
      perNetwork[network] = count > 1 ? count - 1 : nil
    }
  }

  private let state = Mutex(State())
  private let limits: ConnectionLimits

  init(limits: ConnectionLimits) { self.limits = limits }

  var count: Int { state.withLock { $0.connections.count } }

  /// True while the library has more sockets to close than new ones should wait for.
  var isCrowded: Bool { state.withLock { $0.connections.count + $0.pending.count >= limits.socketsMax } }

  func insert(_ connection: Connection) {
    state.withLock { state in
      connection.tableIndex = state.connections.count
      state.connections.append(connection)
      if let pending = state.pending.removeValue(forKey: connection.socket) {
        connection.isReserved = pending.isReserved
      } else {
        state.count(connection.peer?.network)
      }
      connection.isCounted = true
    }
  }

  func remove(_ connection: Connection) {
    state.withLock { state in
      let last = state.connections.removeLast()
      if last !== connection {
        last.tableIndex = connection.tableIndex
        state.connections[connection.tableIndex] = last
      }
      Self.stopCounting(connection, &state)
    }
  }

  private static func stopCounting(_ connection: Connection, _ state: inout State) {
    if !connection.isCounted { return }
    connection.isCounted = false
    state.uncount(connection.peer?.network)
  }

  /// Lends all connections while none can be closed.
  func withAll(_ body: ([Connection]) -> Void) { state.withLock { body($0.connections) } }

  /// Runs `body` for each connection while none can be closed.
  func forEach(_ body: (Connection) -> Void) {
    state.withLock { for connection in $0.connections { body(connection) } }
  }

  // MARK: New connections

  /// Decides about a new connection, making room where that is needed. An admitted one is counted from here on.
  func admit(_ socket: Int32, from network: PeerAddress.Network?) -> ConnectionVerdict {
    state.withLock { state in
      if let dropped = state.pending.removeValue(forKey: socket) { state.uncount(dropped.network) }
      var evicted: ConnectionEviction?
      if limits.perNetworkMax > 0, let network, state.perNetwork[network] ?? 0 >= limits.perNetworkMax {
        guard Self.evictSilent(&state, of: network) else { return .refused(.address) }
        evicted = .silent
      }
      while state.countedTotal >= limits.openMax {
        if Self.evictSilent(&state, of: nil) {
          evicted = .silent
        } else if Self.evictIdle(&state) {
          evicted = .idle
        } else {
          break
        }
      }
      let isReserved = state.countedTotal >= limits.openMax
      if state.countedTotal >= limits.openMax + limits.reservedMax { return .refused(.total) }
      state.pending[socket] = Pending(network: network, isReserved: isReserved)
      state.count(network)
      return .admitted(evicting: evicted)
    }
  }

  /// Tells the newest connection without a whole request to go: of `network`, or of the network that has most.
  private static func evictSilent(_ state: inout State, of network: PeerAddress.Network?) -> Bool {
    let youngest = SystemClock().monotonicNanoseconds() - ConnectionLimits.silentMillisecondsMin * 1_000_000
    var best: (connection: Connection, mark: UInt64, rank: (Int, Int, Int64))?
    for connection in state.connections where connection.isCounted {
      if let network, connection.peer?.network != network { continue }
      let mark = connection.phase.mark
      guard connection.isSilent, ConnectionPhase.isWaiting(mark) else { continue }
      let crowd = connection.peer.flatMap { state.perNetwork[$0.network] } ?? 0
      let rank = (connection.openedNanoseconds <= youngest ? 1 : 0, crowd, connection.openedNanoseconds)
      if let best, rank <= best.rank { continue }
      // A request that waits to be read is no silence.
      if apus_socket_unread_bytes(connection.socket) > 0 { continue }
      best = (connection, mark, rank)
    }
    guard let best else { return false }
    return evict(best.connection, at: best.mark, &state)
  }

  /// Tells the kept-alive connection to go that has been idle for longest.
  private static func evictIdle(_ state: inout State) -> Bool {
    let latest = SystemClock().monotonicNanoseconds() / 1_000_000 - ConnectionLimits.idleMillisecondsMin
    var best: (connection: Connection, mark: UInt64, since: Int64)?
    for connection in state.connections where connection.isCounted {
      let mark = connection.phase.mark
      let since = connection.idleSinceMilliseconds
      guard ConnectionPhase.isIdle(mark), since <= latest, since < best?.since ?? .max else { continue }
      if apus_socket_unread_bytes(connection.socket) > 0 { continue }
      best = (connection, mark, since)
    }
    guard let best else { return false }
    return evict(best.connection, at: best.mark, &state)
  }

  private static func evict(_ connection: Connection, at mark: UInt64, _ state: inout State) -> Bool {
    guard connection.phase.cutUnmoved(since: mark) else { return false }
    shutdown(connection.socket, Int32(SHUT_RDWR))
    stopCounting(connection, &state)
    return true
  }
}
