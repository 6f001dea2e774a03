/// An answer without its connection.
package struct ExchangedAnswer: Sendable {
  package var status: Int
  package var bytes: [UInt8]
  /// Why an answer in pieces broke off, which a client would see as a cut connection.
  package var failure: StreamFailure?
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
    var answer = ExchangedAnswer(status: response.status, bytes: [])
    let writer = ResponseWriter(for: request)
    do throws(StreamFailure) {
      switch response.body {
      case .empty: break
      case .bytes(let bytes): answer.bytes = bytes
      case .fixed(let text): answer.bytes = Array(text.rawBytes)
      case .lent(let bytes, let owner): answer.bytes = withExtendedLifetime(owner) { Array(bytes) }
      case .stream(let producer): answer.bytes = try produced(producer)
      case .pieces(_, let pieces):
        while try pieces(writer) == .more {}
        let staged = OwnedBytes(writer.takeStaged())
        answer.bytes = withExtendedLifetime(staged) { Array(staged.bytes) }
      }
    } catch {
      answer.failure = error
    }
    return answer
  }

  private static func produced(_ producer: BodyProducer) throws(StreamFailure) -> [UInt8] {
    var all: [UInt8] = []
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 16)
    defer { piece.deallocate() }
    while true {
      let count = try producer(piece)
      if count == 0 { return all }
      all += piece.prefix(count)
    }
  }
}
