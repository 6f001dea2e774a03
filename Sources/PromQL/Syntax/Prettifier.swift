// Trees as text of several lines: a part longer than a line is split at its parentheses and operators.

extension Expression {
  /// The form of `/api/v1/format_query`.
  package var prettified: String { pretty(0) }

  private static let lineBytesMaximum = 100

  private func pretty(_ level: Int) -> String {
    let indent = String(repeating: "  ", count: level)
    let flat = description
    if flat.utf8.count <= Expression.lineBytesMaximum {
      // A subquery is not indented by itself: its expression is.
      if case .subquery = self { return flat }
      return indent + flat
    }
    switch self {
    case .number, .string, .selector, .matrix: return indent + flat
    case .aggregation(let node):
      let parameter = node.parameter.map { $0.pretty(level + 1) + ",\n" } ?? ""
      return "\(indent)\(Printer.head(node))(\n\(parameter)\(node.expression.pretty(level + 1))\n\(indent))"
    case .binary(let node):
      let op = Printer.operatorText(node)
      return "\(node.left.pretty(level + 1))\n\(indent)\(op)\n\(node.right.pretty(level + 1))"
    case .call(let node):
      let arguments = node.arguments.map { $0.pretty(level + 1) }.joined(separator: ",\n")
      return "\(indent)\(node.function.name)(\n\(arguments)\n\(indent))"
    case .paren(let node): return "\(indent)(\n\(node.expression.pretty(level + 1))\n\(indent))"
    case .subquery(let node): return node.expression.pretty(level) + Printer.timeSuffix(node)
    case .unary(let node):
      let child = node.expression.pretty(level).drop { $0 == " " }
      return "\(indent)\(node.isNegative ? "-" : "+")\(child)"
    }
  }
}
