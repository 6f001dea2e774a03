import Model
import PromQL

/// One series of a test. A value; its columns are shared until one of them changes.
struct UnitTestSeries: Sendable {
  let labels: Labels
  private var column = SampleColumn()
  private var last: (time: Int64, value: SampleValue)?

  init(labels: Labels) { self.labels = labels }

  /// True if the series has nothing that a marker at this time would end.
  func isEnded(by time: Int64) -> Bool {
    guard let last else { return true }
    if last.time >= time { return true }
    switch last.value {
    case .float(let value): return StaleMarker.isStale(value)
    case .histogram(let histogram): return histogram.isStale
    }
  }

  /// The reason where the sample is refused. One that is there already is taken and changes nothing.
  mutating func append(_ value: SampleValue, at time: Int64) -> String? {
    var value = value
    if case .float(let float) = value, StaleMarker.isStale(float), case .histogram? = last?.value {
      var stale = Histogram()
      stale.sum = float
      value = .histogram(stale)
    }
    if let last, time <= last.time {
      if time < last.time { return "out of order sample" }
      return UnitTestSeries.isSame(last.value, value) ? nil : UnitTestSeries.conflict(last.value, value, at: time)
    }
    var stored = value
    switch value {
    case .float(let float): column.append(time, float)
    case .histogram(var histogram):
      if !histogram.isStale, histogram.hint != .gauge { histogram.hint = hint(histogram) }
      column.append(time, histogram)
      stored = .histogram(histogram)
    }
    last = (time, stored)
    return nil
  }

  /// The hint that a chunk has for a histogram after another: none where a new chunk begins.
  private func hint(_ histogram: Histogram) -> CounterResetHint {
    guard histogram.hint != .reset, case .histogram(let previous)? = last?.value, !previous.isStale,
      previous.hint != .gauge,
      histogram.schema == previous.schema, histogram.zeroThreshold == previous.zeroThreshold
    else { return .unknown }
    var plain = histogram
    plain.hint = .unknown
    return plain.isReset(from: previous) ? .unknown : .notReset
  }

  private static func isSame(_ one: SampleValue, _ two: SampleValue) -> Bool {
    switch (one, two) {
    case (.float(let one), .float(let two)): one.bitPattern == two.bitPattern
    case (.histogram(let one), .histogram(let two)): one.isEqual(to: two)
    default: false
    }
  }

  private static func conflict(_ old: SampleValue, _ new: SampleValue, at time: Int64) -> String {
    let text = "duplicate sample for timestamp"
    guard case .float(let new) = new, time != 0 else { return text }
    var existing = "is a histogram"
    if case .float(let old) = old { existing = FloatText.general(old) }
    return "\(text) \(time); overrides not allowed: existing \(existing), new value \(FloatText.general(new))"
  }

  func read(from start: Int64, through end: Int64, into target: inout SampleColumn) {
    let floats = UnitTestSeries.places(column.timestamps, start, end)
    target.timestamps += column.timestamps[floats]
    target.values += column.values[floats]
    let histograms = UnitTestSeries.places(column.histogramTimestamps, start, end)
    target.histogramTimestamps += column.histogramTimestamps[histograms]
    target.histograms += column.histograms[histograms]
  }

  /// The places of the times from `start` to `end`, both included.
  private static func places(_ times: [Int64], _ start: Int64, _ end: Int64) -> Range<Int> {
    let first = place(times) { $0 < start }
    return first..<max(first, place(times) { $0 <= end })
  }

  /// The first place that is not before.
  private static func place(_ times: [Int64], _ isBefore: (Int64) -> Bool) -> Int {
    var (low, high) = (0, times.count)
    while low < high {
      let middle = (low + high) / 2
      if isBefore(times[middle]) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
