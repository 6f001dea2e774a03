import CShims
import Platform
import Synchronization

/// Why a request was refused before or instead of its handler: a closed set, counted per reason.
enum RejectReason: Int, CaseIterable {
  case malformed, headerTooLarge, headerTimeout, bodyTooLarge, bodyTimeout, bodiesInFlight, queueFull, stopping,
    connections, answers

  var label: String {
    switch self {
    case .malformed: "malformed"
    case .headerTooLarge: "header_too_large"
    case .headerTimeout: "header_timeout"
    case .bodyTooLarge: "body_too_large"
    case .bodyTimeout: "body_timeout"
    case .bodiesInFlight: "bodies_in_flight"
    case .queueFull: "queue_full"
    case .stopping: "stopping"
    case .connections: "connections"
    case .answers: "answers"
    }
  }
}

/// Why a TLS handshake failed: a closed set.
enum HandshakeFailure: Int, CaseIterable {
  case plain, certificate, other

  init?(_ outcome: apus_tls_outcome) {
    switch outcome {
    case apus_tls_plain: self = .plain
    case apus_tls_refused: self = .certificate
    case apus_tls_failed: self = .other
    default: return nil
    }
  }

  var label: String {
    switch self {
    case .plain: "plain_http"
    case .certificate: "client_certificate"
    case .other: "handshake"
    }
  }

  /// For the log.
  var text: String {
    switch self {
    case .plain: "the client speaks HTTP without TLS"
    case .certificate: "the client's certificate is missing or not taken"
    case .other: "versions, ciphers or certificates do not fit, or the client went away"
    }
  }
}

/// The counts of one handler. Made at start, so that counting allocates nothing; any thread.
final class RouteMetrics: Sendable {
  /// Status codes with a counter of their own; others share the last one.
  static let codes = [
    200, 201, 202, 204, 206, 301, 302, 304, 400, 401, 403, 404, 405, 406, 408, 409, 413, 415, 422, 429, 431, 499, 500,
    501, 502, 503, 504,
  ]
  private static let slots: [UInt8] = (0..<600).map { code in
    UInt8(codes.firstIndex(of: code) ?? codes.count)
  }

  let handler: String
  private let counts = (0...RouteMetrics.codes.count).map { _ in Counter() }
  private let duration: HistogramMetric
  private let size: HistogramMetric

  init(handler: String, registry: MetricsRegistry) {
    self.handler = handler
    duration = registry.histogram(
      "prometheus_http_request_duration_seconds", "Histogram of latencies for HTTP requests.",
      labels: [("handler", handler)], upperBounds: [0.1, 0.2, 0.4, 1, 3, 8, 20, 60, 120], waitsForUse: true)
    size = registry.histogram(
      "prometheus_http_response_size_bytes", "Histogram of response size for HTTP requests.",
      labels: [("handler", handler)], upperBounds: [100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9], waitsForUse: true)
  }

  func count(status: Int, nanoseconds: Int64, bytes: Int) {
    counts[status >= 0 && status < 600 ? Int(Self.slots[status]) : Self.codes.count].add()
    duration.observe(Double(nanoseconds) * 1e-9)
    size.observe(Double(bytes))
  }

  /// A row for each code that was answered.
  func rows() -> [(labels: MetricLabels, value: Double)] {
    counts.indices.compactMap { index in
      let value = counts[index].value
      if value == 0 { return nil }
      let code = index < Self.codes.count ? String(Self.codes[index]) : "other"
      return ([("handler", handler), ("code", code)], Double(value))
    }
  }
}

/// The metrics of a server. Immutable but for its atomics.
final class ServerMetrics: Sendable {
  private let routes: [RouteMetrics]
  /// Requests that belong to no route.
  let unmatched: RouteMetrics
  private let rejected: [Counter]
  private let refused: [Counter]
  private let evicted: [Counter]
  let stalledAnswers: Counter
  /// By `HandshakeFailure`.
  let failedHandshakes: [Counter]

  init(router: Router, registry: MetricsRegistry) {
    // Routes with one pattern and different methods are one handler.
    var byPattern: [String: RouteMetrics] = [:]
    var all: [RouteMetrics] = []
    routes = router.routes.map { route in
      if let known = byPattern[route.pattern] { return known }
      let made = RouteMetrics(handler: route.pattern, registry: registry)
      byPattern[route.pattern] = made
      all.append(made)
      return made
    }
    let unmatched = RouteMetrics(handler: "unmatched", registry: registry)
    self.unmatched = unmatched
    all.append(unmatched)
    let handlers = all
    registry.collect("prometheus_http_requests_total", "Counter of HTTP requests.", .counter) {
      handlers.flatMap { $0.rows() }
    }
    rejected = RejectReason.allCases.map { reason in
      registry.counter(
        "apus_http_rejected_requests_total", "Requests refused before their handler, by reason.",
        labels: [("reason", reason.label)])
    }
    refused = ConnectionRefusal.allCases.map { reason in
      registry.counter(
        "apus_http_refused_connections_total",
        "Connections closed before they were served, by the limit they were past.",
        labels: [("limit", reason.label)])
    }
    evicted = ConnectionEviction.allCases.map { reason in
      registry.counter(
        "apus_http_evicted_connections_total",
        "Open connections closed to make room for new ones: silent ones had not sent a request, idle ones no further one.",
        labels: [("kind", reason.label)])
    }
    stalledAnswers = registry.counter(
      "apus_http_stalled_answers_total", "Answers given up because their clients did not read them.")
    failedHandshakes = HandshakeFailure.allCases.map { reason in
      registry.counter(
        "apus_tls_handshake_failures_total", "TLS handshakes of clients that failed, by reason.",
        labels: [("reason", reason.label)])
    }
  }

  func of(_ route: Route) -> RouteMetrics { routes[route.index] }

  func reject(_ reason: RejectReason) { rejected[reason.rawValue].add() }

  func refuse(_ reason: ConnectionRefusal) { refused[reason.rawValue].add() }

  func evict(_ kind: ConnectionEviction) { evicted[kind.rawValue].add() }
}
