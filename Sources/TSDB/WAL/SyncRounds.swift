import Platform
import Synchronization

/// Lets one fsync serve all that wait: the first waiter leads a round, whoever comes while it runs waits for the next
/// one. Any thread.
///
/// What a caller wrote before `wait` is covered by a round that had not begun by then: a leader closes its round to
/// others before it looks at what there is to sync.
final class SyncRounds: Sendable {
  /// One round and its outcome: nil until it is done, fixed from then on.
  private final class Round: Sendable {
    let outcome = Mutex<Result<Void, WALError>?>(nil)
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
      if round.outcome.withLock({ $0 != nil }) { return false }
      if state.isLed || state.open !== round { return nil }
      state.isLed = true
      state.open = Round()
      return true
    }
    if leads == true { lead(round, sync) }
    try round.outcome.withLock { $0 }?.get()
  }

  private func lead(_ round: Round, _ sync: () throws(WALError) -> Void) {
    let outcome: Result<Void, WALError>
    do throws(WALError) { outcome = .success(try sync()) } catch { outcome = .failure(error) }
    state.withLock { state in
      round.outcome.withLock { $0 = outcome }
      state.isLed = false
    }
    state.wakeAll()
  }
}
