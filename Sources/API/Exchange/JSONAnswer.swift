import Format
import HTTP
import Platform

/// The envelope of the API's answers, and how large ones are written piece by piece.
enum JSONAnswer {
  /// Bytes of a piece, about.
  static let pieceBytes = 32 << 10
  /// The warning of a list that a limit cut.
  private static let truncated = "results truncated due to limit"

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

  /// A list whose elements are written as the client takes them; meanwhile it holds `heldBytes`, about. It stands between
  /// `opening` and `closing`, which are what `data` is.
  static func list(
    _ count: Int, opening: StaticString = "[", closing: StaticString = "]", isTruncated: Bool = false,
    warnings: [String] = [], heldBytes: Int, _ element: @escaping @Sendable (Int, inout JSONBuffer) -> Void
  ) -> Response {
    let pieces = Exclusive(
      ListPieces(
        count, opening: opening, closing: closing, warnings: (isTruncated ? [truncated] : []) + warnings, element))
    return Response(
      contentType: .json,
      body: .pieces(heldBytes: heldBytes) { (writer) throws(StreamError) in
        try pieces.use { (pieces) throws(StreamError) in try pieces.next(writer) }
      })
  }
}
