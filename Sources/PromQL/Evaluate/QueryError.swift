/// The reason why a query has no answer. Each case maps to one error type of the HTTP API.
package enum QueryError: Error, Equatable, CustomStringConvertible {
  /// The text or the parameters are wrong: `bad_data`.
  case invalid(String)
  /// The query cannot be answered over this data: `execution`.
  case execution(String)
  /// The query took longer than it may: `timeout`.
  case timeout
  /// The client went away or the server stops: `canceled`.
  case canceled
  /// The store failed: `internal`.
  case storage(String)

  /// The error of a query that was stopped.
  package init(_ reason: StopReason) { self = reason == .timeout ? .timeout : .canceled }

  package var description: String {
    switch self {
    case .invalid(let message), .execution(let message), .storage(let message): message
    case .timeout: "query timed out in expression evaluation"
    case .canceled: "query was canceled in expression evaluation"
    }
  }

  static let tooManySamples = QueryError.execution(
    "query processing would load too many samples into memory in query execution")

  /// True if the query held more than it may, samples or bytes.
  package var isOverBudget: Bool {
    guard case .execution(let message) = self else { return false }
    return self == .tooManySamples || message.hasPrefix(QueryError.tooManyBytesStart)
  }

  private static let tooManyBytesStart = "the query would hold more than "

  static func tooManyBytes(maximum: Int) -> QueryError {
    .execution(
      "\(tooManyBytesStart)\(maximum) bytes in memory (--query.max-bytes): ask for fewer series, shorter "
        + "labels, a shorter range or a longer step")
  }
  static let sameLabels = QueryError.execution("vector cannot contain metrics with the same labelset")
}

/// The reason why a query should stop before it is done. The evaluation asks for it per series, and within a series
/// after each stretch of work.
package enum StopReason: Sendable { case timeout, canceled }

/// The limits of a query.
package struct QueryLimits: Sendable {
  /// Samples held in memory at once (`--query.max-samples`).
  package var samplesMaximum = 50_000_000
  /// Bytes of everything a query holds at once (`--query.max-bytes`).
  package var bytesMaximum = 2 << 30
  /// The reason to stop now, if there is one: the deadline, a client that is gone. Called from each thread that evaluates;
  /// once it gives one it
  /// goes on giving it.
  package var stopReason: @Sendable () -> StopReason? = { nil }

  /// The step of subqueries that name none, in milliseconds; nil: that of the engine.
  package var subqueryStep: Int64?
  /// True if the statistics count the samples of each step apart.
  package var tellsSamplesPerStep = false
  /// A clock for the statistics.
  package var nanoseconds: @Sendable () -> Int64 = { 0 }
  /// Threads that read series beside the caller's; nil: the query runs on its caller's alone. Answers do not depend on it.
  package var workers: (any QueryWorkers)?
  /// Samples of one selector below which it is cheaper to read alone: about half a millisecond of work.
  package var samplesWorthSharing = 60_000

  package init() {}
}

/// Threads that queries share. Any thread.
package protocol QueryWorkers: Sendable {
  /// Number of threads that may work on one query at once, the caller's among them.
  var count: Int { get }
  /// Calls `body` once with each number below `tasks`, on the caller's thread and on those that are free; returns when all
  /// calls have returned.
  func forEach(_ tasks: Int, _ body: @escaping @Sendable (Int) -> Void)
}

/// The options of the engine: what Prometheus sets by flags.
package struct EngineOptions: Sendable {
  package var parser = ParserOptions()
  /// The time that an instant selector looks back, in milliseconds.
  package var lookback: Int64 = 300_000
  /// The step of subqueries without one, in milliseconds.
  package var subqueryStep: Int64 = 60_000
  /// `promql-delayed-name-removal`.
  package var delaysNameRemoval = false
  /// `type-and-unit-labels`.
  package var usesTypeAndUnitLabels = false
  /// True if start timestamps of samples take part in rates.
  package var usesStartTimestamps = false

  package init() {}
}
