import Model
import PromQL
import TSDB

/// Samples as federation and remote read take them: the same way as queries, so that head and blocks look alike.
struct StoredSeries {
  let labels: [Labels]
  private let selection: any SeriesSelection
  /// Places in the selection.
  private let order: [Int]
  /// What could not be read so far.
  let damage: DamageNotes

  /// The series that pass all matchers, in the order of their labels.
  init(
    _ matchers: [Matcher], from start: Int64, through end: Int64, of workspace: Workspace,
    policy: DamagePolicy, _ stop: @escaping APIGate.StopCheck
  ) throws(APIError) {
    let source = DatabaseSeries(database: workspace.database, policy: policy, stopReason: stop)
    damage = source.damage
    let selection: any SeriesSelection
    do throws(QueryError) {
      selection = try source.select(SelectionRequest(matchers: matchers, start: start, end: end))
    } catch {
      throw APIError(error)
    }
    self.selection = selection
    let all = (0..<selection.count).map { (labels: selection.labels($0), place: $0) }.sorted { $0.labels < $1.labels }
    labels = all.map(\.labels)
    order = all.map(\.place)
  }

  var count: Int { order.count }

  func makeReader() -> Reader { Reader(reader: selection.makeReader(), order: order) }

  /// Reads series one after the other. Owned by one thread at a time.
  struct Reader {
    fileprivate let reader: any SeriesReader
    fileprivate let order: [Int]

    /// The samples of the series at a place of `labels`, stale markers among them.
    func read(_ index: Int, into column: inout SampleColumn) throws(APIError) {
      column.removeAll()
      do throws(QueryError) {
        try reader.read(order[index], into: &column)
      } catch {
        throw APIError(error)
      }
    }
  }
}
