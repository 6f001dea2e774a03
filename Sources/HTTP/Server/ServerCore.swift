import Platform
import Synchronization

/// What all connections of a server share. Immutable but for its atomics and the parts that guard themselves.
final class ServerCore: Sendable {
  let options: HTTPServerOptions
  let log: Log
  let router: Router
  let metrics: ServerMetrics
  let bodies: BodyPool
  let compressors = CompressorPool()
  let table = ConnectionTable()
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
    let table = table
    let bodies = bodies
    registry.collect("apus_http_open_connections", "Open client connections.", .gauge) {
      [([], Double(table.count))]
    }
    registry.collect("apus_http_bodies_in_flight_bytes", "Bytes of request bodies held in memory.", .gauge) {
      [([], Double(bodies.inFlightBytes))]
    }
  }

  var isTLS: Bool { options.tls != nil }

  var stoppingResponse: Response {
    var response = Response.text(503, "the server is stopping").retryAfter(seconds: options.retryAfterSeconds)
    response.closesConnection = true
    return response
  }

  /// The library ends idle connections itself; ours is for those that trickle bytes of a request line.
  func idleDeadline(_ nowNanoseconds: Int64) -> Int64 {
    nowNanoseconds / 1_000_000 + Int64(options.idleTimeoutSeconds) * 1000 + Int64(options.headerMillisecondsMax)
  }

  /// For a new connection. The library never frees one that times out within its TLS handshake, and spins on it: ours
  /// comes first there.
  func firstDeadline(_ nowNanoseconds: Int64) -> Int64 {
    if !isTLS { return idleDeadline(nowNanoseconds) }
    let limit = min(options.headerMillisecondsMax, options.idleTimeoutSeconds * 500)
    return nowNanoseconds / 1_000_000 + Int64(limit)
  }

  /// What the client takes, the better first; nil where it takes neither.
  func encoding(for request: Request) -> ContentEncoding? {
    if request.header("accept-encoding", hasToken: "zstd") { return .zstd }
    return request.header("accept-encoding", hasToken: "gzip") ? .gzip : nil
  }

  /// A compressor for the answer, if it may be compressed and the client takes that.
  func compressor(for response: Response, to request: Request) -> (any Compressor)? {
    response.mayCompress ? encoding(for: request).flatMap { compressors.take($0) } : nil
  }
}
