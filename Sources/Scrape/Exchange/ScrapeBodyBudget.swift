import Synchronization

/// The bytes of bodies that may be in memory at once, over all targets. Any thread.
final class ScrapeBodyBudget: Sendable {
  private struct State: Sendable {
    var bytesMax: Int
    var used = 0
  }

  private let state: Mutex<State>

  init(bytesMax: Int) { state = Mutex(State(bytesMax: bytesMax)) }

  func reconfigure(bytesMax: Int) { state.withLock { $0.bytesMax = bytesMax } }

  /// Takes so many bytes; false, and nothing taken, where there are not as many. What is larger than all of the budget is
  /// taken when nothing else is.
  func take(_ bytes: Int) -> Bool {
    state.withLock { state in
      guard state.used == 0 || state.used + bytes <= state.bytesMax else { return false }
      state.used += bytes
      return true
    }
  }

  func give(_ bytes: Int) { state.withLock { $0.used -= bytes } }

  var used: Int { state.withLock { $0.used } }
}

/// The share of one scrape in the budget: first an estimate, then what its body needs. Any thread.
final class ScrapeBodyLease: Sendable {
  private struct State: Sendable {
    var taken: Int
    var needed = 0
    var wasRefused = false
  }

  /// Bytes taken at once when a body outgrows the estimate.
  private static let stepBytes = 256 << 10

  private let budget: ScrapeBodyBudget
  private let state: Mutex<State>

  /// Nil where there is no room.
  init?(_ bytes: Int, of budget: ScrapeBodyBudget) {
    guard budget.take(bytes) else { return nil }
    self.budget = budget
    state = Mutex(State(taken: bytes))
  }

  deinit { budget.give(state.withLock { $0.taken }) }

  /// So many bytes more of the body have come; false where there is no room for them.
  func take(_ more: Int) -> Bool {
    let missing = state.withLock { state in
      state.needed += more
      return state.needed - state.taken
    }
    if missing <= 0 { return true }
    let step = max(missing, Self.stepBytes)
    let isTaken = budget.take(step)
    state.withLock { state in
      if isTaken { state.taken += step } else { state.wasRefused = true }
    }
    return isTaken
  }

  /// So many bytes are held from now on: the body is here, or gone. The rest is given back.
  func settle(_ bytes: Int) {
    let rest = state.withLock { state in
      let rest = state.taken - bytes
      if rest > 0 { state.taken = bytes }
      return rest
    }
    if rest > 0 { budget.give(rest) }
  }

  var wasRefused: Bool { state.withLock { $0.wasRefused } }
}
