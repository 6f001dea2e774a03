/// A range of byte offsets in the text of a query; the end is exclusive. Offsets are bytes, as in Prometheus.
package struct PositionRange: Sendable, Hashable {
  package var start: Int
  package var end: Int

  package init(_ start: Int, _ end: Int) {
    self.start = start
    self.end = end
  }

  static func merged(_ first: PositionRange, _ last: PositionRange) -> PositionRange {
    PositionRange(first.start, last.end)
  }

  /// `line:column` of the start, both counted from one and the column in bytes.
  package func lineAndColumn(in query: [UInt8]) -> String {
    if query.isEmpty { return "unknown position" }
    if start < 0 || start > query.count { return "invalid position" }
    var line = 1
    var lastBreak = -1
    for (offset, byte) in query[..<start].enumerated() where byte == UInt8(ascii: "\n") {
      lastBreak = offset
      line += 1
    }
    return "\(line):\(start - lastBreak)"
  }
}

/// A query that is not in the language: what is wrong, and where.
package struct ParseError: Error, Equatable, CustomStringConvertible {
  package let message: String
  package let position: PositionRange
  /// `line:column` of the place, already counted since the query text is not kept.
  package let place: String

  init(_ message: String, at position: PositionRange, in query: [UInt8]) {
    self.message = message
    self.position = position
    self.place = position.lineAndColumn(in: query)
  }

  package var description: String { "\(place): parse error: \(message)" }
}
