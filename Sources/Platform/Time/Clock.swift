/// Time as the server sees it, real or simulated.
package protocol Clock: Sendable {
  /// Wall time in milliseconds since 1970 (Prometheus's unit).
  func nowMilliseconds() -> Int64
  /// Time that never goes back, in nanoseconds from an unnamed start.
  func monotonicNanoseconds() -> Int64
  /// The threads that wait for a moment of this clock. Nil when time moves by itself, and a waiter needs no call to
  /// notice.
  var waiters: ClockWaiters? { get }
}

extension Clock {
  package var waiters: ClockWaiters? { nil }

  package var monotonicMilliseconds: Int64 { monotonicNanoseconds() / 1_000_000 }
}
