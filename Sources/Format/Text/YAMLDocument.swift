/// One YAML document as a tree of nodes. Immutable.
package struct YAMLDocument: Sendable {
  /// Bounds on what one document may ask of its reader.
  package struct Limits: Sendable {
    package var bytesMax: Int
    /// Lists and sections inside each other.
    package var depthMax: Int
    /// Nodes after every alias is expanded: a few lines of aliases of aliases stand for billions.
    package var nodesMax: Int

    package init(bytesMax: Int = 32 << 20, depthMax: Int = 64, nodesMax: Int = 2_000_000) {
      self.bytesMax = bytesMax
      self.depthMax = depthMax
      self.nodesMax = nodesMax
    }
  }

  /// An empty text is a null node.
  package var root: YAMLNode
  /// Position of a second document, which nobody reads; nil where there is none.
  package var secondDocument: YAMLPosition?

  package init(root: YAMLNode, secondDocument: YAMLPosition? = nil) {
    self.root = root
    self.secondDocument = secondDocument
  }

  package static func parse(_ text: String, limits: Limits = Limits()) throws(YAMLError) -> YAMLDocument {
    try parse(Array(text.utf8), limits: limits)
  }

  package static func parse(_ bytes: [UInt8], limits: Limits = Limits()) throws(YAMLError) -> YAMLDocument {
    let start = YAMLPosition(line: 1, column: 1)
    if bytes.count > limits.bytesMax {
      throw YAMLError(position: start, what: "the text is longer than \(limits.bytesMax) bytes")
    }
    var events = YAMLEvents(bytes)
    var builder = YAMLBuilder(limits: limits)
    return try builder.document(from: &events)
  }
}
