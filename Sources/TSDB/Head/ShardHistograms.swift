import Format
import Model

/// The histograms of a shard's series, by slot. Under the shard's mutex; series without histograms have no entry.
struct ShardHistograms: Sendable {
  private(set) var series: [UInt32: SeriesHistograms] = [:]

  var isEmpty: Bool { series.isEmpty }

  func has(_ slot: UInt32) -> Bool { !series.isEmpty && series[slot] != nil }

  mutating func append(
    _ slot: UInt32, _ time: Int64, _ histogram: Histogram, isFloat: Bool, _ bounds: AppendBounds
  ) -> SampleOutcome {
    var new = series.removeValue(forKey: slot) ?? SeriesHistograms()
    let outcome = new.append(time, histogram, isFloat: isFloat, bounds)
    if !new.hasNone { series[slot] = new }
    return outcome
  }

  mutating func restore(_ slot: UInt32, _ time: Int64, _ histogram: Histogram, isFloat: Bool, isLate: Bool) {
    var new = series.removeValue(forKey: slot) ?? SeriesHistograms()
    new.restore(time, histogram, isFloat: isFloat, isLate: isLate)
    series[slot] = new
  }

  func chunks(_ slot: UInt32, from first: Int64, through last: Int64) -> [EncodedHistogramChunk] {
    series.isEmpty ? [] : series[slot]?.chunks(from: first, through: last) ?? []
  }

  /// True if a chunk of the series' histograms, or the time that its late ones span, touches the range, both ends
  /// included.
  func overlap(_ slot: UInt32, from first: Int64, through last: Int64) -> Bool {
    !series.isEmpty && series[slot]?.overlap(from: first, through: last) == true
  }

  /// Changes one series; its entry goes when nothing is left.
  mutating func update(_ slot: UInt32, _ body: (inout SeriesHistograms) -> Void) {
    guard !series.isEmpty, var present = series.removeValue(forKey: slot) else { return }
    body(&present)
    if !present.hasNone { series[slot] = present }
  }

  mutating func updateAll(_ body: (inout SeriesHistograms) -> Void) {
    for slot in Array(series.keys) { update(slot, body) }
  }

  /// The first time of any.
  var oldestTime: Int64? { series.values.compactMap(\.oldestTime).min() }
}
