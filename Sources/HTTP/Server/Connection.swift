import CShims
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// One client connection and the request on it. Created and released by the library's connection callbacks; all but
/// `phase`, `worker`, `socket` and what says otherwise belongs to the one thread that polls the connection.
final class Connection: @unchecked Sendable {
  /// What the library's next call for this request means.
  enum Stage { case started, receiving, queued, responded }

  let core: ServerCore
  let handle: OpaquePointer
  let socket: Int32
  let peer: PeerAddress?
  let phase: ConnectionPhase
  /// The request a worker has, for those who tell it that the client is gone.
  let worker = Mutex<(request: Request, pipe: ResponsePipe?)?>(nil)
  /// Its place in the table, guarded by the table's mutex.
  var tableIndex = 0
  /// The watch thread's: where the connection was when its client was first seen to have closed.
  var closedMark: UInt64 = 0

  var request: Request
  var stage = Stage.started
  private var hasSeenRequest = false
  /// The answer that is decided before the body is read; the body is then dropped.
  var refusal: Response?
  var expectedBodyBytes: Int?
  var discardedBytes = 0
  /// A client of HTTP/1.0 knows no chunks: the end of a stream is the end of its connection.
  var endsWithStream = false

  // What the metrics of the request are made of.
  var metrics: RouteMetrics?
  var startNanoseconds: Int64
  var status = 0
  var responseBytes = 0

  init(core: ServerCore, handle: OpaquePointer) {
    self.core = core
    self.handle = handle
    socket = apus_mhd_socket(handle)
    peer = apus_mhd_peer(handle).flatMap { PeerAddress($0) }
    startNanoseconds = MonotonicTime.nanoseconds()
    phase = ConnectionPhase(.idle, deadlineMilliseconds: core.firstDeadline(startNanoseconds))
    request = Request(pool: core.bodies)
  }

  var limits: HTTPServerOptions { _read { yield core.options } }

  /// The request line arrived.
  func startRequest(target: UnsafePointer<CChar>?) {
    startNanoseconds = MonotonicTime.nanoseconds()
    stage = .started
    hasSeenRequest = true
    let count = target.map { strlen($0) } ?? 0
    request.head.setTarget(UnsafeRawBufferPointer(start: target, count: count))
    let deadline = startNanoseconds / 1_000_000 + Int64(limits.headerMillisecondsMax)
    _ = phase.enter(.headers, deadlineMilliseconds: deadline)
  }

  /// The request is over, well or not: counts it and makes the connection ready for the next one.
  func finishRequest(_ code: MHD_RequestTerminationCode) {
    let now = MonotonicTime.nanoseconds()
    if stage == .started {
      // The library refused it itself, before a handler could.
      if code != .REQUEST_TERMINATED_CLIENT_ABORT { core.metrics.reject(.malformed) }
    } else {
      (metrics ?? core.metrics.unmatched).count(
        status: status == 0 ? 499 : status, nanoseconds: now - startNanoseconds, bytes: responseBytes)
    }
    let left = worker.withLock { worker in
      let left = worker
      worker = nil
      return left
    }
    if let left {
      left.request.cancel()
      left.pipe?.abandon()
    }
    if isKnownUniquelyReferenced(&request) { request.reset() } else { request = Request(pool: core.bodies) }
    refusal = nil
    expectedBodyBytes = nil
    discardedBytes = 0
    endsWithStream = false
    metrics = nil
    status = 0
    responseBytes = 0
    stage = .started
    _ = phase.enter(.idle, deadlineMilliseconds: core.idleDeadline(now))
  }

  /// The library is about to close the socket. It says nothing to a client whose first line is no request line; such
  /// a connection ends early without the client having closed it.
  func close() {
    guard !hasSeenRequest, !core.isDraining.load(ordering: .relaxed), phase.phase == .idle else { return }
    let age = MonotonicTime.nanoseconds() - startNanoseconds
    var socket = pollfd(fd: socket, events: apus_poll_peer_closed, revents: 0)
    if age < Int64(limits.idleTimeoutSeconds) * 1_000_000_000, poll(&socket, 1, 0) == 0 {
      core.metrics.reject(.malformed)
      cut(status: BareAnswer.badRequest)
    }
  }

  /// Answers on the bare socket where the library has no way to answer, and ends the connection: the library sees it
  /// closed. Only while nothing of an answer was sent.
  func cut(status: StaticString) {
    if !core.isTLS {
      let head = status.rawBytes
      send(socket, head.baseAddress, head.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
    }
    shutdown(socket, Int32(SHUT_RDWR))
  }
}

/// The few answers that are written to the socket as they are.
enum BareAnswer {
  static let requestTimeout: StaticString =
    "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 34\r\n\r\nthe request took too long to send\n"
  static let badRequest: StaticString =
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 44\r\n\r\nbad request: the request line is malformed\r\n"
  static let tooLarge: StaticString =
    "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 30\r\n\r\nthe request body is too large\n"
}
