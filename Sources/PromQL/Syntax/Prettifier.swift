// Trees as text of several lines: a part longer than a line is split at its parentheses and operators.

extension Expression {
  /// The longest form that is made, in bytes: each level is indented, so that a deep query becomes many times as long.
  package static let prettifiedBytesMaximum = 16 << 20

  /// The form of `/api/v1/format_query`; nil where it is longer than `prettifiedBytesMaximum`.
  package var prettified: String? {
    var writer = PrettyWriter()
    writer.write(self, 0)
    return writer.isTooLong ? nil : writer.text
  }

  /// True if the tree has more nodes than so many; looks at no more of them.
  fileprivate func hasMoreNodes(than count: Int) -> Bool {
    var left = count
    return !countDown(&left)
  }

  private func countDown(_ left: inout Int) -> Bool {
    left -= 1
    return left >= 0 && children.allSatisfy { $0.countDown(&left) }
  }
}

/// The lines while they are written. One owner.
private struct PrettyWriter {
  private(set) var text = ""
  private(set) var isTooLong = false

  private static let lineBytesMaximum = 100

  mutating func write(_ expression: Expression, _ level: Int) {
    if isTooLong { return }
    if let flat = PrettyWriter.line(expression) {
      // A subquery is not indented by itself: its expression is.
      if case .subquery = expression { return append(flat) }
      return append(PrettyWriter.indent(level) + flat)
    }
    let indent = PrettyWriter.indent(level)
    switch expression {
    case .number, .string, .selector, .matrix: append(indent + expression.description)
    case .aggregation(let node):
      append("\(indent)\(Printer.head(node))(\n")
      write((node.parameter.map { [$0] } ?? []) + [node.expression], level + 1)
      append("\n\(indent))")
    case .binary(let node):
      write(node.left, level + 1)
      append("\n\(indent)\(Printer.operatorText(node))\n")
      write(node.right, level + 1)
    case .call(let node):
      append("\(indent)\(node.function.name)(\n")
      write(node.arguments, level + 1)
      append("\n\(indent))")
    case .paren(let node):
      append("\(indent)(\n")
      write(node.expression, level + 1)
      append("\n\(indent))")
    case .subquery(let node):
      write(node.expression, level)
      append(Printer.timeSuffix(node))
    case .unary(let node):
      var child = PrettyWriter()
      child.write(node.expression, level)
      isTooLong = child.isTooLong
      append("\(indent)\(node.isNegative ? "-" : "+")\(child.text.drop { $0 == " " })")
    }
  }

  private mutating func write(_ expressions: [Expression], _ level: Int) {
    for (place, expression) in expressions.enumerated() {
      if place > 0 { append(",\n") }
      write(expression, level)
    }
  }

  private mutating func append(_ part: String) {
    isTooLong = isTooLong || text.utf8.count + part.utf8.count > Expression.prettifiedBytesMaximum
    if !isTooLong { text += part }
  }

  private static func indent(_ level: Int) -> String { String(repeating: "  ", count: level) }

  /// All of the expression where it fits a line. Each node takes a byte at least, so that large trees are not printed for it.
  private static func line(_ expression: Expression) -> String? {
    if expression.hasMoreNodes(than: lineBytesMaximum) { return nil }
    let flat = expression.description
    return flat.utf8.count <= lineBytesMaximum ? flat : nil
  }
}
