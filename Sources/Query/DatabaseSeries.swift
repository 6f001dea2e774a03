import Model
import PromQL
import TSDB

/// A database as the query engine reads it, for one query. Any thread.
struct DatabaseSeries: SeriesSource {
  let database: Database
  let policy: DamagePolicy
  /// The damage that any selection of the query has met.
  let damage = DamageNotes()
  let stopReason: @Sendable () -> StopReason?

  func select(_ request: SelectionRequest) throws(QueryError) -> any SeriesSelection {
    var matchers: [CompiledMatcher] = []
    for matcher in request.matchers {
      do throws(RegexError) {
        matchers.append(try CompiledMatcher(matcher))
      } catch {
        throw .invalid("\(error)")
      }
    }
    let found: DatabaseSelection
    do throws(QueryStopped) {
      found = try database.select(matchers, from: request.start, through: request.end, notes: damage) {
        stopReason() != nil
      }
    } catch {
      throw QueryError(stopReason() ?? .canceled)
    }
    try policy.check(damage)
    return SelectedSeries(found: found, start: request.start, end: request.end, policy: policy, damage: damage)
  }
}

/// The series of one selection, by index. Any thread.
struct SelectedSeries: SeriesSelection {
  let found: DatabaseSelection
  let start: Int64
  let end: Int64
  let policy: DamagePolicy
  let damage: DamageNotes

  var count: Int { found.count }

  func labels(_ index: Int) -> Labels { found.labels(index) }

  func makeReader() -> any SeriesReader { SelectedSeriesReader(self) }
}

/// Reads series one after the other into scratch that stays. One thread at a time.
final class SelectedSeriesReader: SeriesReader {
  private let selection: SelectedSeries
  private var scratch = DatabaseReadScratch()
  private var samples = SeriesSamples()

  init(_ selection: SelectedSeries) { self.selection = selection }

  func read(_ index: Int, into column: inout SampleColumn) throws(QueryError) {
    selection.found.read(index, from: selection.start, through: selection.end, &scratch, into: &samples)
    try selection.policy.check(selection.damage)
    unsafe column.append(samples.times.times, bits: samples.values.bits)
    if samples.histograms.isEmpty { return }
    for place in 0..<samples.histograms.count {
      column.append(samples.histograms.times[place], samples.histograms.values[place])
    }
  }
}
