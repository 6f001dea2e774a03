import Glibc

/// State behind a mutex together with conditions to wait for, which the standard library's `Mutex` lacks. Any thread may call.
/// Invariant: the state is touched only while the mutex is held; closures handed in run under it, so they are short, do
/// no input or output, and never call the same monitor again.
package final class Monitor<State>: @unchecked Sendable {
  /// A real wait is cut into parts of this length, so that no deadline is too far for the system's call.
  private static var waitNanosecondsMax: Int64 { 3_600_000_000_000 }

  private var state: State
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let conditions: UnsafeMutablePointer<pthread_cond_t>
  private let conditionCount: Int

  /// Most monitors have one condition. Those whose waiters wait for different things have one for each, so that a wake-up
  /// reaches the right thread.
  package init(_ state: sending State, conditionCount: Int = 1) {
    self.state = state
    self.conditionCount = conditionCount
    self.mutex = .allocate(capacity: 1)
    self.conditions = .allocate(capacity: conditionCount)
    check(pthread_mutex_init(mutex, nil))
    var attributes = pthread_condattr_t()
    check(pthread_condattr_init(&attributes))
    // Deadlines are monotonic: a step of the wall clock must not stretch or cut them.
    check(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC))
    for condition in 0..<conditionCount { check(pthread_cond_init(conditions + condition, &attributes)) }
    check(pthread_condattr_destroy(&attributes))
  }

  deinit {
    for condition in 0..<conditionCount { check(pthread_cond_destroy(conditions + condition)) }
    check(pthread_mutex_destroy(mutex))
    conditions.deallocate()
    mutex.deallocate()
  }

  package func withLock<Result, Failure: Error>(
    _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    check(pthread_mutex_lock(mutex))
    defer { check(pthread_mutex_unlock(mutex)) }
    return try body(&state)
  }

  /// Calls `attempt` now and after each wake-up of the condition until it gives a value; nil when the deadline passes first.
  package func wait<Result>(
    at condition: Int = 0, until deadline: Deadline = .never, _ attempt: (inout State) -> Result?
  ) -> Result? {
    check(pthread_mutex_lock(mutex))
    defer { check(pthread_mutex_unlock(mutex)) }
    if let result = attempt(&state) { return result }
    while !deadline.isPassed {
      waitOnce(at: condition, until: deadline)
      if let result = attempt(&state) { return result }
    }
    return nil
  }

  /// Returns when the condition is signalled, when the deadline passes, or for no reason. The mutex is held before and after.
  private func waitOnce(at condition: Int, until deadline: Deadline) {
    guard let clock = deadline.clock else { return check(pthread_cond_wait(conditions + condition, mutex)) }
    guard let waiters = clock.waiters else {
      return waitInRealTime(at: condition, nanoseconds: deadline.remainingNanoseconds)
    }
    // Whoever moves this clock by hand wakes its waiters. That cannot happen between the last look at the clock, here, and
    // the start of the wait, since waking needs the mutex.
    let id = waiters.add { [self] in withLock { _ in check(pthread_cond_broadcast(conditions + condition)) } }
    if !deadline.isPassed { check(pthread_cond_wait(conditions + condition, mutex)) }
    waiters.remove(id)
  }

  /// Wakes one thread that waits for the condition.
  package func wakeOne(at condition: Int = 0) { check(pthread_cond_signal(conditions + condition)) }

  /// Wakes all threads that wait for the condition.
  package func wakeAll(at condition: Int = 0) { check(pthread_cond_broadcast(conditions + condition)) }

  private func waitInRealTime(at condition: Int, nanoseconds: Int64) {
    let end = SystemClock().monotonicNanoseconds() + min(nanoseconds, Self.waitNanosecondsMax)
    var time = timespec(tv_sec: Int(end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
    let result = pthread_cond_timedwait(conditions + condition, mutex, &time)
    precondition(result == 0 || result == ETIMEDOUT, "the condition and its mutex are valid")
  }
}

/// These calls fail only on misuse.
private func check(_ result: Int32) {
  precondition(result == 0, "a monitor's parts are valid while it lives")
}
