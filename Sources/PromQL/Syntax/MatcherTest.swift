import Model

/// A matcher ready to be asked, for the few places where the language itself looks at labels.
package struct MatcherTest: Sendable {
  package let matcher: Matcher
  private let regex: RegexProgram?

  /// A pattern that is no regular expression matches nothing; the parser has refused it before.
  package init(_ matcher: Matcher) {
    self.matcher = matcher
    guard matcher.kind == .regex || matcher.kind == .notRegex else {
      regex = nil
      return
    }
    do throws(RegexError) { regex = try RegexProgram(matcher.value) } catch { regex = nil }
  }

  package func matches(_ value: String) -> Bool {
    switch matcher.kind {
    case .equal: value.utf8.elementsEqual(matcher.value.utf8)
    case .notEqual: !value.utf8.elementsEqual(matcher.value.utf8)
    case .regex: isRegexMatch(value)
    case .notRegex: !isRegexMatch(value)
    }
  }

  private func isRegexMatch(_ value: String) -> Bool { regex?.matches(value) ?? false }

  package func matches(_ labels: Labels) -> Bool { matches(labels[matcher.name] ?? "") }
}
