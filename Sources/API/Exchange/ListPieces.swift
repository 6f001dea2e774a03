import Format
import HTTP

/// A list on its way to a client, in the envelope of the API's answers: its elements are written as the client takes them.
/// Used by one thread at a time.
final class ListPieces {
  private let count: Int
  private let closing: StaticString
  private let warnings: [String]
  private let element: @Sendable (Int, inout JSONBuffer) -> Void
  private var nextIndex = 0
  private var json = JSONBuffer()

  init(
    _ count: Int, opening: StaticString, closing: StaticString, warnings: [String],
    _ element: @escaping @Sendable (Int, inout JSONBuffer) -> Void
  ) {
    self.count = count
    self.closing = closing
    self.warnings = warnings
    self.element = element
    json.raw("{\"status\":\"success\",\"data\":")
    json.raw(opening)
  }

  func next(_ writer: ResponseWriter) throws(StreamError) -> PieceOutcome {
    while nextIndex < count && json.bytes.count < JSONAnswer.pieceBytes {
      if nextIndex > 0 { json.raw(",") }
      element(nextIndex, &json)
      nextIndex += 1
    }
    if nextIndex == count { finish() }
    try writer.write(json.bytes)
    json.removeAll()
    return nextIndex == count ? .last : .more
  }

  private func finish() {
    json.raw(closing)
    for (index, text) in warnings.enumerated() {
      json.raw(index == 0 ? ",\"warnings\":[" : ",")
      json.pageString(text)
    }
    json.raw(warnings.isEmpty ? "}" : "]}")
  }
}
