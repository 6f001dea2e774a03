import Model

/// The settings that all rules of a workspace share. A value; a reload makes new ones.
package struct RuleOptions: Sendable, Equatable {
  /// `global.evaluation_interval` and `global.rule_query_offset`.
  package var intervalMilliseconds: Int64 = 60_000
  package var queryOffsetMilliseconds: Int64 = 0
  package var externalLabels = Labels.empty
  /// Without a slash at its end.
  package var externalURL = ""
  /// `--rules.alert.resend-delay`, `--rules.alert.for-outage-tolerance`, `--rules.alert.for-grace-period`.
  package var resendMilliseconds: Int64 = 60_000
  package var outageToleranceMilliseconds: Int64 = 3_600_000
  package var graceMilliseconds: Int64 = 600_000
  /// `--rules.max-concurrent-evals`: rules of one group that are evaluated side by side, over all groups; one or less: in order.
  package var concurrentEvaluationsMax = 4
  /// `apus.rules.hold_alerts_on_failure`: true if the firing alerts of a rule that fails are told again and again, so that nobody takes them for resolved.
  package var holdsAlertsOnFailure = true
  /// `apus.rules.resolve_removed_alerts`: true if alerts whose rule is taken away are told as resolved; else their receivers wait until they expire.
  package var resolvesRemovedAlerts = true

  /// `apus.rules.recovered_rounds_max`: the most slots that a stall of the server has passed over whose recording rules are
  /// evaluated afterwards, the newest ones; 0: none, as Prometheus has it.
  package var recoveredSlotsMax = 10

  package init() {}
}
