/// The bounds of one template and of one expansion of it, so that no text of a rule holds up a server. A value.
package struct TemplateLimits: Sendable {
  /// Bytes of a template's text.
  package static let textBytesMax = 256 << 10
  /// Levels of blocks and parentheses within each other that a text may have.
  package static let nestingMax = 100

  /// Bytes of the expanded text.
  package var outputBytesMax = 1 << 20
  /// Bytes of all texts that functions make on the way, whether they are kept or not.
  package var madeBytesMax = 16 << 20
  /// Nodes that are evaluated; a function that reads a long text takes a step for each 64 bytes of it.
  package var stepsMax = 1_000_000
  /// Evaluations within each other: calls of templates, blocks, parentheses.
  package var depthMax = 250
  /// Queries of one expansion.
  package var queriesMax = 500
  /// Bytes of what all of them find.
  package var foundBytesMax = 64 << 20

  package init() {}
}
