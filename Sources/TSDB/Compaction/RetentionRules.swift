import Model

/// How long the samples of a series are kept: the first rule whose selector matches it decides, else the database's own
/// retention. Immutable.
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
  /// What holds where no rule matches; 0: for ever.
  package let otherMilliseconds: Int64

  package init(_ rules: [Rule] = [], otherMilliseconds: Int64) {
    self.rules = rules
    self.otherMilliseconds = otherMilliseconds
  }

  package var isEmpty: Bool { rules.isEmpty }

  /// How long the longest-living series are kept; 0: for ever.
  package var longestMilliseconds: Int64 {
    otherMilliseconds == 0 ? 0 : rules.reduce(otherMilliseconds) { max($0, $1.milliseconds) }
  }

  /// 0: for ever.
  package func milliseconds(of labels: Labels) -> Int64 {
    rules.first { $0.matches(labels) }?.milliseconds ?? otherMilliseconds
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

  /// Whether some series of a block that ends before `maxTime` may have nothing left to keep. Only then looking for such
  /// series is worth it: a block is not rewritten while its series expire bit by bit.
  package func mayExpireSeries(maxTime: Int64, newestTime: Int64) -> Bool {
    !isEmpty
      && (rules.map(\.milliseconds) + [otherMilliseconds]).contains { milliseconds in
        maxTime <= firstKeptTime(milliseconds, newestTime)
      }
  }
}
