import Model

/// The checks of a matcher's regular expression. Compiling one costs microseconds, once per matcher.
enum MatcherPattern {
  /// The reason why the value of a regex matcher is no regular expression; nil where it is one, and for other matchers.
  static func complaint(_ matcher: Matcher) -> String? {
    guard matcher.kind == .regex || matcher.kind == .notRegex else { return nil }
    do throws(RegexError) {
      _ = try RegexProgram(matcher.value)
      return nil
    } catch {
      return error.description
    }
  }

  /// A pattern that matches just this text.
  static func literal(_ text: String) -> String {
    var pattern = ""
    for scalar in text.unicodeScalars {
      if "\\.+*?()|[]{}^$".unicodeScalars.contains(scalar) { pattern += "\\" }
      pattern.unicodeScalars.append(scalar)
    }
    return pattern
  }

  /// True if a series without the label passes.
  static func matchesEmpty(_ matcher: Matcher) -> Bool { MatcherTest(matcher).matches("") }
}

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
