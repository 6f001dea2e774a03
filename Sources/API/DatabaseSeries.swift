import Model
import PromQL
import TSDB

/// A database as the query engine sees it. Any thread.
struct DatabaseSeries: SeriesSource {
  let database: Database
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
    do throws(QueryStopped) {
      let found = try database.head.select(matchers) { stopReason() != nil }
      return DatabaseSelection(database: database, found: found, start: request.start, end: request.end)
    } catch {
      throw stopReason() == .timeout ? .timeout : .canceled
    }
  }
}

/// Series that were found, by index. Any thread.
struct DatabaseSelection: SeriesSelection {
  let database: Database
  let found: [HeadSelection]
  let start: Int64
  let end: Int64

  var count: Int { found.count }

  func labels(_ index: Int) -> Labels { found[index].labels }

  func makeReader() -> any SeriesReader { DatabaseReader(self) }
}

/// Reads series one after the other into scratch that stays. One thread at a time.
final class DatabaseReader: SeriesReader {
  private let selection: DatabaseSelection
  private var scratch = HeadReadScratch()
  private var samples = SeriesSamples()

  init(_ selection: DatabaseSelection) { self.selection = selection }

  func read(_ index: Int, into column: inout SampleColumn) throws(QueryError) {
    selection.database.head.read(
      selection.found[index], from: selection.start, through: selection.end, &scratch, into: &samples)
    column.append(samples.times.times, bits: samples.values.bits)
  }
}
