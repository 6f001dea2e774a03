import CShims
import Platform
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// The HTTP/1.1 server: libmicrohttpd's threads poll connections and run inline handlers; queued ones run wherever
/// their executor runs them. Started once, drained once; safe to use from any thread.
package final class HTTPServer: Sendable {
  private enum State {
    case created
    case running(Running)
    case stopped
  }

  private struct Running: @unchecked Sendable {
    var daemon: OpaquePointer
    var watch: ConnectionWatch
    var port: Int
    var tls: TLSFiles
  }

  /// What the library keeps pointers to.
  private struct TLSFiles {
    var certificate: UnsafeMutablePointer<CChar>?
    var key: UnsafeMutablePointer<CChar>?

    init(_ tls: (certificatePEM: String, keyPEM: String)?) {
      certificate = tls.flatMap { strdup($0.certificatePEM) }
      key = tls.flatMap { strdup($0.keyPEM) }
    }

    func release() {
      free(certificate)
      free(key)
    }
  }

  private let core: ServerCore
  private let state = Mutex<State>(.created)
  private let boundPort = Atomic<Int>(0)

  package init(options: HTTPServerOptions, log: Log, metrics: MetricsRegistry, router: Router) {
    core = ServerCore(options: options, log: log, metrics: metrics, router: router)
  }

  deinit { drain(deadlineSeconds: 0) }

  /// The port it listens on; 0 before it started.
  package var port: Int { boundPort.load(ordering: .acquiring) }

  /// Listens and serves; returns at once.
  package func start() throws(HTTPServerError) {
    let result = state.withLock { state -> Result<Void, HTTPServerError> in
      guard case .created = state else { return .failure(.notStartable) }
      do throws(HTTPServerError) {
        let running = try run()
        boundPort.store(running.port, ordering: .releasing)
        state = .running(running)
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
    let tls = TLSFiles(core.options.tls)
    var configuration = DaemonCallbacks.configuration(core: core)
    configuration.listen_socket = listen.descriptor
    configuration.certificate_pem = tls.certificate.map { UnsafePointer($0) }
    configuration.key_pem = tls.key.map { UnsafePointer($0) }
    guard let daemon = apus_mhd_start(&configuration) else {
      close(listen.descriptor)
      tls.release()
      throw .cannotStart(reason: core.isTLS ? "the TLS certificate or key is not usable" : "the system refused it")
    }
    do throws(HTTPServerError) {
      return Running(daemon: daemon, watch: try ConnectionWatch(core: core), port: listen.port, tls: tls)
    } catch {
      MHD_stop_daemon(daemon)
      tls.release()
      throw error
    }
  }

  // MARK: The end

  /// Stops accepting, lets requests that run finish within the deadline, gives up the rest, and stops. Returns when
  /// all is closed; a second call waits for the first and does nothing.
  package func drain(deadlineSeconds: Int) {
    state.withLock { state in
      guard case .running(let running) = state else { return }
      core.isDraining.store(true, ordering: .relaxed)
      let listening = MHD_quiesce_daemon(running.daemon)
      if listening >= 0 { close(listening) }
      let deadline = MonotonicTime.nanoseconds() + Int64(deadlineSeconds) * 1_000_000_000
      awaitIdle(until: deadline)
      core.isRefusing.store(true, ordering: .sequentiallyConsistent)
      abandonQueued()
      MHD_stop_daemon(running.daemon)
      running.watch.stop()
      running.tls.release()
      state = .stopped
    }
  }

  /// Until no connection has a request, seen twice: one may just have been accepted.
  private func awaitIdle(until deadlineNanoseconds: Int64) {
    var idleCount = 0
    while MonotonicTime.nanoseconds() < deadlineNanoseconds {
      var isBusy = false
      core.table.forEach { if $0.phase.phase != .idle && $0.phase.phase != .cut { isBusy = true } }
      idleCount = isBusy ? 0 : idleCount + 1
      if idleCount == 2 { return }
      usleep(5_000)
    }
  }

  /// Answers for the workers that did not: the library cannot stop while a connection is suspended.
  private func abandonQueued() {
    let response = core.stoppingResponse
    var isQueued = true
    while isQueued {
      isQueued = false
      core.table.forEach { connection in
        let phase = connection.phase.phase
        connection.worker.withLock { worker in
          guard let worker else { return }
          worker.request.cancel()
          // Given or not, nobody suspended is left: a connection about to be is seen in the next round.
          if !worker.request.answer.give(response), phase == .queued { isQueued = true }
          worker.pipe?.abandon()
        }
      }
      if isQueued { usleep(1_000) }
    }
  }
}
