/// An answer without its connection.
package struct ExchangedAnswer: Sendable {
  package var status: Int
  package var bytes: [UInt8]
  /// Why an answer in pieces broke off, which a client would see as a cut connection.
  package var failure: StreamError?
}

// A request that is answered on the caller's thread, for worlds in which there are no connections and nothing may happen
// on other threads: the handlers, their bytes and their order are those of a connection.
extension Router {
  package func exchange(
    _ method: HTTPMethods, _ target: String, headers: [(name: String, value: String)] = [], body: [UInt8] = []
  ) -> ExchangedAnswer {
    let request = Request(pool: BodyPool(bytesMax: .max))
    request.method = method
    Array(target.utf8).withUnsafeBytes { request.head.setTarget($0) }
    for (name, value) in headers {
      Array(name.utf8).withUnsafeBytes { name in
        Array(value.utf8).withUnsafeBytes { value in request.head.addField(name: name, value: value) }
      }
    }
    guard request.head.splitPath() else { return Router.whole(.text(400, "malformed path"), request) }
    let isTaken = body.withUnsafeBytes { request.appendBody($0, expected: body.count) == .taken }
    guard isTaken else { return Router.whole(.text(503, "no memory for the body"), request) }
    switch resolve(request) {
    case .refused(let response): return Router.whole(response, request)
    case .route(let route):
      request.route = route
      return Router.whole(route.handler(request), request)
    }
  }

  private static func whole(_ response: Response, _ request: Request) -> ExchangedAnswer {
    do throws(StreamError) {
      return ExchangedAnswer(status: response.status, bytes: try response.wholeBody(for: request) ?? [])
    } catch {
      return ExchangedAnswer(status: response.status, bytes: [], failure: error)
    }
  }
}

extension Response {
  /// The bytes that a connection would send behind the head; nil where they are many more than `bytesMax`.
  func wholeBody(for request: Request, bytesMax: Int = .max) throws(StreamError) -> [UInt8]? {
    switch body {
    case .empty: return []
    case .bytes(let bytes): return bytes
    case .fixed(let text): return Array(text.rawBytes)
    case .lent(let bytes, let owner): return withExtendedLifetime(owner) { Array(bytes) }
    case .stream(let producer): return try Response.all(producer, bytesMax)
    case .pieces(_, let pieces):
      let writer = ResponseWriter(for: request)
      var isDone = false
      while !isDone, writer.stagedCount <= bytesMax { isDone = try pieces(writer) != .more }
      let staged = OwnedBytes(writer.takeStaged())
      return isDone ? withExtendedLifetime(staged) { Array(staged.bytes) } : nil
    }
  }

  private static func all(_ producer: BodyProducer, _ bytesMax: Int) throws(StreamError) -> [UInt8]? {
    var all: [UInt8] = []
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 16)
    defer { piece.deallocate() }
    while all.count <= bytesMax {
      let count = try producer(piece)
      if count == 0 { return all }
      all += piece.prefix(count)
    }
    return nil
  }
}
