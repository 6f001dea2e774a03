import PromQL

/// Asks whether work on a query has to stop: nil while it may go on. Called from each thread that works on the query.
package typealias StopCheck = @Sendable () -> StopReason?

/// The terms on which one query runs. Those that its asker leaves alone are the server's own. A value.
package struct QueryTerms: Sendable {
  /// The time that the query may take; the server's limit counts where it is shorter.
  package var timeoutMilliseconds: Int64?
  /// True once nobody waits for the answer any more. Called from each thread that works on the query.
  package var isCanceled: @Sendable () -> Bool = { false }
  /// The time for which instant selectors look back; nil: the server's.
  package var lookbackMilliseconds: Int64?
  /// True if the samples of each step are counted apart, where the server does so at all.
  package var tellsSamplesPerStep = false
  /// Seconds for which the query has waited for its thread, for the statistics.
  package var queuedSeconds = 0.0

  /// True for an expression of a rule.
  package var isOfRule = false

  /// The asker, for the query log; nil: the query is not logged. Worth making only while that log is on.
  package var origin: QueryOrigin?

  package init() {}
}

/// The asker of a query, as the query log tells it. A value.
package enum QueryOrigin: Sendable, Equatable {
  case request(client: String, method: String, path: String)
  case ruleGroup(file: String, name: String)
}
