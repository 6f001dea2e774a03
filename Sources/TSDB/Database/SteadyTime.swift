/// The wall time as far as the database believes it. The database drops and closes data by it, so that a clock that is
/// wrong for a while costs nothing: what it jumps ahead of the time that has passed counts after an hour. A value; its
/// owner asks it now and then.
/// At a start the time that has passed is not known. Then the newest sample takes the place of the last look, so that a start
/// with a wrong clock drops nothing either.
package struct SteadyTime: Sendable {
  /// Jumps up to this count at once: corrections, and a machine that was suspended for a while.
  static let stepMillisecondsMax: Int64 = 3_600_000
  /// The time for which a larger jump must last before it counts.
  static let trialMilliseconds: Int64 = 3_600_000

  private var believed: Int64
  /// The monotonic time of the last look.
  private var seen: Int64
  /// The monotonic time since which the clock has been ahead; nil while it is not.
  private var aheadSince: Int64?

  /// - Parameter newest: the time of the newest sample there is; nil if there is none.
  package init(wall: Int64, monotonic: Int64, newest: Int64? = nil) {
    believed = min(wall, newest ?? wall)
    seen = monotonic
    _ = now(wall: wall, monotonic: monotonic)
  }

  package mutating func now(wall: Int64, monotonic: Int64) -> Int64 {
    let (expected, isFar) = believed.addingReportingOverflow(monotonic - seen)
    let (ahead, isFarther) = wall.subtractingReportingOverflow(expected)
    let since = aheadSince ?? monotonic
    seen = monotonic
    let isAhead = wall > expected && (isFarther || ahead > SteadyTime.stepMillisecondsMax)
    if isFar || !isAhead || monotonic - since >= SteadyTime.trialMilliseconds {
      believed = wall
      aheadSince = nil
    } else {
      believed = expected
      aheadSince = since
    }
    return believed
  }
}
