import Platform

/// The lock of changes of the blocks: writing the head out, compaction, deletion, snapshots. Each change sees the blocks as
/// the one before left them. Readers never wait. Any thread.
/// Invariant: at most one change runs. Nobody who holds the lock takes it again.
package final class BlockChangeLock: Sendable {
  private struct State: Sendable {
    var isTaken = false
    var waiting = 0
  }

  private let state = Monitor(State())

  package init() {}

  /// True if another change waits. A long change that can be broken off looks at it.
  package var isAwaited: Bool { state.withLock { $0.waiting > 0 } }

  /// Waits for the lock and runs `change` under it. It is held for minutes, also during input and output.
  package func withLock<Result, Failure: Error>(_ change: () throws(Failure) -> Result) throws(Failure) -> Result {
    let isFree = state.withLock { state in
      if !state.isTaken {
        state.isTaken = true
        return true
      }
      state.waiting += 1
      return false
    }
    if !isFree { waitForLock() }
    defer {
      state.withLock { $0.isTaken = false }
      state.wakeOne()
    }
    return try change()
  }

  private func waitForLock() {
    _ = state.wait { state -> Void? in
      if state.isTaken { return nil }
      state.isTaken = true
      state.waiting -= 1
      return ()
    }
  }
}
