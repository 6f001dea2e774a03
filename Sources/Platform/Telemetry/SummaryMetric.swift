import Synchronization

/// Quantiles of what was observed in the last ten minutes, with the sum and count of all. A mutex: for what happens some
/// times a second. Each two minutes have a bounded random sample of their own; up to `observationsMax` observations in two
/// minutes the quantiles are exact.
package final class SummaryMetric: Sendable {
  /// Observations remembered of each two minutes.
  package static let observationsMax = 512
  package static let windowMilliseconds: Int64 = 600_000
  package static let quantiles = [0.5, 0.9, 0.99]
  private static let periodMilliseconds: Int64 = 120_000

  private struct Period: Sendable {
    var number: Int64
    var count = 0
    var sample: [Double] = []
  }

  private struct State: Sendable {
    var periods: [Period] = []
    var sum = 0.0
    var count = 0
    var random: UInt64 = 0x9e37_79b9_7f4a_7c15

    mutating func forget(before number: Int64) { periods.removeAll { $0.number < number } }

    /// Each observation of the period is kept with the same probability.
    mutating func sample(_ value: Double) {
      let last = periods.count - 1
      periods[last].count += 1
      if periods[last].sample.count < SummaryMetric.observationsMax { return periods[last].sample.append(value) }
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let place = Int((random >> 33) % UInt64(periods[last].count))
      if place < SummaryMetric.observationsMax { periods[last].sample[place] = value }
    }
  }

  private let quantiles: [Double]
  private let clock: any Clock
  private let state = Mutex(State())

  /// `quantiles`: from 0 to 1, rising.
  package init(quantiles: [Double] = SummaryMetric.quantiles, clock: any Clock) {
    precondition(quantiles.allSatisfy { (0...1).contains($0) }, "a quantile is a share")
    self.quantiles = quantiles
    self.clock = clock
  }

  package func observe(_ value: Double) {
    let (number, oldest) = self.periods
    state.withLock { state in
      state.forget(before: oldest)
      if state.periods.last?.number != number { state.periods.append(Period(number: number)) }
      state.sample(value)
      state.sum += value
      state.count += 1
    }
  }

  /// The series of the summary; a quantile of nothing is NaN.
  package func samples(named name: String, labels: MetricLabels) -> [MetricSample] {
    let (_, oldest) = self.periods
    let present = state.withLock { state in
      state.forget(before: oldest)
      return state
    }
    var sorted: [(value: Double, weight: Double)] = []
    for period in present.periods {
      let weight = Double(period.count) / Double(period.sample.count)
      sorted += period.sample.map { ($0, weight) }
    }
    sorted.sort { $0.value < $1.value }
    let total = sorted.reduce(0) { $0 + $1.weight }
    var passed = 0.0
    var next = 0
    var samples = quantiles.map { quantile in
      // The first value with at least this share of all at or below it.
      while next < sorted.count, passed + sorted[next].weight < quantile * total - 1e-9 {
        passed += sorted[next].weight
        next += 1
      }
      return MetricSample(
        name: name, labels: labels + [("quantile", MetricNumberText.text(quantile))],
        value: sorted.isEmpty ? .nan : sorted[min(next, sorted.count - 1)].value)
    }
    samples.append(MetricSample(name: name + "_sum", labels: labels, value: present.sum))
    samples.append(MetricSample(name: name + "_count", labels: labels, value: Double(present.count)))
    return samples
  }

  /// The number of the present period and of the oldest within the window.
  private var periods: (present: Int64, oldest: Int64) {
    let present = clock.monotonicNanoseconds() / 1_000_000 / Self.periodMilliseconds
    return (present, present - Self.windowMilliseconds / Self.periodMilliseconds + 1)
  }
}
