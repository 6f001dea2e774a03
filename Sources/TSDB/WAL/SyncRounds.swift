import Glibc
import Platform

/// Lets one fsync serve all that wait: the first waiter leads a round, whoever comes while it runs waits for the next
/// one. Any thread.
///
/// What a caller wrote before `wait` is covered by a round that had not begun by then: a leader leaves the waiting
/// round before it looks at what there is to sync.
final class SyncRounds: @unchecked Sendable {
  /// The outcome of one round; everything in it is guarded by the lock.
  private final class Round {
    var isDone = false
    var error: WALError?
  }

  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let ended: UnsafeMutablePointer<pthread_cond_t>
  private var waiting = Round()
  private var isLed = false

  init() {
    lock = .allocate(capacity: 1)
    ended = .allocate(capacity: 1)
    pthread_mutex_init(lock, nil)
    pthread_cond_init(ended, nil)
  }

  deinit {
    pthread_cond_destroy(ended)
    pthread_mutex_destroy(lock)
    ended.deallocate()
    lock.deallocate()
  }

  /// Returns when a round that began after the call has succeeded; throws its error. `sync` runs on one of the
  /// waiting threads, never on two at once.
  func wait(_ sync: () throws(WALError) -> Void) throws(WALError) {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    let round = waiting
    while !round.isDone {
      if isLed || round !== waiting {
        pthread_cond_wait(ended, lock)
      } else {
        lead(round, sync)
      }
    }
    if let error = round.error { throw error }
  }

  private func lead(_ round: Round, _ sync: () throws(WALError) -> Void) {
    isLed = true
    waiting = Round()
    pthread_mutex_unlock(lock)
    var failure: WALError?
    do throws(WALError) {
      try sync()
    } catch {
      failure = error
    }
    pthread_mutex_lock(lock)
    round.error = failure
    round.isDone = true
    isLed = false
    pthread_cond_broadcast(ended)
  }
}
