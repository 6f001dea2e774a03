import Model
import PromQL

/// The order in which the rules of a group may be evaluated side by side. A value; pure.
///
/// A rule depends on an earlier one whose series one of its selectors may read: by the name of a recording rule, by `ALERTS` and
/// `ALERTS_FOR_STATE` with the name of an alerting rule. A selector without a condition on the name may read everything, and
/// makes the whole group sequential.
package struct RuleDependencies: Sendable, Equatable {
  /// Batches in order; the rules of one, by their numbers, may run at once.
  package let batches: [[Int]]

  /// `expressions`: those of the rules, in order; nil where a rule has none that can be read.
  package init(_ rules: [RuleDefinition], _ expressions: [Expression?]) {
    let sequence = rules.indices.map { [$0] }
    guard rules.count > 1, let dependencies = RuleDependencies.find(rules, expressions) else {
      batches = sequence
      return
    }
    let isNeeded = Set(dependencies.flatMap(\.self))
    let isFree = rules.indices.map { dependencies[$0].isEmpty }
    // First what depends on nothing; then, one by one, what depends and is depended on; then the rest.
    let first = rules.indices.filter { isFree[$0] }
    let middle = rules.indices.filter { !isFree[$0] && isNeeded.contains($0) }
    let last = rules.indices.filter { !isFree[$0] && !isNeeded.contains($0) }
    batches = ([first] + middle.map { [$0] } + [last]).filter { !$0.isEmpty }
  }

  /// By rule, the earlier ones that it depends on; nil where that cannot be told.
  private static func find(_ rules: [RuleDefinition], _ expressions: [Expression?]) -> [Set<Int>]? {
    var result: [Set<Int>] = []
    for (number, expression) in expressions.enumerated() {
      var needed: Set<Int> = []
      guard let selectors = expression?.selectors else { return nil }
      for selector in selectors {
        guard let reads = NameConditions(selector.matchers) else { return nil }
        for earlier in 0..<number where !needed.contains(earlier) && reads.mayRead(rules[earlier]) {
          needed.insert(earlier)
        }
      }
      result.append(needed)
    }
    return result
  }
}

/// The conditions of a selector on the names of series and alerts.
private struct NameConditions {
  private var metric: [CompiledMatcher] = []
  private var alert: [CompiledMatcher] = []

  /// Nil where the selector has no condition on the name, or one that cannot be read.
  init?(_ matchers: [Matcher]) {
    for matcher in matchers where matcher.name == LabelName.metric || matcher.name == LabelName.alert {
      guard let compiled = try? CompiledMatcher(matcher) else { return nil }
      if matcher.name == LabelName.metric { metric.append(compiled) } else { alert.append(compiled) }
    }
    if metric.isEmpty { return nil }
  }

  func mayRead(_ rule: RuleDefinition) -> Bool {
    if rule.alert == nil { return passes(metric, rule.name) }
    let readsAlerts =
      passes(metric, AlertTable.SeriesName.alerts) || passes(metric, AlertTable.SeriesName.beginnings)
    return readsAlerts && passes(alert, rule.name)
  }

  private func passes(_ matchers: [CompiledMatcher], _ value: String) -> Bool {
    matchers.allSatisfy { $0.matches(value) }
  }
}

extension Expression {
  /// All selectors of the tree.
  fileprivate var selectors: [VectorSelector] {
    var found: [VectorSelector] = []
    var open = [self]
    while let next = open.popLast() {
      if case .selector(let node) = next { found.append(node) }
      open += next.children
    }
    return found
  }
}
