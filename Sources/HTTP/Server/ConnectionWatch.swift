import CShims
import Glibc
import Platform
import Synchronization

/// The thread that looks after connections nobody polls or that take too long: it cuts late ones and those whose clients
/// do not read, and tells workers whose client is gone. One per server; ends when told.
final class ConnectionWatch: Sendable {
  /// How late a deadline may be noticed, and a client's end.
  private static let tickMilliseconds: Int32 = 200

  private let core: ServerCore
  /// Closing its writing end stops the thread.
  private let stopPipe: (reading: Int32, writing: Int32)
  private let thread = Mutex<NamedThread?>(nil)

  /// Starts the thread.
  init(core: ServerCore) throws(HTTPServerError) {
    self.core = core
    stopPipe = try ConnectionAcceptor.makePipe()
    do throws(ThreadError) {
      let started = try NamedThread(name: "http-watch") { [self] in run() }
      thread.withLock { $0 = started }
    } catch {
      close(stopPipe.reading)
      close(stopPipe.writing)
      throw .cannotStart(reason: "\(error)")
    }
  }

  /// Ends the thread and waits for it. Called once.
  func stop() {
    close(stopPipe.writing)
    thread.withLock { $0 }?.join()
    close(stopPipe.reading)
  }

  private func run() {
    // One for each connection, reused by every look.
    var sockets: [pollfd] = []
    var stop = pollfd(fd: stopPipe.reading, events: Int16(POLLIN), revents: 0)
    while poll(&stop, 1, Self.tickMilliseconds) <= 0 {
      let now = SystemClock().monotonicNanoseconds() / 1_000_000
      core.table.withAll { connections in
        for connection in connections {
          cutLate(connection, nowMilliseconds: now)
          cutStalled(connection, nowMilliseconds: now)
        }
        lookForClosed(connections, &sockets)
      }
    }
  }

  private func cutLate(_ connection: Connection, nowMilliseconds now: Int64) {
    switch connection.phase.cut(nowMilliseconds: now) {
    case .idle:
      // Nothing was asked: an answer would be taken for that to the next request.
      core.metrics.reject(.headerTimeout)
      shutdown(connection.socket, Int32(SHUT_RDWR))
    case .headers:
      core.metrics.reject(.headerTimeout)
      connection.cut(status: BareAnswer.requestTimeout)
    case .body:
      core.metrics.reject(.bodyTimeout)
      connection.cut(status: BareAnswer.requestTimeout)
    default: break
    }
  }

  private func cutStalled(_ connection: Connection, nowMilliseconds now: Int64) {
    guard connection.phase.phase == .sending else { return connection.progress.reset() }
    let stalled = connection.progress.stalledMilliseconds(of: connection.socket, now: now)
    let limit = core.answers.isPressed ? core.options.pressedStallMillisecondsMax : core.options.stallMillisecondsMax
    guard stalled >= limit, connection.phase.cutSending() else { return }
    core.metrics.stalledAnswers.add()
    core.log.warn(
      "An answer was given up: its client does not read it",
      ["client": connection.peer?.text ?? "", "seconds": "\(stalled / 1000)"])
    connection.reset()
    connection.worker.withLock { worker in
      worker?.request.cancel()
      worker?.stream?.abandon()
    }
  }

  private func lookForClosed(_ connections: [Connection], _ sockets: inout [pollfd]) {
    sockets.removeAll(keepingCapacity: true)
    for connection in connections {
      sockets.append(pollfd(fd: connection.socket, events: apus_poll_peer_closed, revents: 0))
    }
    guard poll(&sockets, nfds_t(sockets.count), 0) > 0 else { return }
    for (index, connection) in connections.enumerated() where sockets[index].revents != 0 {
      let hasWorker = connection.worker.withLock { worker in
        // A client that closed its side gets no answer any more: what is done for it stops.
        worker?.request.cancel()
        return worker != nil
      }
      if !hasWorker { cutClosed(connection) }
    }
  }

  /// The library overlooks a client's end that arrives together with data. Nothing more can come on such a connection:
  /// when it made no step between two looks and nothing is left to be read, it is cut.
  private func cutClosed(_ connection: Connection) {
    let mark = connection.phase.mark
    defer { connection.closedMark = mark }
    guard connection.closedMark == mark else { return }
    var byte: UInt8 = 0
    if recv(connection.socket, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) > 0 { return }
    if connection.phase.cutUnmoved(since: mark) { shutdown(connection.socket, Int32(SHUT_RDWR)) }
  }
}
