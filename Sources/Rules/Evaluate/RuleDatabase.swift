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

  /// An expression, read once for all its evaluations.
  func prepare(_ expression: String) throws(QueryError) -> PreparedQuery

  /// The same as `instant`, of an expression that is read already.
  func instant(
    _ query: PreparedQuery, at time: Int64, isCanceled: @escaping @Sendable () -> Bool
  ) throws(QueryError) -> QueryResult

  /// Ends series that have no more samples, with a stale marker each. Where a series has a newer sample, or none at all,
  /// nothing happens.
  func end(_ series: [Labels], at time: Int64)

  /// The same database, asked in the name of a group of rules.
  func asked(byGroup name: String, ofFile file: String) -> any RuleDatabase
}

extension RuleDatabase {
  package func prepare(_ expression: String) throws(QueryError) -> PreparedQuery { try PreparedQuery(expression) }

  package func instant(
    _ query: PreparedQuery, at time: Int64, isCanceled: @escaping @Sendable () -> Bool
  ) throws(QueryError) -> QueryResult {
    try instant(query.text, at: time, isCanceled: isCanceled)
  }

  package func end(_ series: [Labels], at time: Int64) {
    _ = append(
      series.map { VectorSample(labels: $0, timestamp: time, value: .float(StaleMarker.value)) })
  }

  package func asked(byGroup name: String, ofFile file: String) -> any RuleDatabase { self }
}

/// The outcome of storing what a rule made. A value.
package struct RuleWrite: Sendable, Equatable {
  package var stored = 0
  package var refused = 0
  /// The samples that are refused, by their places in what was to be stored; any order.
  package var refusedPlaces: [Int] = []
  /// The reason why samples are not stored, of the first of them; empty where all are.
  package var error = ""
  /// True if the database takes nothing at present: it is full, or its log cannot be written.
  package var isUnavailable = false

  package init() {}
}

/// A rule that could not be evaluated: nothing of it is stored, not even markers. A value.
package struct RuleError: Error, Equatable, CustomStringConvertible {
  package var description: String
  package init(_ description: String) { self.description = description }
}
