import Synchronization

/// Quantiles of what was observed in the last ten minutes, with the sum and count of all. A mutex: for what happens some
/// times a minute.
package final class SummaryMetric: Sendable {
  /// Observations remembered; of more in ten minutes the last ones count.
  package static let observationsMax = 512
  package static let windowMilliseconds: Int64 = 600_000
  package static let quantiles = [0.5, 0.9, 0.99]

  private struct State: Sendable {
    var recent: [(nanoseconds: Int64, value: Double)] = []
    var sum = 0.0
    var count = 0

    mutating func forget(before nanoseconds: Int64) {
      let old = recent.prefix { $0.nanoseconds < nanoseconds }.count
      recent.removeFirst(max(old, recent.count - SummaryMetric.observationsMax))
    }
  }

  private let clock: any Clock
  private let state = Mutex(State())

  package init(clock: any Clock) { self.clock = clock }

  package func observe(_ value: Double) {
    let now = clock.monotonicNanoseconds()
    state.withLock { state in
      state.recent.append((now, value))
      state.forget(before: now - SummaryMetric.windowMilliseconds * 1_000_000)
      state.sum += value
      state.count += 1
    }
  }

  /// The series of the summary; a quantile of nothing is NaN.
  package func samples(named name: String, labels: MetricLabels) -> [MetricSample] {
    let now = clock.monotonicNanoseconds()
    let (sorted, sum, count) = state.withLock { state in
      state.forget(before: now - SummaryMetric.windowMilliseconds * 1_000_000)
      return (state.recent.map(\.value).sorted(), state.sum, state.count)
    }
    var samples = SummaryMetric.quantiles.map { quantile in
      let place = max(0, Int((quantile * Double(sorted.count)).rounded(.up)) - 1)
      return MetricSample(
        name: name, labels: labels + [("quantile", MetricNumberText.text(quantile))],
        value: sorted.isEmpty ? .nan : sorted[place])
    }
    samples.append(MetricSample(name: name + "_sum", labels: labels, value: sum))
    samples.append(MetricSample(name: name + "_count", labels: labels, value: Double(count)))
    return samples
  }
}
