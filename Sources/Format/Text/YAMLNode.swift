// One node of a YAML document with the place where it was written. Immutable values; an alias shares the nodes of its
// anchor and keeps their places, so that an error names the text that must be changed.

/// A place in a text: line and column count from 1, in characters.
package struct YAMLPosition: Sendable, Hashable, CustomStringConvertible {
  package var line: Int
  package var column: Int

  package init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  package var description: String { "\(line):\(column)" }
}

/// `line:column: what`. The only error of reading YAML.
package struct YAMLError: Error, Equatable, CustomStringConvertible {
  package var position: YAMLPosition
  package var what: String

  package init(position: YAMLPosition, what: String) {
    self.position = position
    self.what = what
  }

  package var description: String { "\(position): \(what)" }
}

package struct YAMLNode: Sendable {
  package indirect enum Content: Sendable {
    case scalar(YAMLScalar)
    case sequence([YAMLNode])
    case mapping([YAMLEntry])
  }

  package var position: YAMLPosition
  package var content: Content

  package init(_ content: Content, at position: YAMLPosition = YAMLPosition(line: 1, column: 1)) {
    self.content = content
    self.position = position
  }

  /// The kind of the node, in the words of an error message.
  package var kindText: String {
    switch content {
    case .scalar(let scalar): scalar.isNull ? "nothing" : "a single value"
    case .sequence: "a list"
    case .mapping: "a section"
    }
  }

  package var isNull: Bool {
    if case .scalar(let scalar) = content { scalar.isNull } else { false }
  }

  package var scalar: YAMLScalar? {
    if case .scalar(let scalar) = content { scalar } else { nil }
  }

  /// The value of a key of a mapping; nil where this is none or has no such key.
  package subscript(key: String) -> YAMLNode? {
    guard case .mapping(let entries) = content else { return nil }
    return entries.first { $0.key == key }?.value
  }
}

/// One key of a mapping with its value.
package struct YAMLEntry: Sendable {
  package var key: String
  package var keyPosition: YAMLPosition
  package var value: YAMLNode

  package init(key: String, keyPosition: YAMLPosition = YAMLPosition(line: 1, column: 1), value: YAMLNode) {
    self.key = key
    self.keyPosition = keyPosition
    self.value = value
  }
}
