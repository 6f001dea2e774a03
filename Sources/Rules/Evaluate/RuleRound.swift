import Model
import Platform

/// The terms that the rules of a group share in one round. A value.
struct RuleRound: Sendable {
  /// Milliseconds; the time of the slot.
  var time: Int64
  /// Results are as of so much earlier, and stored so.
  var queryOffset: Int64
  var intervalMilliseconds: Int64
  var options: RuleOptions
  var database: any RuleDatabase
  var isCanceled: @Sendable () -> Bool

  var storedTime: Int64 { time - queryOffset }
}

/// The surroundings of groups: clock, log, metrics, and who is told of alerts. A value.
package struct RuleSurroundings: Sendable {
  package var clock: any Clock = SystemClock()
  package var log = Log(level: .error, format: .logfmt) { _ in }
  package var metrics: RuleMetrics?
  /// Takes the alerts that are to be told.
  package var send: @Sendable ([AlertNotice]) -> Void = { _ in }
  package var isCanceled: @Sendable () -> Bool = { false }
  /// Runs work on a thread that has nothing to do; false where there is none.
  package var runAside: @Sendable (@escaping @Sendable () -> Void) -> Bool = { _ in false }
  /// Rules that are evaluated beside others of their group, over all groups.
  package var slots = RuleSlots()

  /// A group whose last round took less is evaluated on one thread: waking another costs more.
  package var sharedSecondsMin = 0.005

  package init() {}
}
