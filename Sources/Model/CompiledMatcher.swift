/// A matcher, compiled once and asked for every value. A series without the label has the empty value.
package final class CompiledMatcher: Sendable {
  package let matcher: Matcher
  /// True if series without the label match.
  package let matchesEmpty: Bool
  private let value: ByteStringSet
  private let regex: RegexMatcher?

  package init(_ matcher: Matcher) throws(RegexError) {
    self.matcher = matcher
    value = ByteStringSet([Array(matcher.value.utf8)])
    let isEmptyAccepted: Bool
    switch matcher.kind {
    case .equal, .notEqual:
      regex = nil
      isEmptyAccepted = matcher.value.isEmpty
    case .regex, .notRegex:
      let compiled = try RegexMatcher(matcher.value)
      isEmptyAccepted = compiled.matches(UnsafeRawBufferPointer(start: nil, count: 0))
      regex = compiled
    }
    matchesEmpty = isEmptyAccepted != (matcher.kind == .notEqual || matcher.kind == .notRegex)
  }

  package var name: String { matcher.name }

  /// True if the matcher says what it does not want.
  package var isNegated: Bool { matcher.kind == .notEqual || matcher.kind == .notRegex }

  @inline(__always)
  package func matches(_ text: UnsafeRawBufferPointer) -> Bool { accepts(text) != isNegated }

  package func matches(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { matches(UnsafeRawBufferPointer($0)) }
  }

  /// True if a series with these labels matches.
  package func matches(_ labels: Labels) -> Bool {
    labels.withValue(of: matcher.name) { value in value.map { matches($0) } ?? matchesEmpty }
  }

  /// The values that the condition names, where it is a finite set: those that match, or for a negated matcher those
  /// that do not.
  package var literals: ByteStringSet? {
    if let regex { return regex.literals }
    return value
  }

  /// The values that match, where they are finitely many.
  package var setMatches: ByteStringSet? { isNegated ? nil : literals }

  /// The prefix of every matching value; empty where none is known.
  package var prefix: [UInt8] {
    if isNegated { return [] }
    if let regex { return regex.prefix }
    return Array(matcher.value.utf8)
  }

  /// The verdict about all values that are not empty, where they share one (`.*`, `.+`, `=""`, `!=""` and their like).
  package var verdictOnAllValues: Bool? {
    if let regex { return regex.matchesAllButEmpty ? !isNegated : isSetEmpty ? isNegated : nil }
    return matcher.value.isEmpty ? isNegated : nil
  }

  /// True if the condition names no value but the empty one.
  private var isSetEmpty: Bool {
    guard let literals else { return false }
    return literals.count == 0 || literals.count == 1 && literals.strings[0].isEmpty
  }

  private func accepts(_ text: UnsafeRawBufferPointer) -> Bool {
    if let regex { return regex.matches(text) }
    return value.contains(text)
  }
}

extension Matcher {
  /// Prometheus's answer to a `match[]` parameter all of whose matchers match series without the label.
  package static let emptyMatchParameterText = "match[] must contain at least one non-empty matcher"

  /// True if a selector asks for something that a series has to have. One that does not would select everything.
  package static func isSelective(_ matchers: [CompiledMatcher]) -> Bool { matchers.contains { !$0.matchesEmpty } }
}
