import Platform
import Synchronization

/// A clock that stands still until a test moves it. Any thread may read and move it; threads that wait with a `Deadline`
/// of this clock wake when their moment has come.
package final class SimulatedClock: Clock {
  private struct Times: Sendable {
    var wallMilliseconds: Int64
    var monotonicNanoseconds: Int64 = 0
  }

  private let times: Mutex<Times>
  private let waiting = ClockWaiters()

  package init(nowMilliseconds: Int64 = 0) {
    self.times = Mutex(Times(wallMilliseconds: nowMilliseconds))
  }

  package func nowMilliseconds() -> Int64 {
    times.withLock { $0.wallMilliseconds + $0.monotonicNanoseconds / 1_000_000 }
  }

  package func monotonicNanoseconds() -> Int64 { times.withLock { $0.monotonicNanoseconds } }

  package var waiters: ClockWaiters? { waiting }

  /// Moves both times on.
  package func advance(milliseconds: Int64) { advance(nanoseconds: milliseconds * 1_000_000) }

  package func advance(nanoseconds: Int64) {
    precondition(nanoseconds >= 0, "monotonic time does not go back")
    times.withLock { $0.monotonicNanoseconds += nanoseconds }
    waiting.wakeAll()
  }

  /// Moves the wall time alone, also back, as an administrator or NTP does.
  package func stepWall(milliseconds: Int64) {
    times.withLock { $0.wallMilliseconds += milliseconds }
  }

  /// Blocks until so many threads wait for a moment of this clock, so that a test moves time only when all are in place.
  package func waitForWaiters(_ count: Int) { waiting.waitUntilCount(count) }
}
