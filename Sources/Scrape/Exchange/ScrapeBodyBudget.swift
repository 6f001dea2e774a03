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

  /// Takes so many bytes; false, and nothing taken, where there are not as many. A body that is larger than all of the
  /// budget is taken when nothing else is.
  func take(_ bytes: Int) -> Bool {
    state.withLock { state in
      guard state.used == 0 || state.used + bytes <= state.bytesMax else { return false }
      state.used += bytes
      return true
    }
  }

  /// Gives what was taken and takes what is needed, even where there is not as much: it is in memory already.
  func exchange(_ taken: Int, for needed: Int) { state.withLock { $0.used += needed - taken } }

  func give(_ bytes: Int) { state.withLock { $0.used -= bytes } }

  var used: Int { state.withLock { $0.used } }
}
