/// A group of rules as a test evaluates it. Owned by one run.
package protocol UnitTestGroup: AnyObject {
  /// Evaluates all rules once, in order, at a time in milliseconds.
  func evaluate(at time: Int64)
  var shown: RuleGroupView { get }
}

func makeUnitTestGroup(
  _ definition: RuleGroupDefinition, _ options: RuleOptions, _ database: UnitTestDatabase
) throws(RuleFailure) -> any UnitTestGroup {
  throw RuleFailure("groups cannot be evaluated")
}
