import Platform
import Synchronization

/// So many requests at once, and one more in each interval: a bucket of tokens for the whole server. Any thread.
package final class RateLimiter: Sendable {
  private struct State {
    var tokens: Double
    var at: Int64
  }

  private let limit: WebConfig.RateLimit
  private let clock: any Clock
  private let state: Mutex<State>

  package init(_ limit: WebConfig.RateLimit, clock: any Clock) {
    self.limit = limit
    self.clock = clock
    state = Mutex(State(tokens: Double(limit.burst), at: clock.monotonicNanoseconds()))
  }

  /// Takes a token; false if there is none.
  package func take() -> Bool {
    let now = clock.monotonicNanoseconds()
    return state.withLock { state in
      let gained = Double(max(0, now - state.at)) / Double(limit.intervalNanoseconds)
      state = State(tokens: min(Double(limit.burst), state.tokens + gained), at: now)
      if state.tokens < 1 { return false }
      state.tokens -= 1
      return true
    }
  }
}
