import Platform

/// Lets one fsync serve all that wait: the first waiter leads a round, whoever comes while it runs waits for the next
/// one. Any thread.
///
/// What a caller wrote before `wait` is covered by a round that had not begun by then: a leader closes its round to
/// others before it looks at what there is to sync.
final class SyncRounds: Sendable {
  /// One round and its outcome, which is guarded by the monitor until it is done and fixed from then on.
  private final class Round: @unchecked Sendable {
    var isDone = false
    var error: WALError?
  }

  private struct State: Sendable {
    /// The round that has not begun.
    var open = Round()
    var isLed = false
  }

  private let state = Monitor(State())

  /// Returns when a round that began after the call has succeeded; throws its error. `sync` runs on one of the
  /// waiting threads, never on two at once.
  func wait(_ sync: () throws(WALError) -> Void) throws(WALError) {
    let round = state.withLock { $0.open }
    let leads = state.wait { state -> Bool? in
      if round.isDone { return false }
      if state.isLed || state.open !== round { return nil }
      state.isLed = true
      state.open = Round()
      return true
    }
    if leads == true { lead(round, sync) }
    if let error = round.error { throw error }
  }

  private func lead(_ round: Round, _ sync: () throws(WALError) -> Void) {
    var failure: WALError?
    do throws(WALError) {
      try sync()
    } catch {
      failure = error
    }
    state.withLock { state in
      round.error = failure
      round.isDone = true
      state.isLed = false
    }
    state.wakeAll()
  }
}
