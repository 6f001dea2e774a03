import Format

/// The reason why a definition of an Alertmanager cannot be used; nothing of it is.
package struct DefinitionError: Error, Sendable, Equatable, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }

  /// A mistake at a place of a text; `text` names which.
  init(_ position: YAMLPosition, of text: String, _ what: String) {
    description = "\(text), line \(position.line): \(what)"
  }
}
