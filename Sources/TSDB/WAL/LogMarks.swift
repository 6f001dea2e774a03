/// Marks on bytes of a log that no file tells of, for those who follow it: in memory, behind the log's lock. A start knows none of
/// them: repetitions are given again then. A value.
struct LogMarks: Sendable {
  /// Marks kept of each kind; the oldest leave. An abandoned segment is a failure of the disk, and repetitions come a few at a
  /// time.
  static let marksMax = 4096

  /// Bytes of a segment.
  struct Span: Sendable, Equatable {
    var segment: Int
    var bytes: Range<Int>
  }

  /// The committed bytes of segments that may have others behind them, which a failed write left there.
  private(set) var abandoned: [Span] = []
  /// Records that repeat what the log said before, in the order of the log.
  private(set) var repetitions: [Span] = []

  mutating func noteAbandoned(_ segment: Int, end: Int) {
    LogMarks.append(Span(segment: segment, bytes: 0..<end), to: &abandoned)
  }

  mutating func noteRepetition(_ segment: Int, _ bytes: Range<Int>) {
    if let last = repetitions.last, last.segment == segment, last.bytes.upperBound == bytes.lowerBound {
      repetitions[repetitions.count - 1].bytes = last.bytes.lowerBound..<bytes.upperBound
    } else {
      LogMarks.append(Span(segment: segment, bytes: bytes), to: &repetitions)
    }
  }

  private static func append(_ span: Span, to spans: inout [Span]) {
    if spans.count >= marksMax { spans.removeFirst(marksMax / 4) }
    spans.append(span)
  }

  /// Forgets the segments before `segment`, which are gone.
  mutating func forget(before segment: Int) {
    abandoned.removeAll { $0.segment < segment }
    repetitions.removeAll { $0.segment < segment }
  }

  func committedEnd(of segment: Int) -> Int? { abandoned.last { $0.segment == segment }?.bytes.upperBound }

  func repetitions(in segment: Int) -> [Range<Int>] {
    // Nothing is allocated where there are none.
    repetitions.isEmpty ? [] : repetitions.filter { $0.segment == segment }.map(\.bytes)
  }
}
