import CShims
import Platform
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// The thread that looks after connections nobody polls or that take too long: it cuts late ones, and tells workers
/// whose client is gone. One per server; ends when told.
final class ConnectionWatch: @unchecked Sendable {
  /// How late a deadline may be noticed, and a client's end.
  private static let tickMilliseconds: Int32 = 200

  private let core: ServerCore
  /// Closing its writing end stops the thread.
  private let stopPipe: (reading: Int32, writing: Int32)
  private var thread = pthread_t()

  /// Starts the thread.
  init(core: ServerCore) throws(HTTPServerError) {
    self.core = core
    var ends: (Int32, Int32) = (-1, -1)
    let made = withUnsafeMutablePointer(to: &ends) { pointer in
      pointer.withMemoryRebound(to: Int32.self, capacity: 2) { pipe($0) }
    }
    guard made == 0 else { throw .cannotStart(reason: errorText(errno)) }
    stopPipe = ends
    let context = Unmanaged.passRetained(self)
    let code = pthread_create(
      &thread, nil,
      { context in
        if let context { Unmanaged<ConnectionWatch>.fromOpaque(context).takeRetainedValue().run() }
        return nil
      }, context.toOpaque())
    if code != 0 {
      context.release()
      close(stopPipe.reading)
      close(stopPipe.writing)
      throw .cannotStart(reason: "no thread for the connection watch")
    }
  }

  /// Ends the thread and waits for it. Called once.
  func stop() {
    close(stopPipe.writing)
    pthread_join(thread, nil)
    close(stopPipe.reading)
  }

  private func run() {
    apus_thread_name("http-watch")
    var stop = pollfd(fd: stopPipe.reading, events: Int16(POLLIN), revents: 0)
    while poll(&stop, 1, Self.tickMilliseconds) <= 0 {
      let now = MonotonicTime.nanoseconds() / 1_000_000
      core.table.forEach { connection in
        cutLate(connection, nowMilliseconds: now)
        cancelGone(connection)
      }
    }
  }

  private func cutLate(_ connection: Connection, nowMilliseconds now: Int64) {
    switch connection.phase.cut(nowMilliseconds: now) {
    case .headers, .idle:
      core.metrics.reject(.headerTimeout)
      connection.cut(status: BareAnswer.requestTimeout)
    case .body:
      core.metrics.reject(.bodyTimeout)
      connection.cut(status: BareAnswer.requestTimeout)
    default: break
    }
  }

  /// A client that closed its side gets no answer any more: what is done for it stops.
  private func cancelGone(_ connection: Connection) {
    connection.worker.withLock { worker in
      guard let worker, !worker.request.isCancelled else { return }
      var socket = pollfd(fd: connection.socket, events: apus_poll_peer_closed, revents: 0)
      if poll(&socket, 1, 0) > 0 { worker.request.cancel() }
    }
  }
}
