import CShims
import Glibc
import Platform
import Synchronization

/// The HTTP/1.1 server: a thread of our own accepts, libmicrohttpd's threads poll connections and run inline handlers;
/// queued ones run wherever their executor runs them. Started once, drained once; safe to use from any thread.
package final class HTTPServer: Sendable {
  private enum State {
    case created
    case running(Running)
    /// It accepts no more; requests go on.
    case draining(Running)
    case stopped
  }

  private struct Running: @unchecked Sendable {
    var daemon: OpaquePointer
    var watch: ConnectionWatch
    var acceptor: ConnectionAcceptor
  }

  private let core: ServerCore
  private let state = Mutex<State>(.created)

  package init(options: HTTPServerOptions, log: Log, metrics: MetricsRegistry, router: Router) {
    core = ServerCore(options: options, log: log, metrics: metrics, router: router)
  }

  deinit { drain(deadlineSeconds: 0) }

  /// The port it listens on; 0 before it started.
  package var port: Int { core.port }

  /// Listens and serves; returns at once.
  package func start() throws(HTTPServerError) {
    let result = state.withLock { state -> Result<Void, HTTPServerError> in
      guard case .created = state else { return .failure(.notStartable) }
      do throws(HTTPServerError) {
        state = .running(try run())
        return .success(())
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  private func run() throws(HTTPServerError) -> Running {
    let socket: BoundSocket
    if let bound = core.options.socket { socket = bound } else { socket = try BoundSocket(core.options.listenAddress) }
    let listen = try socket.take()
    var configuration = DaemonCallbacks.configuration(core: core)
    configuration.is_encrypted = core.isTLS ? 1 : 0
    guard let daemon = apus_mhd_start(&configuration) else {
      close(listen.descriptor)
      throw .cannotStart(reason: "the system refused it")
    }
    var watch: ConnectionWatch?
    do throws(HTTPServerError) {
      do throws(ThreadError) { try core.startAnswers() } catch { throw .cannotStart(reason: "\(error)") }
      core.port = listen.port
      let started = try ConnectionWatch(core: core)
      watch = started
      let acceptor = try ConnectionAcceptor(core: core, daemon: daemon, listening: listen.descriptor)
      return Running(daemon: daemon, watch: started, acceptor: acceptor)
    } catch {
      watch?.stop()
      core.stopAnswers()
      MHD_stop_daemon(daemon)
      close(listen.descriptor)
      throw error
    }
  }

  // MARK: The end

  /// How long answers that give requests up may take to leave.
  private static let partingMilliseconds: Int64 = 500

  /// Stops accepting; requests go on, and their answers end their connections.
  package func stopAccepting() {
    state.withLock { state in
      guard case .running(let running) = state else { return }
      core.isDraining.store(true, ordering: .relaxed)
      running.acceptor.stop()
      state = .draining(running)
    }
  }

  /// Stops accepting, lets requests that run finish until the deadline, gives up the rest, and stops. Returns when all is
  /// closed; a second call waits for the first and does nothing.
  package func drain(until deadline: Deadline) {
    stopAccepting()
    state.withLock { state in
      guard case .draining(let running) = state else { return }
      awaitIdle(until: deadline)
      core.isRefusing.store(true, ordering: .sequentiallyConsistent)
      if abandonQueued() { awaitIdle(until: Deadline(milliseconds: Self.partingMilliseconds, of: SystemClock())) }
      running.watch.stop()
      core.stopAnswers()
      abandonStreams()
      MHD_stop_daemon(running.daemon)
      state = .stopped
    }
  }

  package func drain(deadlineSeconds: Int) {
    drain(until: Deadline(milliseconds: Int64(deadlineSeconds) * 1000, of: SystemClock()))
  }

  /// Until no connection has a request, seen twice: one may just have been accepted.
  private func awaitIdle(until deadline: Deadline) {
    var idleCount = 0
    while !deadline.isPassed {
      var isBusy = false
      core.table.forEach { if $0.phase.phase != .idle && $0.phase.phase != .cut { isBusy = true } }
      idleCount = isBusy ? 0 : idleCount + 1
      if idleCount == 2 { return }
      usleep(5_000)
    }
  }

  /// Answers for the workers that did not: the library cannot stop while a connection is suspended. True when there was
  /// one.
  private func abandonQueued() -> Bool {
    let response = core.stoppingResponse
    var isQueued = true
    var isAnyQueued = false
    while isQueued {
      isQueued = false
      core.table.forEach { connection in
        let phase = connection.phase.phase
        connection.worker.withLock { worker in
          guard let worker else { return }
          worker.request.cancel()
          // Given or not, nobody suspended is left: a connection about to be is seen in the next round.
          if worker.request.answer.give(response) {
            isAnyQueued = true
          } else if phase == .queued {
            isQueued = true
          }
          worker.stream?.abandon()
        }
      }
      if isQueued { usleep(1_000) }
    }
    return isAnyQueued
  }

  /// Wakes the connections that wait for pieces which nobody makes any more.
  private func abandonStreams() {
    core.table.forEach { connection in connection.worker.withLock { $0?.stream?.abandon() } }
  }
}
