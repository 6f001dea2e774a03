import Format
import Model

// What the changes of blocks ask of one.
extension Block {
  /// References in the order of labels.
  func allSeries() throws(BlockFault) -> [UInt32] {
    guard let list = index.everySeries else { throw indexFault("the list of all series cannot be read") }
    var references: [UInt32] = []
    list.append(to: &references)
    return references
  }

  func labels(of reference: UInt32) throws(BlockFault) -> Labels {
    let series = try series(reference)
    guard let labels = labels(series.labels) else { throw indexFault("a series has an unknown symbol") }
    return labels
  }

  /// From the first sample to the last; nil for a series without chunks.
  func timeRange(of reference: UInt32) throws(BlockFault) -> ClosedRange<Int64>? {
    let series = try series(reference)
    guard let first = series.chunks.map(\.minTime).min(), let last = series.chunks.map(\.maxTime).max() else {
      return nil
    }
    return first...last
  }

  private func series(_ reference: UInt32) throws(BlockFault) -> DecodedSeries {
    var series = DecodedSeries()
    guard index.read(reference, into: &series) else { throw indexFault("a series is damaged") }
    return series
  }

  private func indexFault(_ reason: String) -> BlockFault { .corrupt(path: directory + "/index", reason: reason) }
}
