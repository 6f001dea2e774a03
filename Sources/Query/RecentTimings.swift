import Synchronization

/// Durations of one thing: the sum and number of all, and quantiles of the last ones, at most 1,024 and at most ten minutes
/// old. Any thread.
final class RecentTimings: Sendable {
  static let keptMax = 1024
  static let ageNanosecondsMax: Int64 = 600_000_000_000

  private struct State {
    var sum = 0.0
    var count = 0
    /// A ring: the next duration goes to place `count % keptMax`.
    var kept: [(nanoseconds: Int64, seconds: Double)] = []
  }

  private let state = Mutex(State())

  func observe(_ seconds: Double, at now: Int64) {
    state.withLock { state in
      if state.kept.count < RecentTimings.keptMax {
        state.kept.append((now, seconds))
      } else {
        state.kept[state.count % RecentTimings.keptMax] = (now, seconds)
      }
      state.count += 1
      state.sum += seconds
    }
  }

  /// Quantiles are NaN where no duration is recent.
  func summary(_ quantiles: [Double], now: Int64) -> (quantiles: [(Double, Double)], sum: Double, count: Int) {
    let (kept, sum, count) = state.withLock { ($0.kept, $0.sum, $0.count) }
    let recent = kept.filter { now - $0.nanoseconds <= RecentTimings.ageNanosecondsMax }.map(\.seconds).sorted()
    let found = quantiles.map { quantile -> (Double, Double) in
      if recent.isEmpty { return (quantile, .nan) }
      let rank = Int((quantile * Double(recent.count)).rounded(.up))
      return (quantile, recent[max(0, min(recent.count, rank) - 1)])
    }
    return (found, sum, count)
  }
}
