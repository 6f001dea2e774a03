import Model

/// The rules that say how long the samples of a series are kept: the first rule whose selector matches the series
/// decides, else the database's own retention. Immutable.
package struct RetentionRules: Sendable {
  package struct Rule: Sendable {
    package var matchers: [CompiledMatcher]
    package var milliseconds: Int64

    package init(_ matchers: [CompiledMatcher], milliseconds: Int64) {
      precondition(milliseconds > 0, "a rule keeps samples for some time")
      self.matchers = matchers
      self.milliseconds = milliseconds
    }

    func matches(_ labels: Labels) -> Bool { matchers.allSatisfy { $0.matches(labels) } }
  }

  package let rules: [Rule]
  /// Milliseconds for which series are kept that no rule matches; 0: for ever.
  package let otherMilliseconds: Int64

  package init(_ rules: [Rule] = [], otherMilliseconds: Int64) {
    self.rules = rules
    self.otherMilliseconds = otherMilliseconds
  }

  package var isEmpty: Bool { rules.isEmpty }

  /// A number that tells other rules from these, within one process.
  var fingerprint: Int {
    var hasher = Hasher()
    hasher.combine(otherMilliseconds)
    for rule in rules {
      hasher.combine(rule.milliseconds)
      hasher.combine(rule.matchers.map(\.matcher))
    }
    return hasher.finalize()
  }

  /// Milliseconds for which the longest-living series are kept; 0: for ever.
  package var longestMilliseconds: Int64 {
    otherMilliseconds == 0 ? 0 : rules.reduce(otherMilliseconds) { max($0, $1.milliseconds) }
  }

  /// The rule that decides how long a series is kept.
  package enum Scope: Sendable, Hashable {
    /// The rule at this index of `rules`.
    case rule(Int)
    case others
  }

  package func scope(of labels: Labels) -> Scope {
    rules.firstIndex { $0.matches(labels) }.map { .rule($0) } ?? .others
  }

  /// Milliseconds for which a series is kept; 0: for ever.
  package func milliseconds(of labels: Labels) -> Int64 { milliseconds(of: scope(of: labels)) }

  private func milliseconds(of scope: Scope) -> Int64 {
    switch scope {
    case .rule(let index): rules[index].milliseconds
    case .others: otherMilliseconds
    }
  }

  /// The oldest time of a series that is still kept.
  package func firstKeptTime(of labels: Labels, newestTime: Int64) -> Int64 {
    firstKeptTime(milliseconds(of: labels), newestTime)
  }

  private func firstKeptTime(_ milliseconds: Int64, _ newestTime: Int64) -> Int64 {
    if milliseconds == 0 { return .min }
    let (time, overflows) = newestTime.subtractingReportingOverflow(milliseconds)
    return overflows ? .min : time
  }

  /// Whose series have nothing left to keep in a block that ends before `maxTime`. Only such series are worth a rewrite: no
  /// block is rewritten again and again while its series expire bit by bit.
  package func expiredScopes(maxTime: Int64, newestTime: Int64) -> [Scope] {
    let scopes = rules.indices.map { Scope.rule($0) } + [.others]
    return scopes.filter { maxTime <= firstKeptTime(milliseconds(of: $0), newestTime) }
  }
}
