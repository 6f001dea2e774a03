import Format
import Model

// What the changes of blocks ask of one.
extension Block {
  /// All series in the order of their labels.
  func everySeries() throws(BlockError) -> IndexPostings {
    do throws(IndexDamage) {
      return try index.everySeries()
    } catch {
      throw indexFault("\(error)")
    }
  }

  package func allSeries() throws(BlockError) -> [UInt32] {
    let list = try everySeries()
    return (0..<list.count).map { list[$0] }
  }

  package func labels(of reference: UInt32) throws(BlockError) -> Labels {
    let series = try series(reference)
    guard let labels = labels(series.labels) else { throw indexFault("a series has an unknown symbol") }
    return labels
  }

  /// The times from a series' first sample to its last; nil for a series without chunks.
  package func timeRange(of reference: UInt32) throws(BlockError) -> ClosedRange<Int64>? {
    let series = try series(reference)
    guard let first = series.chunks.map(\.minTime).min(), let last = series.chunks.map(\.maxTime).max() else {
      return nil
    }
    return first...last
  }

  private func series(_ reference: UInt32) throws(BlockError) -> DecodedSeries {
    var series = DecodedSeries()
    guard index.read(reference, into: &series) else { throw indexFault("a series is damaged") }
    return series
  }

  private func indexFault(_ reason: String) -> BlockError { .corrupt(path: directory + "/index", reason: reason) }
}
