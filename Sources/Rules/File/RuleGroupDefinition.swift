/// A group of rules as its file has it. A value.
package struct RuleGroupDefinition: Sendable, Equatable {
  /// The path of the file as it was found, or the namespace of a stored group; with `name` the group's identity.
  package var file: String
  package var name: String
  /// Nil: the server's `evaluation_interval`.
  package var intervalMilliseconds: Int64?
  /// Nil: the server's `rule_query_offset`.
  package var queryOffsetMilliseconds: Int64?
  /// The most series or alerts that a rule may make; zero or less: any number.
  package var limit: Int
  package var rules: [RuleDefinition]

  package init(
    file: String, name: String, intervalMilliseconds: Int64? = nil, queryOffsetMilliseconds: Int64? = nil,
    limit: Int = 0, rules: [RuleDefinition] = []
  ) {
    self.file = file
    self.name = name
    self.intervalMilliseconds = intervalMilliseconds
    self.queryOffsetMilliseconds = queryOffsetMilliseconds
    self.limit = limit
    self.rules = rules
  }

  /// The identity as metrics and state files have it.
  package var key: String { "\(file);\(name)" }
}
