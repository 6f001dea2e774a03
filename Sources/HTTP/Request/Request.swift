import Synchronization

/// One request as a handler sees it. It belongs to one thread at a time: the connection's, then a worker's. It owns
/// every byte it shows, so a worker may keep it after the client is gone; the connection reuses it when nobody did.
package final class Request: @unchecked Sendable {
  package internal(set) var method: HTTPMethods = []
  package internal(set) var peer: PeerAddress?
  /// The one who asks; nil where nobody has found out. A guard sets it, handlers read it.
  package var caller: (any RequestCaller)?
  /// True if the connection is encrypted.
  package internal(set) var isSecure = false
  /// The names of the client's certificate that one of the server's authorities made.
  package internal(set) var clientNames: [String] = []

  var head = RequestHead()
  /// The route's captures: which segment each begins at.
  var captures: [Int] = []
  var route: Route?
  var workspaceSegment: Int?

  private let pool: BodyPool
  private var buffer: BodyBuffer?
  private var reservedBytes = 0
  private let cancelled = Atomic<Bool>(false)
  let answer = Answer()

  init(pool: BodyPool) { self.pool = pool }

  deinit { releaseBody() }

  /// Makes it empty for the next request of its connection.
  func reset() {
    head.removeAll()
    captures.removeAll(keepingCapacity: true)
    route = nil
    caller = nil
    workspaceSegment = nil
    releaseBody()
    cancelled.store(false, ordering: .relaxed)
    answer.reset()
    work.reset()
  }

  // MARK: The line

  /// The decoded path, without a trailing slash.
  package var path: String {
    if head.segments.isEmpty { return "/" }
    return head.segments.reduce(into: "") { $0 += "/" + head[$1].string }
  }

  /// As sent: what a signature was made over.
  package var rawPath: UnsafeRawBufferPointer { head.rawPath }
  package var rawQuery: UnsafeRawBufferPointer { head.rawQuery }
  /// The query as the client wrote it; empty where there is none.
  package var queryText: String { String(decoding: head.rawQuery, as: UTF8.self) }

  /// The action of its route; nil where there is no route, or nobody has named it.
  package var action: RouteAction? { route?.action }

  /// The pattern of its route; nil where there is none.
  package var routePattern: String? { route?.pattern }

  /// The id in `/workspaces/{id}/...`; nil for the default workspace.
  package var workspace: String? { workspaceSegment.map { head[head.segments[$0]].string } }

  /// The decoded part of the path that `{name}` of the pattern stands for; a trap when the pattern has none.
  package func pathParameter(_ name: String) -> String {
    guard let route, let index = route.captureNames.firstIndex(of: name) else {
      preconditionFailure("the route has no {\(name)}")
    }
    let segment = captures[index]
    guard index == captures.count - 1 && route.capturesRest else { return head[head.segments[segment]].string }
    return head.segments[segment...].map { head[$0].string }.joined(separator: "/")
  }

  /// The same as it was sent, decoded: bytes that may be no UTF-8. Only for a `{name}`, not for a `{name...}`.
  package func withPathParameter<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    guard let route, let index = route.captureNames.firstIndex(of: name) else {
      preconditionFailure("the route has no {\(name)}")
    }
    return body(head[head.segments[captures[index]]])
  }

  // MARK: Headers

  /// The first header of this name (any case), lent to `body` without a copy.
  package func withHeader<Result>(_ name: StaticString, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
    body(head.value(name.rawBytes))
  }

  package func header(_ name: StaticString) -> String? { head.value(name.rawBytes)?.string }

  package func header(named name: String) -> String? {
    var name = name
    return name.withUTF8 { head.value(UnsafeRawBufferPointer($0))?.string }
  }

  /// True if the header is there and has this value, both in any case.
  package func header(_ name: StaticString, is value: StaticString) -> Bool {
    head.value(name.rawBytes)?.equalsIgnoringCase(value.rawBytes) ?? false
  }

  /// True if the header's list of values (`a, b;q=1`) has this token.
  package func header(_ name: StaticString, hasToken token: StaticString) -> Bool {
    for field in head.fields where head[field.name].equalsIgnoringCase(name.rawBytes) {
      if TokenList(head[field.value]).accepts(token.rawBytes) { return true }
    }
    return false
  }

  package var headers: [(name: String, value: String)] {
    head.fields.map { (head[$0.name].string, head[$0.value].string) }
  }

  package var remoteAddress: String { peer?.text ?? "" }

  // MARK: Body

  /// The body as sent; valid while the request is.
  package var body: UnsafeRawBufferPointer { buffer?.store.bytes ?? UnsafeRawBufferPointer(start: nil, count: 0) }

  enum BodyOutcome { case taken, tooManyInFlight, noMemory }

  /// Counts `bytes` against the limit of bodies in memory.
  func reserveBody(_ bytes: Int) -> Bool {
    guard pool.reserve(bytes) else { return false }
    reservedBytes += bytes
    return true
  }

  /// Appends a piece. `expected` is the whole body's size where it is known, so that memory is found once.
  func appendBody(_ piece: UnsafeRawBufferPointer, expected: Int?) -> BodyOutcome {
    let buffer = buffer ?? pool.take()
    self.buffer = buffer
    let total = buffer.store.count + piece.count
    if total > reservedBytes, !reserveBody(total - reservedBytes) { return .tooManyInFlight }
    if let expected, buffer.store.count == 0, expected >= total, !buffer.store.reserveExactly(expected) {
      return .noMemory
    }
    return buffer.store.append(piece) ? .taken : .noMemory
  }

  /// Gives the body's memory back; `body` is empty from here on.
  func releaseBody() {
    if let buffer { pool.give(buffer) }
    buffer = nil
    pool.unreserve(reservedBytes)
    reservedBytes = 0
  }

  // MARK: The client

  /// True once the client has gone or the server gives the request up: an answer would reach nobody.
  package var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

  /// Tells whoever works on it to stop: the client is gone, or an operator has ended its query.
  package func cancel() { cancelled.store(true, ordering: .relaxed) }

  /// The work of answering it, as the handler and the writer of the answer count.
  package let work = RequestWork()

  /// When it was complete, on the monotonic clock: what waits is measured from here.
  package internal(set) var completeNanoseconds: Int64 = 0
}
