import Synchronization

/// Signatures of requests that change something, so that nobody sends one again. Any thread.
///
/// Within a moment the same signature may come from its signer, who tries again in the same second: that is let pass.
final class SeenSignatures: Sendable {
  private static let countMax = 65_536
  static let againMilliseconds: Int64 = 1_500

  private struct State {
    var first: [[UInt8]: Int64] = [:]
    var sweptAt: Int64 = 0
  }

  /// As long as a signature can be right: from the clock of its signer being ahead to its being behind.
  private let keptMilliseconds: Int64
  private let state = Mutex(State())

  init(skewMilliseconds: Int64) { keptMilliseconds = 2 * skewMilliseconds }

  /// Notes a right signature; false if it was seen before. `now`: on a clock that nobody sets, or a step back would make an
  /// old one new.
  func note(_ signature: [UInt8], now: Int64) -> Bool {
    state.withLock { state in
      if now - state.sweptAt > keptMilliseconds / 10 || state.first.count >= SeenSignatures.countMax {
        state.first = state.first.filter { now - $0.value < keptMilliseconds }
        state.sweptAt = now
      }
      if let first = state.first[signature] { return now - first <= SeenSignatures.againMilliseconds }
      // So many changes in ten minutes: the oldest half is forgotten rather than memory filled.
      if state.first.count >= SeenSignatures.countMax {
        let times = state.first.values.sorted()
        let middle = times[times.count / 2]
        state.first = state.first.filter { $0.value > middle }
      }
      state.first[signature] = now
      return true
    }
  }
}
