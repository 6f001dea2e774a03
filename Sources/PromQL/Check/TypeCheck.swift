import Model

/// The check of a parsed tree: the kinds of operands and arguments, the labels of matchings. Also settles what only
/// kinds decide: set operators match many to many, and only vectors match at all.
struct TypeCheck {
  let query: [UInt8]

  private func failure(_ message: String, at position: PositionRange) -> ParseError {
    ParseError(message, at: position, in: query)
  }

  mutating func check(_ expression: inout Expression) throws(ParseError) {
    switch expression {
    case .number, .string: break
    case .selector(let node): try check(node, allowsEmpty: false)
    case .matrix(let node): try check(node.selector, allowsEmpty: false)
    case .subquery(var node):
      try check(&node.expression)
      let kind = node.expression.kind
      if kind != .vector {
        throw failure("subquery is only allowed on instant vector, got \(kind.rawValue) instead", at: node.position)
      }
      expression = .subquery(node)
    case .call(var node):
      try check(&node)
      expression = .call(node)
    case .aggregation(var node):
      try check(&node)
      expression = .aggregation(node)
    case .binary(var node):
      try check(&node.left)
      try check(&node.right)
      try check(&node)
      expression = .binary(node)
    case .unary(var node):
      try check(&node.expression)
      let kind = node.expression.kind
      if kind != .scalar && kind != .vector {
        let allowed = "unary expression only allowed on expressions of type scalar or instant vector"
        throw failure("\(allowed), got \(QuotedText.double(kind.documented))", at: node.position)
      }
      expression = .unary(node)
    case .paren(var node):
      try check(&node.expression)
      expression = .paren(node)
    }
  }

  private func check(_ selector: VectorSelector, allowsEmpty: Bool) throws(ParseError) {
    if !selector.name.isEmpty {
      for matcher in selector.matchers.dropLast() where matcher.name == LabelName.metric {
        let both = "\(QuotedText.double(selector.name)) or \(QuotedText.double(matcher.value))"
        throw failure("metric name must not be set twice: \(both)", at: selector.position)
      }
      return
    }
    if !allowsEmpty, selector.matchers.allSatisfy({ MatcherPattern.matchesEmpty($0) }) {
      throw failure("vector selector must contain at least one non-empty matcher", at: selector.position)
    }
  }

  private mutating func check(_ node: inout Aggregation) throws(ParseError) {
    try expect(&node.expression, .vector, "aggregation expression")
    guard var parameter = node.parameter else { return }
    try expect(&parameter, node.op == .countValues ? .string : .scalar, "aggregation parameter")
    node.parameter = parameter
  }

  private mutating func expect(_ expression: inout Expression, _ kind: ValueKind, _ place: String) throws(ParseError) {
    try check(&expression)
    if expression.kind != kind {
      let got = expression.kind.documented
      throw failure("expected type \(kind.documented) in \(place), got \(got)", at: expression.position)
    }
  }

  private mutating func check(_ node: inout Call) throws(ParseError) {
    let name = QuotedText.double(node.function.name)
    let listed = node.function.arguments.count
    let given = node.arguments.count
    if node.function.variadic == .fixed {
      if listed != given {
        throw failure("expected \(listed) argument(s) in call to \(name), got \(given)", at: node.position)
      }
    } else {
      if listed - 1 > given {
        throw failure("expected at least \(listed - 1) argument(s) in call to \(name), got \(given)", at: node.position)
      }
      if case .upTo(let more) = node.function.variadic, listed - 1 + more < given {
        let most = listed - 1 + more
        throw failure("expected at most \(most) argument(s) in call to \(name), got \(given)", at: node.position)
      }
    }
    if node.function.name == "info", given > 1 {
      try checkInfo(node)
      try check(&node.arguments[0])
      return try checkKind(node, 0)
    }
    for index in node.arguments.indices {
      try check(&node.arguments[index])
      try checkKind(node, index)
    }
  }

  private func checkKind(_ node: Call, _ index: Int) throws(ParseError) {
    let wanted = node.function.arguments[min(index, node.function.arguments.count - 1)]
    let argument = node.arguments[index]
    if argument.kind != wanted {
      let call = "call to function \(QuotedText.double(node.function.name))"
      throw failure(
        "expected type \(wanted.documented) in \(call), got \(argument.kind.documented)", at: argument.position)
    }
  }

  /// The second argument of `info` is only a list of matchers.
  private func checkInfo(_ node: Call) throws(ParseError) {
    let second = node.arguments[1]
    if second.kind != .vector {
      let call = "call to function \(QuotedText.double(node.function.name))"
      throw failure("expected type instant vector in \(call), got \(second.kind.documented)", at: node.position)
    }
    guard case .selector(let selector) = second else {
      throw failure("expected label selectors only", at: second.position)
    }
    if !selector.name.isEmpty {
      throw failure("expected label selectors only, got vector selector instead", at: second.position)
    }
    try check(selector, allowsEmpty: true)
  }

  private func check(_ node: inout BinaryExpression) throws(ParseError) {
    let left = node.left.kind
    let right = node.right.kind
    let word = QuotedText.double(node.op.rawValue)
    if node.returnsBool, !node.op.isComparison {
      throw failure("bool modifier can only be used on comparison operators", at: operatorPosition(node))
    }
    if node.op.isComparison, !node.returnsBool, left == .scalar, right == .scalar {
      throw failure("comparisons between scalars must use BOOL modifier", at: operatorPosition(node))
    }
    guard var matching = node.matching else { return }
    if matching.isOn, let both = matching.labels.first(where: { matching.include.contains($0) }) {
      let clash = "label \(QuotedText.double(both)) must not occur in ON and GROUP clause at once"
      throw failure(clash, at: operatorPosition(node))
    }
    for (kind, side) in [(left, node.left), (right, node.right)] where kind != .scalar && kind != .vector {
      throw failure("binary expression must contain only scalar and instant vector types", at: side.position)
    }
    let isFilled = matching.fillLeft != nil || matching.fillRight != nil
    if left != .vector || right != .vector {
      if !matching.labels.isEmpty {
        throw failure("vector matching only allowed between instant vectors", at: node.position)
      }
      if isFilled { throw failure("filling in missing series only allowed between instant vectors", at: node.position) }
      if node.op.isSetOperator {
        throw failure("set operator \(word) not allowed in binary scalar expression", at: node.position)
      }
      node.matching = nil
      return
    }
    if node.op.isSetOperator {
      if matching.cardinality != .oneToOne {
        throw failure("no grouping allowed for \(word) operation", at: node.position)
      }
      if isFilled { throw failure("filling in missing series not allowed for set operators", at: node.position) }
      matching.cardinality = .manyToMany
    }
    node.matching = matching
  }

  /// The operator with its modifiers, without the blanks around.
  private func operatorPosition(_ node: BinaryExpression) -> PositionRange {
    var position = PositionRange(node.left.position.end, node.right.position.start - 1)
    while position.start < query.count, Rune(value: UInt32(query[position.start])).isSpace { position.start += 1 }
    while position.end > position.start, Rune(value: UInt32(query[position.end])).isSpace { position.end -= 1 }
    return position
  }
}
