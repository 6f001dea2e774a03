import Model
import Platform

/// The times at which a group is evaluated. A plain value, pure.
///
/// They are slots of the wall clock: whole intervals from 1970 and a part of one that depends on the group's identity, so that
/// groups are spread and a restart keeps their times. The waiting is done on the monotonic clock. A wall clock that is set
/// forward skips slots, which nobody missed; one that is set back a little is waited for, and one that is set back by more than
/// an interval is followed at once: neither stops evaluations nor bunches them.
package struct RuleSchedule: Sendable, Equatable {
  /// A moment of both clocks.
  package struct Reading: Sendable, Equatable {
    package var monotonicNanoseconds: Int64
    package var wallMilliseconds: Int64

    package init(monotonicNanoseconds: Int64, wallMilliseconds: Int64) {
      self.monotonicNanoseconds = monotonicNanoseconds
      self.wallMilliseconds = wallMilliseconds
    }

    package init(_ clock: any Clock) {
      self.init(monotonicNanoseconds: clock.monotonicNanoseconds(), wallMilliseconds: clock.nowMilliseconds())
    }
  }

  /// An evaluation as it begins.
  package struct Slot: Sendable, Equatable {
    /// The wall clock's milliseconds that it is for.
    package var milliseconds: Int64
    /// Slots before it that passed without an evaluation.
    package var missedCount: Int
  }

  /// Both clocks are read cut to milliseconds, and threads wake by their own clock.
  private static let toleranceMilliseconds: Int64 = 2

  /// Milliseconds.
  package let interval: Int64
  private let offset: Int64
  /// The slot that is waited for, and when it comes by the monotonic clock.
  package private(set) var slot: Int64
  package private(set) var due: Int64

  /// The first slot behind now.
  package init(file: String, name: String, intervalMilliseconds: Int64, now: Reading) {
    interval = max(1, intervalMilliseconds)
    let identity = Labels([(name: "file", value: file), (name: "group", value: name)])
    offset = Int64(identity.stableHash % UInt64(interval))
    slot = 0
    due = 0
    slot = newest(at: now.wallMilliseconds) + interval
    due = now.moment(of: slot)
  }

  /// Begins the evaluation that is due; nil where its slot has not come, since the clock was set back a little.
  package mutating func begin(_ now: Reading) -> Slot? {
    let present = newest(at: now.wallMilliseconds + Self.toleranceMilliseconds)
    if present < slot && slot - present <= interval {
      due = now.moment(of: slot)
      return nil
    }
    // How many slots passed is told by the clock that nobody sets.
    let late = max(0, (now.monotonicNanoseconds - due) / 1_000_000)
    let begun = Slot(milliseconds: present, missedCount: Int(late / interval))
    slot = present + interval
    due = now.moment(of: slot)
    return begun
  }

  private func newest(at wall: Int64) -> Int64 {
    let rest = (wall - offset) % interval
    return wall - (rest < 0 ? rest + interval : rest)
  }
}

extension RuleSchedule.Reading {
  /// The monotonic clock at a time of the wall clock, as the two stand now.
  fileprivate func moment(of wall: Int64) -> Int64 {
    let (nanoseconds, isTooLong) = (wall - wallMilliseconds).multipliedReportingOverflow(by: 1_000_000)
    return isTooLong ? .max : monotonicNanoseconds.addingReportingOverflow(nanoseconds).partialValue
  }
}
