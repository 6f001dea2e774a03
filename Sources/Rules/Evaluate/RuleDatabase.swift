import Model
import PromQL

/// The database that rules are evaluated over and that takes what they make: a workspace's, or a test's. Any thread.
package protocol RuleDatabase: Sendable {
  /// An expression at one time, in milliseconds.
  func instant(
    _ expression: String, at time: Int64, isCanceled: @escaping @Sendable () -> Bool
  ) throws(QueryError) -> QueryResult

  /// The samples of all series that pass the matchers, both times included; stale markers among them.
  func select(_ matchers: [Matcher], from start: Int64, through end: Int64) throws(QueryError) -> [MatrixSeries]

  /// Stores samples, each of a series of its own. A sample that is not newer than the last one of its series is refused.
  func append(_ samples: [VectorSample]) -> RuleWrite
}

/// The outcome of storing what a rule made. A value.
package struct RuleWrite: Sendable, Equatable {
  package var stored = 0
  package var refused = 0
  /// The reason why samples are not stored, of the first of them; empty where all are.
  package var error = ""

  package init() {}
}

/// A rule that could not be evaluated: nothing of it is stored, not even markers. A value.
package struct RuleFailure: Error, Equatable, CustomStringConvertible {
  package var description: String
  package init(_ description: String) { self.description = description }
}
