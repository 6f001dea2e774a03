import Format
import HTTP

/// The envelope of the API's answers, and how large ones are written piece by piece.
enum JSONAnswer {
  static let truncated = "results truncated due to limit"

  /// A small answer: `data` is JSON already.
  static func success(_ data: String) -> Response {
    .json(200, Array("{\"status\":\"success\",\"data\":\(data)}".utf8))
  }

  /// A small answer, its data written into one buffer.
  static func success(_ write: (inout JSONBuffer) -> Void) -> Response {
    var json = JSONBuffer()
    json.raw("{\"status\":\"success\",\"data\":")
    write(&json)
    json.raw("}")
    return .json(200, json.bytes)
  }

  /// A list whose elements are written as the client takes them.
  static func list(
    _ count: Int, isTruncated: Bool, warnings: [String] = [],
    _ element: @escaping @Sendable (Int, inout JSONBuffer) -> Void
  ) -> Response {
    Response(
      contentType: .json,
      body: .written { (writer) throws(StreamFailure) in
        var pieces = JSONPieces(writer: writer)
        pieces.json.raw("{\"status\":\"success\",\"data\":[")
        for index in 0..<count {
          if index > 0 { pieces.json.raw(",") }
          element(index, &pieces.json)
          try pieces.handOn()
        }
        pieces.json.raw("]")
        let texts = (isTruncated ? [truncated] : []) + warnings
        for (index, text) in texts.enumerated() {
          pieces.json.raw(index == 0 ? ",\"warnings\":[" : ",")
          pieces.json.pageString(text)
        }
        if !texts.isEmpty { pieces.json.raw("]") }
        pieces.json.raw("}")
        try pieces.finish()
      })
  }
}

/// JSON on its way to a client: gathered up to a piece's size, then handed on.
struct JSONPieces {
  /// Bytes gathered before they are handed on.
  private static let pieceBytes = 64 << 10

  let writer: ResponseWriter
  var json = JSONBuffer()

  init(writer: ResponseWriter) { self.writer = writer }

  /// Hands on what there is, if that is a piece.
  mutating func handOn() throws(StreamFailure) {
    if json.bytes.count > JSONPieces.pieceBytes { try finish() }
  }

  mutating func finish() throws(StreamFailure) {
    try writer.write(json.bytes)
    json.removeAll()
  }
}
