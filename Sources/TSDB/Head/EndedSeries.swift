/// References of series that have ended while somebody still reads the log, with the last segment that may have samples of
/// theirs: checkpoints go on naming them for as long as such a segment is held. A value.
struct EndedSeries: Sendable {
  /// Past so many the oldest are forgotten; then samples of theirs that are read from the log have no name.
  static let seriesMax = 4 << 20

  private var ended: [(reference: UInt64, segment: Int)] = []

  var isEmpty: Bool { ended.isEmpty }

  mutating func note(_ references: [UInt64], segment: Int) {
    if ended.count + references.count > EndedSeries.seriesMax {
      ended.removeFirst(min(ended.count, references.count + EndedSeries.seriesMax / 4))
    }
    for reference in references.suffix(EndedSeries.seriesMax) { ended.append((reference, segment)) }
  }

  /// Forgets those with no sample from `segment` on, and returns the others.
  mutating func references(from segment: Int) -> [UInt64] {
    ended.removeAll { $0.segment < segment }
    return ended.map(\.reference)
  }
}
