import Model
import PromQL

/// The health of a rule: the outcome of its last evaluation.
package enum RuleHealth: String, Sendable {
  case unknown, ok, err
}

/// A rule with its state, as the API shows it. A value.
package struct RuleView: Sendable {
  package var definition: RuleDefinition
  /// The expression as Prometheus prints it.
  package var query: String
  package var health = RuleHealth.unknown
  package var lastError = ""
  /// True if the last error is that of a template: the evaluation itself succeeded, and the alert is there.
  package var isTemplateError = false
  package var evaluationSeconds = 0.0
  /// Milliseconds; nil before the first evaluation.
  package var lastEvaluation: Int64?
  /// Nil before the first evaluation, and of a recording rule.
  package var state: AlertState?
  /// The pending and firing ones, sorted by labels.
  package var alerts: [AlertInstance] = []
  /// Series that the expression's selectors found at the last evaluation; nil where that is not known.
  package var seriesFound: Int?

  package init(definition: RuleDefinition, query: String) {
    self.definition = definition
    self.query = query
  }
}

/// A group with its rules, as the API shows it. A value.
package struct RuleGroupView: Sendable {
  package var file: String
  package var name: String
  package var intervalMilliseconds: Int64
  package var queryOffsetMilliseconds: Int64
  package var limit: Int
  package var evaluationSeconds = 0.0
  /// Milliseconds; nil before the first evaluation.
  package var lastEvaluation: Int64?
  package var rules: [RuleView]

  package init(
    file: String, name: String, intervalMilliseconds: Int64, queryOffsetMilliseconds: Int64, limit: Int,
    rules: [RuleView]
  ) {
    self.file = file
    self.name = name
    self.intervalMilliseconds = intervalMilliseconds
    self.queryOffsetMilliseconds = queryOffsetMilliseconds
    self.limit = limit
    self.rules = rules
  }
}
