/// The moment of a clock after which a thread gives up waiting or working. A value.
package struct Deadline: Sendable {
  /// The clock that the moment is of; nil for `never`.
  let clock: (any Clock)?
  /// The moment in the clock's monotonic time.
  let nanoseconds: Int64

  package static let never = Deadline(clock: nil, nanoseconds: .max)

  private init(clock: (any Clock)?, nanoseconds: Int64) {
    self.clock = clock
    self.nanoseconds = nanoseconds
  }

  /// The moment so many milliseconds from now; a time beyond what the clock counts is its last moment.
  package init(milliseconds: Int64, of clock: any Clock = SystemClock()) {
    let now = Deadline(clock: clock, nanoseconds: clock.monotonicNanoseconds())
    self = now.advanced(milliseconds: milliseconds)
  }

  /// A moment of the clock's monotonic time.
  package init(monotonicNanoseconds: Int64, of clock: any Clock = SystemClock()) {
    self.init(clock: clock, nanoseconds: monotonicNanoseconds)
  }

  /// The deadline that is so much later on the same clock.
  package func advanced(milliseconds: Int64) -> Deadline {
    let (duration, tooLong) = max(0, milliseconds).multipliedReportingOverflow(by: 1_000_000)
    let (moment, tooLate) = nanoseconds.addingReportingOverflow(duration)
    return Deadline(clock: clock, nanoseconds: tooLong || tooLate ? .max : moment)
  }

  package var isPassed: Bool { remainingNanoseconds == 0 }

  /// Nanoseconds until the moment, never negative; `Int64.max` for `never`.
  package var remainingNanoseconds: Int64 {
    guard let clock else { return .max }
    return max(0, nanoseconds.subtractingReportingOverflow(clock.monotonicNanoseconds()).partialValue)
  }

  /// Blocks until the moment has come. Nothing ends it early: a wait that must be stoppable uses a `Monitor`.
  package func pause() {
    precondition(clock != nil, "never does not come")
    let nobodyWakes = Monitor(false)
    let _: Void? = nobodyWakes.wait(until: self) { _ in nil }
  }
}
