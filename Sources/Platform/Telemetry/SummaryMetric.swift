import Synchronization

/// Quantiles of the observations of the last ten minutes, and the count and sum of all. Any thread may observe.
///
/// Each two minutes have a bounded random sample of their own; a quantile is read from those of the last five. Up to
/// `samplesMax` observations in two minutes it is exact.
package final class SummaryMetric: Sendable {
  /// Of Prometheus's summaries of targets.
  package static let quantilesDefault = [0.01, 0.05, 0.5, 0.9, 0.99]
  private static let ringSeconds: Int64 = 120
  private static let ringsMax = 5
  /// Observations kept for each two minutes.
  private static let samplesMax = 512

  private struct Ring: Sendable {
    /// The number of its two minutes.
    var period: Int64
    var count = 0
    var samples: [Double] = []
  }

  private struct State: Sendable {
    var rings: [Ring] = []
    var count = 0
    var sum = 0.0
    var random: UInt64 = 0x9e37_79b9_7f4a_7c15
  }

  package let quantiles: [Double]
  private let clock: any Clock
  private let state = Mutex(State())

  /// `quantiles`: between 0 and 1, rising.
  package init(quantiles: [Double] = SummaryMetric.quantilesDefault, clock: any Clock = SystemClock()) {
    precondition(quantiles.allSatisfy { (0...1).contains($0) }, "a quantile is between 0 and 1")
    self.quantiles = quantiles
    self.clock = clock
  }

  package func observe(_ value: Double) {
    let period = self.period
    state.withLock { state in
      state.count += 1
      state.sum += value
      if state.rings.last?.period != period {
        state.rings.removeAll { $0.period <= period - Int64(Self.ringsMax) }
        state.rings.append(Ring(period: period))
      }
      let last = state.rings.count - 1
      state.rings[last].count += 1
      if state.rings[last].samples.count < Self.samplesMax {
        state.rings[last].samples.append(value)
        return
      }
      // Each observation of the period is kept with the same probability.
      state.random = state.random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let place = Int(truncatingIfNeeded: (state.random >> 33) % UInt64(state.rings[last].count))
      if place < Self.samplesMax { state.rings[last].samples[place] = value }
    }
  }

  /// The values of the quantiles (NaN without observations of the last ten minutes), and the count and sum of all.
  package func snapshot() -> (values: [Double], count: Int, sum: Double) {
    let oldest = period - Int64(Self.ringsMax)
    let present = state.withLock { $0 }
    var weighted: [(value: Double, weight: Double)] = []
    for ring in present.rings where ring.period > oldest {
      let weight = Double(ring.count) / Double(ring.samples.count)
      for sample in ring.samples { weighted.append((sample, weight)) }
    }
    weighted.sort { $0.value < $1.value }
    let total = weighted.reduce(0) { $0 + $1.weight }
    let values = quantiles.map { quantile -> Double in
      var passed = 0.0
      for sample in weighted {
        passed += sample.weight
        if passed >= quantile * total { return sample.value }
      }
      return weighted.last?.value ?? .nan
    }
    return (values, present.count, present.sum)
  }

  private var period: Int64 { clock.monotonicNanoseconds() / 1_000_000_000 / Self.ringSeconds }
}
