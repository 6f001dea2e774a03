package enum MatchKind: Sendable, Hashable { case equal, notEqual, regex, notRegex }

/// One condition of a selector on one label. A series without the label counts as having the empty value.
package struct Matcher: Sendable, Hashable {
  package var kind: MatchKind
  package var name: String
  package var value: String

  package init(_ kind: MatchKind, _ name: String, _ value: String) {
    self.kind = kind
    self.name = name
    self.value = value
  }
}
