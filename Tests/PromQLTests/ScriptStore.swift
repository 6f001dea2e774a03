import Model

@testable import PromQL

/// Series in memory for scripts. It gives histograms the counter reset hints that a store of chunks would.
struct ScriptStore: SeriesSource {
  private struct Series {
    var labels: Labels
    var samples: [(time: Int64, point: ScriptPoint, start: Int64)] = []
  }

  private var series: [Series] = []
  private var places: [Labels: Int] = [:]
  private var columns: [SampleColumn] = []

  static func labels(_ name: String, _ pairs: [(name: String, value: String)]) -> Labels {
    Labels(pairs + [("__name__", name)])
  }

  mutating func append(_ labels: Labels, _ time: Int64, _ point: ScriptPoint, start: Int64 = 0) {
    let place = places[labels] ?? series.count
    if place == series.count {
      places[labels] = place
      series.append(Series(labels: labels))
    }
    series[place].samples.append((time, point, start))
  }

  /// Sorts samples and series, and works out the hints.
  mutating func settle() {
    series.sort { $0.labels < $1.labels }
    places = [:]
    columns = []
    for index in series.indices {
      places[series[index].labels] = index
      series[index].samples.sort { $0.time < $1.time }
      columns.append(ScriptStore.column(series[index].samples))
    }
  }

  private static func column(_ samples: [(time: Int64, point: ScriptPoint, start: Int64)]) -> SampleColumn {
    var column = SampleColumn()
    var previous: Histogram?
    let hasStarts = samples.contains { $0.start != 0 }
    for sample in samples {
      switch sample.point {
      case .gap: break
      case .float(let value):
        if StaleMarker.isStale(value), previous != nil || (column.timestamps.isEmpty && !column.histograms.isEmpty) {
          var stale = Histogram()
          stale.sum = value
          column.append(sample.time, stale)
          if hasStarts { column.histogramStartTimestamps.append(sample.start) }
          previous = nil
          continue
        }
        column.append(sample.time, value)
        if hasStarts { column.startTimestamps.append(sample.start) }
        previous = nil
      case .histogram(var histogram, _):
        if histogram.hint != .gauge, histogram.hint != .reset {
          histogram.hint = hint(histogram, after: previous)
        }
        column.append(sample.time, histogram)
        if hasStarts { column.histogramStartTimestamps.append(sample.start) }
        previous = histogram
      }
    }
    return column
  }

  /// What a chunk says of a histogram after another: nothing where a new chunk begins for its layout alone.
  private static func hint(_ histogram: Histogram, after previous: Histogram?) -> CounterResetHint {
    guard let previous, previous.hint != .gauge else { return .unknown }
    if histogram.schema != previous.schema || histogram.zeroThreshold != previous.zeroThreshold { return .unknown }
    var plain = histogram
    plain.hint = .unknown
    // A new chunk begins at a reset, and nothing is said of the first sample of a chunk.
    return plain.isReset(from: previous) ? .unknown : .notReset
  }

  func select(_ request: SelectionRequest) throws(QueryError) -> any SeriesSelection {
    let tests = request.matchers.map(MatcherTest.init)
    let found = series.indices.filter { index in tests.allSatisfy { $0.matches(series[index].labels) } }
    return ScriptSelection(
      labels: found.map { series[$0].labels }, columns: found.map { columns[$0] }, start: request.start,
      end: request.end)
  }
}

private final class ScriptReader: SeriesReader {
  private let selection: ScriptSelection

  init(_ selection: ScriptSelection) { self.selection = selection }

  func read(_ index: Int, into column: inout SampleColumn) throws(QueryError) {
    selection.read(index, into: &column)
  }
}

private struct ScriptSelection: SeriesSelection {
  var labels: [Labels]
  var columns: [SampleColumn]
  var start: Int64
  var end: Int64

  var count: Int { labels.count }
  func labels(_ index: Int) -> Labels { labels[index] }

  func makeReader() -> any SeriesReader { ScriptReader(self) }

  func read(_ index: Int, into column: inout SampleColumn) {
    let whole = columns[index]
    for place in whole.timestamps.indices where whole.timestamps[place] >= start && whole.timestamps[place] <= end {
      column.append(whole.timestamps[place], whole.values[place])
      if !whole.startTimestamps.isEmpty { column.startTimestamps.append(whole.startTimestamps[place]) }
    }
    for place in whole.histograms.indices {
      let time = whole.histogramTimestamps[place]
      if time < start || time > end { continue }
      column.append(time, whole.histograms[place])
      if !whole.histogramStartTimestamps.isEmpty {
        column.histogramStartTimestamps.append(whole.histogramStartTimestamps[place])
      }
    }
  }
}

/// Native histograms with custom buckets from the series of classic ones, for `load_with_nhcb`.
struct CustomHistograms {
  private struct Parts {
    var buckets: [Double: Double] = [:]
    var count: Double?
    var sum = 0.0
  }

  private var found: [Labels: [Int64: Parts]] = [:]

  mutating func add(_ labels: Labels, _ time: Int64, _ value: Double) {
    let name: String = labels.metricText
    for suffix in ["_bucket", "_count", "_sum"] where name.hasSuffix(suffix) {
      let bound = BucketBound.value(labels["le"])
      if suffix == "_bucket", bound == nil { return }
      let base = labels.setting([("__name__", String(name.dropLast(suffix.count))), ("le", "")])
      switch suffix {
      case "_bucket": found[base, default: [:]][time, default: Parts()].buckets[bound ?? 0] = value
      case "_count": found[base, default: [:]][time, default: Parts()].count = value
      default: found[base, default: [:]][time, default: Parts()].sum = value
      }
    }
  }

  func append(to store: inout ScriptStore) {
    for (labels, times) in found {
      for (time, parts) in times where !parts.buckets.isEmpty || parts.count != nil {
        store.append(labels, time, .histogram(CustomHistograms.histogram(parts), hasHint: false))
      }
    }
  }

  private static func histogram(_ parts: Parts) -> Histogram {
    var histogram = Histogram()
    histogram.schema = Histogram.customSchema
    histogram.sum = parts.sum
    var previous = 0.0
    for bound in parts.buckets.keys.sorted() {
      let count = parts.buckets[bound] ?? 0
      if bound != .infinity { histogram.customBounds.append(bound) }
      histogram.positiveBuckets.append(count - previous)
      previous = count
    }
    histogram.count = parts.count ?? previous
    if parts.buckets[.infinity] == nil { histogram.positiveBuckets.append(histogram.count - previous) }
    histogram.positiveSpans = [BucketSpan(offset: 0, length: UInt32(histogram.positiveBuckets.count))]
    histogram.compact()
    return histogram
  }
}
