import Model

// What the engine needs from storage. Columns, one series at a time; the store keeps its own locks and readers inside.

/// The samples a query wants: of the series that pass all matchers, from `start` to `end`, both included, in
/// milliseconds.
package struct SelectionRequest: Sendable, Equatable {
  package var matchers: [Matcher]
  package var start: Int64
  package var end: Int64

  package init(matchers: [Matcher], start: Int64, end: Int64) {
    self.matchers = matchers
    self.start = start
    self.end = end
  }
}

package protocol SeriesSource: Sendable {
  /// The series of a request. Series without samples in the range may be among them.
  func select(_ request: SelectionRequest) throws(QueryError) -> any SeriesSelection
}

/// Series that were found, by index. Safe to use from several threads at once.
package protocol SeriesSelection: Sendable {
  var count: Int { get }
  func labels(_ index: Int) -> Labels
  /// One for each thread that reads, with the scratch memory that reading takes.
  func makeReader() -> any SeriesReader
}

/// Reads series of a selection, one after the other. Owned by one thread at a time.
package protocol SeriesReader: AnyObject {
  /// Appends the samples of a series in the requested range in order of time, stale markers among them.
  func read(_ index: Int, into column: inout SampleColumn) throws(QueryError)
}

/// The samples of one series. Floats and histograms stand apart, each ascending in time.
package struct SampleColumn: Sendable {
  package var timestamps: [Int64] = []
  package var values: [Double] = []
  package var histogramTimestamps: [Int64] = []
  package var histograms: [Histogram] = []
  /// When the counters behind the samples began; empty where that is not known for any of them, zero where for one.
  package var startTimestamps: [Int64] = []
  package var histogramStartTimestamps: [Int64] = []

  package init() {}

  package var isEmpty: Bool { timestamps.isEmpty && histogramTimestamps.isEmpty }
  package var count: Int { timestamps.count + histogramTimestamps.count }

  package mutating func removeAll() {
    timestamps.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
    histogramTimestamps.removeAll(keepingCapacity: true)
    histograms.removeAll(keepingCapacity: true)
    startTimestamps.removeAll(keepingCapacity: true)
    histogramStartTimestamps.removeAll(keepingCapacity: true)
  }

  package mutating func append(_ timestamp: Int64, _ value: Double) {
    timestamps.append(timestamp)
    values.append(value)
  }

  package mutating func append(_ timestamp: Int64, _ histogram: Histogram) {
    histogramTimestamps.append(timestamp)
    histograms.append(histogram)
  }

  /// Sets the hint of each histogram that has none by looking at the one before.
  mutating func detectResets() {
    var previous: Histogram?
    for index in histograms.indices where !histograms[index].isStale {
      if histograms[index].hint == .unknown, let previous {
        histograms[index].hint = histograms[index].isReset(from: previous) ? .reset : .notReset
      }
      previous = histograms[index]
    }
  }

  /// Takes the stale markers out: ranges do not see them.
  mutating func removeStaleMarkers() {
    if hasStaleFloats {
      let kept = values.indices.filter { !StaleMarker.isStale(values[$0]) }
      if !startTimestamps.isEmpty { startTimestamps = kept.map { startTimestamps[$0] } }
      timestamps = kept.map { timestamps[$0] }
      values = kept.map { values[$0] }
    }
    if histograms.contains(where: \.isStale) {
      let kept = histograms.indices.filter { !histograms[$0].isStale }
      if !histogramStartTimestamps.isEmpty { histogramStartTimestamps = kept.map { histogramStartTimestamps[$0] } }
      histogramTimestamps = kept.map { histogramTimestamps[$0] }
      histograms = kept.map { histograms[$0] }
    }
  }
}
