import Platform

/// Changes of the blocks take turns: writing the head out, compaction, deletion, snapshots. Each sees the blocks as the one
/// before left them. Readers never wait. Any thread.
/// Invariant: at most one change runs. Nobody takes a turn within a turn.
package final class BlockTurns: Sendable {
  private struct State: Sendable {
    var isTaken = false
    var waiting = 0
  }

  private let state = Monitor(State())

  package init() {}

  /// Whether somebody waits for the turn to end. A long change that can be broken off looks at it.
  package var isAwaited: Bool { state.withLock { $0.waiting > 0 } }

  /// Waits for the turn and runs `change` in it.
  package func take<Result, Failure: Error>(_ change: () throws(Failure) -> Result) throws(Failure) -> Result {
    let isFree = state.withLock { state in
      if !state.isTaken {
        state.isTaken = true
        return true
      }
      state.waiting += 1
      return false
    }
    if !isFree { awaitTurn() }
    defer {
      state.withLock { $0.isTaken = false }
      state.wakeOne()
    }
    return try change()
  }

  private func awaitTurn() {
    _ = state.wait { state -> Void? in
      if state.isTaken { return nil }
      state.isTaken = true
      state.waiting -= 1
      return ()
    }
  }
}
