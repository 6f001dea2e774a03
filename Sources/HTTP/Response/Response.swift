/// Why an answer could not be completed. The connection is then cut, so that nobody takes the part for the whole.
package enum StreamError: Error, Equatable, CustomStringConvertible {
  /// The client is gone, did not read for too long, or the server is stopping.
  case clientGone
  /// The producer itself failed.
  case failed(String)

  package var description: String {
    switch self {
    case .clientGone: "the client is gone, or reads no more"
    case .failed(let reason): reason
    }
  }
}

/// Fills the buffer it is lent and says how many bytes it wrote; 0 is the end. Called on the connection's thread, so
/// it must not block: what needs time is a queued route's `.pieces`.
package typealias BodyProducer = @Sendable (UnsafeMutableRawBufferPointer) throws(StreamError) -> Int

/// The end of a piece: more follow, or it was the last.
package enum PieceOutcome: Sendable { case more, last }

/// Writes the next piece of an answer, some tens of kilobytes. The first pieces are made on the worker that ran the handler,
/// further ones on threads for answers, whenever the client has taken what there was: by one thread at a time, so the
/// state that it keeps between pieces needs no lock. It is released when the answer is over, well or not.
package typealias BodyPieces = @Sendable (ResponseWriter) throws(StreamError) -> PieceOutcome

/// The answer of a handler.
package struct Response: @unchecked Sendable {
  package enum Body {
    case empty
    case bytes([UInt8])
    case fixed(StaticString)
    /// Bytes that live as long as their owner.
    case lent(UnsafeRawBufferPointer, owner: AnyObject)
    case stream(BodyProducer)
    /// `heldBytes` is what the answer keeps in memory until its client has taken it, about. On an inline route the pieces
    /// are collected first, then sent.
    case pieces(heldBytes: Int, BodyPieces)
  }

  package var status: Int
  package var contentType: ContentType?
  package var headers: [(name: String, value: String)] = []
  package var body: Body
  /// True if the body may be compressed for clients that take it.
  package var mayCompress = true
  /// True if the connection ends with this answer.
  package var closesConnection = false
  /// Its share of the memory for answers.
  var lease: AnswerLease?

  package init(status: Int = 200, contentType: ContentType? = nil, body: Body = .empty) {
    self.status = status
    self.contentType = contentType
    self.body = body
  }

  /// Plain text, as Prometheus answers errors outside its API: with a line end.
  package static func text(_ status: Int, _ text: String) -> Response {
    Response(status: status, contentType: .text, body: .bytes(Array((text.hasSuffix("\n") ? text : text + "\n").utf8)))
  }

  package static func json(_ status: Int = 200, _ bytes: [UInt8]) -> Response {
    Response(status: status, contentType: .json, body: .bytes(bytes))
  }

  /// 302, with a line for those who read it.
  package static func redirect(to target: String) -> Response {
    let text = "<a href=\"\(target.filter { $0 != "\"" && $0 != "<" && $0 != ">" })\">Found</a>.\n\n"
    return Response(status: 302, contentType: .html, body: .bytes(Array(text.utf8))).with(header: "Location", target)
  }

  /// True if its size is not known beforehand.
  var isStreamed: Bool {
    switch body {
    case .stream, .pieces: true
    case .empty, .bytes, .fixed, .lent: false
    }
  }

  /// Memory that it holds until its client has taken it.
  var heldBytes: Int {
    switch body {
    case .empty, .fixed, .stream: 0
    case .bytes(let bytes): bytes.count
    case .lent(let bytes, _): bytes.count
    case .pieces(let heldBytes, _): heldBytes
    }
  }

  /// 204 without a body.
  package static let noContent = Response(status: 204)

  package func with(header name: String, _ value: String) -> Response {
    var copy = self
    copy.headers.append((name, value))
    return copy
  }

  package func retryAfter(seconds: Int) -> Response { with(header: "Retry-After", String(seconds)) }
}

/// A media type that is known when the program is written.
package struct ContentType: Sendable {
  let text: StaticString

  package init(_ text: StaticString) { self.text = text }

  package static let text = ContentType("text/plain; charset=utf-8")
  package static let json = ContentType("application/json")
  package static let html = ContentType("text/html; charset=utf-8")
  package static let protobuf = ContentType("application/x-protobuf")
  /// The exposition format of Prometheus.
  package static let exposition = ContentType("text/plain; version=0.0.4; charset=utf-8")
  package static let ndjson = ContentType("application/x-ndjson")
}
