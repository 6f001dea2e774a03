import Model
import PromQL
import TSDB

/// What becomes of a question that meets damage in a block.
enum DamagePolicy: Sendable {
  /// It is answered from the rest, with a warning.
  case answers
  /// It fails as a query of Prometheus does (`--query.partial-answers=false`).
  case failsQuery
  /// It fails as the store's error: what is read is copied, and a part would be taken for the whole.
  case failsCopy

  init(_ options: QueryOptions) { self = options.answersPartly ? .answers : .failsQuery }

  func check(_ damage: DamageNotes) throws(QueryError) {
    if self == .answers || damage.isEmpty { return }
    let text = damage.error ?? "a block is damaged"
    throw self == .failsQuery ? .execution(text) : .storage(text)
  }
}

/// A database as the query engine sees it, for one question. Any thread.
struct DatabaseSeries: SeriesSource {
  let database: Database
  let policy: DamagePolicy
  /// What all selections of the question could not read.
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
      throw stopReason() == .timeout ? .timeout : .canceled
    }
    try policy.check(damage)
    return SelectedSeries(found: found, start: request.start, end: request.end, policy: policy, damage: damage)
  }
}

/// Series that were found, by index. Any thread.
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
    column.append(samples.times.times, bits: samples.values.bits)
    if samples.histograms.isEmpty { return }
    for place in 0..<samples.histograms.count {
      column.append(samples.histograms.times[place], samples.histograms.values[place])
    }
  }
}
