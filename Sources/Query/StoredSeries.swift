import Model
import PromQL
import TSDB

/// Series in the order of their labels, with their samples as stored: what federation and remote read send. Reading goes the
/// way of queries, so that the head and the blocks look alike. Any thread.
package struct StoredSeries: Sendable {
  package let labels: [Labels]
  private let selection: any SeriesSelection
  /// Places in the selection.
  private let order: [Int]
  private let damage: DamageNotes

  init(_ selection: any SeriesSelection, damage: DamageNotes) {
    self.selection = selection
    self.damage = damage
    let all = (0..<selection.count).map { (labels: selection.labels($0), place: $0) }.sorted { $0.labels < $1.labels }
    labels = all.map(\.labels)
    order = all.map(\.place)
  }

  package var count: Int { order.count }

  /// The damage that finding and reading the series have met so far, as texts for the answer.
  package var warnings: [String] { damage.warnings }

  package func makeReader() -> Reader { Reader(reader: selection.makeReader(), order: order) }

  /// Reads series one after the other. Owned by one thread at a time.
  package struct Reader {
    fileprivate let reader: any SeriesReader
    fileprivate let order: [Int]

    /// Replaces the column with the samples of the series at a place of `labels`, stale markers among them.
    package func read(_ index: Int, into column: inout SampleColumn) throws(QueryError) {
      column.removeAll()
      try reader.read(order[index], into: &column)
    }
  }
}
