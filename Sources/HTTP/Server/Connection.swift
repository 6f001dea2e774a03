import CShims
import Glibc
import Platform
import Synchronization

/// One client connection and the request on it. Created and released by the library's connection callbacks; all but
/// constants, `phase`, `worker` and what says otherwise belongs to the one thread that polls the connection.
final class Connection: @unchecked Sendable {
  /// The state of the request, which decides what the library's next call means.
  enum Stage { case started, receiving, queued, responded }

  let core: ServerCore
  let handle: OpaquePointer
  let socket: Int32
  let peer: PeerAddress?
  /// Kept for the handshake's sake.
  private let material: TLSServerMaterial?
  private let tls: OpaquePointer?
  let phase: ConnectionPhase
  /// The request a worker has, for those who tell it that the client is gone.
  let worker = Mutex<(request: Request, stream: AnswerStream?)?>(nil)
  let openedNanoseconds: Int64
  /// The thread's list that it is in while a head arrives, and its place there.
  private let unfinished: UnfinishedHeads
  var unfinishedIndex: Int?
  private let hasFinishedRequest = Atomic<Bool>(false)
  private let idleSince: Atomic<Int64>

  // Guarded by the table's mutex.
  /// Its place in the table.
  var tableIndex = 0
  /// True until it is told to go.
  var isCounted = false
  /// Beyond the limit of connections: only served where the route is for operators. Constant once in the table.
  var isReserved = false

  // The watch thread's.
  /// Position of the connection when its client was first seen to have closed.
  var closedMark: UInt64 = 0
  var progress = SendingProgress()

  var request: Request
  var stage = Stage.started
  private var hasSeenRequest = false
  /// The answer's share of the memory for answers, until the request is over.
  var lease: AnswerLease?
  /// The answer that is decided before the body is read; the body is then dropped.
  var refusal: Response?
  /// The part of the guard's verdict that is still open.
  var openCheck = OpenCheck.none
  var expectedBodyBytes: Int?
  var discardedBytes = 0
  /// A client of HTTP/1.0 knows no chunks: the end of a stream is the end of its connection.
  var endsWithStream = false
  /// Fields in front of the client's that are not its own.
  var hiddenFieldCount = 0

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
    material = core.options.tls?.material()
    tls = core.isTLS ? apus_tls_begin(handle, material?.pointer) : nil
    startNanoseconds = SystemClock().monotonicNanoseconds()
    openedNanoseconds = startNanoseconds
    idleSince = Atomic(startNanoseconds / 1_000_000)
    unfinished = core.unfinishedHeads.ofThisThread()
    phase = ConnectionPhase(.idle, deadlineMilliseconds: core.firstDeadline(startNanoseconds))
    request = Request(pool: core.bodies)
  }

  deinit {
    if let tls {
      core.noteHandshake(apus_tls_outcome(tls), peer)
      apus_tls_end(tls)
    }
  }

  /// The names of the client's certificate, if one of our authorities made it.
  var clientNames: [String] {
    var size = 0
    guard let tls, let names = apus_tls_names(tls, &size) else { return [] }
    return UnsafeRawBufferPointer(start: names, count: size).split(separator: 0).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  var limits: HTTPServerOptions { _read { yield core.options } }

  /// True until its first request has been answered. Any thread.
  var isSilent: Bool { !hasFinishedRequest.load(ordering: .relaxed) }
  /// When it was opened or its last request ended. Any thread.
  var idleSinceMilliseconds: Int64 { idleSince.load(ordering: .relaxed) }

  /// The request line arrived.
  func startRequest(target: UnsafePointer<CChar>?) {
    startNanoseconds = SystemClock().monotonicNanoseconds()
    stage = .started
    hasSeenRequest = true
    let count = target.map { strlen($0) } ?? 0
    request.head.setTarget(UnsafeRawBufferPointer(start: target, count: count))
    if let target, let query = request.head.queryStart { apus_mhd_hide_query(target, query) }
    hiddenFieldCount = apus_mhd_hide_cookies(handle) != 0 ? Int(apus_mhd_hidden_fields) : 0
    unfinished.insert(self)
    let deadline = startNanoseconds / 1_000_000 + Int64(limits.headerMillisecondsMax)
    _ = phase.enter(.headers, deadlineMilliseconds: deadline)
  }

  /// The headers have ended, or never will.
  func finishHead() { unfinished.remove(self) }

  /// The request is over, well or not: counts it and makes the connection ready for the next one.
  func finishRequest(_ code: MHD_RequestTerminationCode) {
    let now = SystemClock().monotonicNanoseconds()
    finishHead()
    lease = nil
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
      left.stream?.abandon()
    }
    if isKnownUniquelyReferenced(&request) { request.reset() } else { request = Request(pool: core.bodies) }
    refusal = nil
    openCheck = .none
    expectedBodyBytes = nil
    discardedBytes = 0
    endsWithStream = false
    metrics = nil
    status = 0
    responseBytes = 0
    stage = .started
    hasFinishedRequest.store(true, ordering: .relaxed)
    idleSince.store(now / 1_000_000, ordering: .relaxed)
    _ = phase.enter(.idle, deadlineMilliseconds: core.idleDeadline(now))
  }

  /// The library is about to close the socket. To most clients whose first line is no request line it says nothing; such
  /// a connection ends early without the client having closed it.
  func close() {
    guard !hasSeenRequest, !core.isDraining.load(ordering: .relaxed), phase.phase == .idle,
      apus_socket_has_sent(socket) == 0
    else { return }
    let age = SystemClock().monotonicNanoseconds() - startNanoseconds
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

extension Connection {
  /// Ends the connection with a reset: an orderly end would be taken for the end of the answer by a client without chunks.
  func reset() {
    var nowhere = sockaddr()
    nowhere.sa_family = sa_family_t(AF_UNSPEC)
    if connect(socket, &nowhere, socklen_t(MemoryLayout<sockaddr>.size)) != 0 { shutdown(socket, Int32(SHUT_RDWR)) }
  }
}

/// The few answers that are written to the socket as they are.
enum BareAnswer {
  static let requestTimeout: StaticString =
    "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 34\r\n\r\nthe request took too long to send\n"
  static let badRequest: StaticString =
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 44\r\n\r\nbad request: the request line is malformed\r\n"
  static let malformedLength: StaticString =
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 52\r\n\r\nbad request: the header Content-Length is malformed\n"
  static let tooManyConnections: StaticString =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 30\r\n\r\ntoo many connections are open\n"
  static let tooLarge: StaticString =
    "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 30\r\n\r\nthe request body is too large\n"
}
