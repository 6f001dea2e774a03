import CShims
import Platform
import Synchronization

/// The parts that all connections of a server share. Immutable but for its atomics and the parts that guard themselves.
final class ServerCore: Sendable {
  let options: HTTPServerOptions
  let log: Log
  let router: Router
  let metrics: ServerMetrics
  let bodies: BodyPool
  let compressors = CompressorPool()
  let table: ConnectionTable
  let unfinishedHeads = UnfinishedHeadsByThread()
  /// The memory that answers which wait for their clients may hold.
  let answers: AnswerMemory
  /// Time between two lines about failed handshakes.
  private static let handshakeLineNanoseconds: Int64 = 10_000_000_000
  private let nextHandshakeLine = Mutex<Int64>(.min)
  /// The port it listens on; 0 before it does.
  private let boundPort = Atomic<Int>(0)
  /// The threads that make pieces of answers once their handlers are done; nil before the start and after the end.
  private let answerPool = Mutex<WorkerPool?>(nil)
  /// Answers end their connections.
  let isDraining = Atomic<Bool>(false)
  /// Nothing is queued any more.
  let isRefusing = Atomic<Bool>(false)

  init(options: HTTPServerOptions, log: Log, metrics registry: MetricsRegistry, router: Router) {
    self.options = options
    self.log = log
    self.router = router
    metrics = ServerMetrics(router: router, registry: registry)
    bodies = BodyPool(bytesMax: options.bodiesInFlightBytesMax)
    table = ConnectionTable(limits: ConnectionLimits(options))
    answers = AnswerMemory(bytesMax: options.answersBytesMax, freed: options.memoryFreed)
    let table = table
    let answers = answers
    let bodies = bodies
    registry.collect("apus_http_open_connections", "Open client connections.", .gauge) {
      [([], Double(table.count))]
    }
    registry.collect("apus_http_bodies_in_flight_bytes", "Bytes of request bodies held in memory.", .gauge) {
      [([], Double(bodies.inFlightBytes))]
    }
    registry.collect(
      "apus_http_waiting_answers_bytes", "Memory of answers that wait for their clients, in bytes.", .gauge
    ) {
      [([], Double(answers.heldBytes))]
    }
  }

  var port: Int {
    get { boundPort.load(ordering: .acquiring) }
    set { boundPort.store(newValue, ordering: .releasing) }
  }

  /// Starts the threads that make pieces of answers.
  func startAnswers() throws(ThreadError) {
    // Each connection has one answer, of which one piece is made at a time.
    let pool = try WorkerPool(
      name: "http-answer", threadCount: max(1, options.answerThreadCount),
      queueLimit: ConnectionLimits(options).socketsMax)
    answerPool.withLock { $0 = pool }
  }

  func stopAnswers() {
    let pool = answerPool.withLock { pool in
      defer { pool = nil }
      return pool
    }
    pool?.stop()
  }

  /// False when it will not run.
  func runForAnswers(_ work: @escaping @Sendable () -> Void) -> Bool {
    answerPool.withLock { $0 }?.submit(work) ?? false
  }

  var isTLS: Bool { options.tls != nil }

  /// Counts a handshake that has failed; one in ten seconds is worth a line in the log.
  func noteHandshake(_ outcome: apus_tls_outcome, _ peer: PeerAddress?) {
    guard let reason = HandshakeFailure(outcome) else { return }
    metrics.failedHandshakes[reason.rawValue].add()
    let now = SystemClock().monotonicNanoseconds()
    let isNews = nextHandshakeLine.withLock { next in
      if now < next { return false }
      next = now + ServerCore.handshakeLineNanoseconds
      return true
    }
    if isNews {
      log.warn("A TLS handshake failed", ["client": peer?.host ?? "", "reason": reason.text])
    }
  }

  var stoppingResponse: Response {
    var response = Response.text(503, "the server is stopping").retryAfter(seconds: options.retryAfterSeconds)
    response.closesConnection = true
    return response
  }

  /// The library ends idle connections itself; ours is for those that trickle bytes of a request line.
  func idleDeadline(_ nowNanoseconds: Int64) -> Int64 {
    nowNanoseconds / 1_000_000 + Int64(options.idleTimeoutSeconds) * 1000 + Int64(options.headerMillisecondsMax)
  }

  /// For the first request of a new connection: its headers have as long as those of any other. The library never frees
  /// a connection that times out within its TLS handshake, and spins on it: ours comes first.
  func firstDeadline(_ nowNanoseconds: Int64) -> Int64 {
    let limit = min(options.headerMillisecondsMax, options.idleTimeoutSeconds * 500)
    return nowNanoseconds / 1_000_000 + Int64(limit)
  }

  /// The better encoding that the client takes; nil where it takes neither.
  func encoding(for request: Request) -> ContentEncoding? {
    if request.header("accept-encoding", hasToken: "zstd") { return .zstd }
    return request.header("accept-encoding", hasToken: "gzip") ? .gzip : nil
  }

  /// A compressor for the answer, if it may be compressed and the client takes that.
  func compressor(for response: Response, to request: Request) -> (any Compressor)? {
    response.mayCompress ? encoding(for: request).flatMap { compressors.take($0) } : nil
  }
}
