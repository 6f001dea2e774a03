/// A query that is read and checked once and evaluated many times: a rule's expression. A value; any thread.
package struct PreparedQuery: Sendable {
  /// The query as written.
  package let text: String
  package let expression: Expression
  /// The tree with all that depends on the times of a query settled, and its parts that are the same; nil where these
  /// are not the same at every time.
  let settled: (expression: Expression, shared: SharedResults)?

  package init(_ text: String, options: ParserOptions = ParserOptions()) throws(QueryError) {
    self.text = text
    do throws(ParseError) {
      expression = try Parser.parse(text, options: options)
    } catch {
      throw .invalid(error.description)
    }
    if expression.isTimeless {
      let resolved = try Resolver(start: 0, end: 0, step: 0).resolve(expression)
      settled = (resolved, SharedResults(finding: resolved, textBytes: text.utf8.count))
    } else {
      settled = nil
    }
  }
}

extension Expression {
  /// True if nothing in the text depends on the times of the query: no duration that is computed, no `@ start()`, none of
  /// the functions that tell these times.
  fileprivate var isTimeless: Bool {
    switch self {
    case .number, .string: true
    case .selector(let node): node.shift.isTimeless
    case .matrix(let node): node.rangeExpression == nil && node.selector.shift.isTimeless
    case .subquery(let node):
      node.rangeExpression == nil && node.stepExpression == nil && node.shift.isTimeless && node.expression.isTimeless
    case .call(let node):
      !["start", "end", "step", "range"].contains(node.function.name) && node.arguments.allSatisfy(\.isTimeless)
    default: children.allSatisfy(\.isTimeless)
    }
  }
}

extension TimeShift {
  fileprivate var isTimeless: Bool { offsetExpression == nil && at != .start && at != .end }
}
