// What follows a selector: ranges, subqueries, `offset`, `@`, `anchored`, `smoothed`. They bind tightest.

extension Parser {
  mutating func postfix() throws(ParseError) -> Expression {
    var expression = try primary()
    // What stands in brackets counts for itself.
    let levels = levels
    var count = 0
    while true {
      count += 1
      // Each turn may wrap the expression once more.
      if count > Parser.nestingMaximum {
        throw failure("expression nests deeper than \(Parser.nestingMaximum) levels", at: token.position)
      }
      switch token.kind {
      case .leftBracket: expression = try bracket(expression)
      case .keyword(.offset): try offset(&expression)
      case .at: try at(&expression)
      case .keyword(.anchored):
        try advance()
        try setExtended(&expression, anchored: true)
      case .keyword(.smoothed):
        try advance()
        try setExtended(&expression, anchored: false)
      default:
        self.levels = levels + count - 1
        return expression
      }
    }
  }

  private mutating func bracket(_ expression: Expression) throws(ParseError) -> Expression {
    let open = try advance()
    let outer = context
    context = .bracket
    let (range, rangeExpression) = try positiveDuration()
    if token.kind == .rightBracket {
      let close = try advance()
      context = outer
      return try matrix(expression, range, rangeExpression, .merged(open.position, close.position))
    }
    guard token.kind == .colon else { throw unexpected(" in subquery or range, expected \":\" or \"]\"") }
    try advance()
    var step: Int64 = 0
    var stepExpression: DurationExpression?
    if token.kind != .rightBracket {
      context = .subqueryStep
      (step, stepExpression) = try positiveDuration()
      guard token.kind == .rightBracket else { throw unexpected(" in subquery selector, expected \"]\"") }
    }
    let close = try advance()
    context = outer
    return .subquery(
      Subquery(
        expression: expression, range: range, rangeExpression: rangeExpression, step: step,
        stepExpression: stepExpression, position: .merged(expression.position, close.position)))
  }

  private func matrix(
    _ expression: Expression, _ range: Int64, _ rangeExpression: DurationExpression?, _ brackets: PositionRange
  ) throws(ParseError) -> Expression {
    guard case .selector(let selector) = expression else {
      throw failure("ranges only allowed for vector selectors", at: brackets)
    }
    if selector.shift.hasOffset { throw failure("no offset modifiers allowed before range", at: brackets) }
    if selector.shift.at != nil { throw failure("no @ modifiers allowed before range", at: brackets) }
    return .matrix(
      MatrixSelector(
        selector: selector, range: range, rangeExpression: rangeExpression,
        position: .merged(selector.position, brackets)))
  }

  private mutating func offset(_ expression: inout Expression) throws(ParseError) {
    try advance()
    let outer = context
    context = .offset
    let first = token.position
    let duration = try offsetDuration()
    context = outer
    let position = expression.position
    let end = max(first.end, duration.position.end)
    guard var shift = expression.shift else {
      let wanted = "an instant vector selector or range vector selector or a subquery"
      throw failure("offset modifier must be preceded by \(wanted)", at: position)
    }
    if shift.hasOffset { throw failure("offset may not be set multiple times", at: position) }
    if case .number(let literal) = duration {
      shift.offset = QueryDuration.milliseconds(literal.value)
    } else {
      shift.offsetExpression = duration
    }
    expression.setShift(shift, end: end)
  }

  private mutating func at(_ expression: inout Expression) throws(ParseError) {
    try advance()
    let outer = context
    context = .at
    let modifier: AtModifier
    let end: Int
    var outOfBounds: String?
    if case .preprocessor(let word) = token.kind, word == .start || word == .end {
      try advance()
      try expect(.leftParen)
      end = try expect(.rightParen).position.end
      modifier = word == .start ? .start : .end
    } else {
      let literal = try signedNumber()
      end = literal.position.end
      let isInBounds = literal.value.magnitude < 9.2233720368547758e18
      if !isInBounds { outOfBounds = NumberText.fixed(literal.value, places: 6) }
      modifier = .milliseconds(isInBounds ? Parser.timestamp(literal.value) : 0)
    }
    context = outer
    let position = expression.position
    if let outOfBounds {
      throw failure("timestamp out of bounds for @ modifier: \(outOfBounds)", at: position)
    }
    guard var shift = expression.shift else {
      let wanted = "an instant vector selector or range vector selector or a subquery"
      throw failure("@ modifier must be preceded by \(wanted)", at: position)
    }
    if shift.at != nil { throw failure("@ <timestamp> may not be set multiple times", at: position) }
    shift.at = modifier
    expression.setShift(shift, end: end)
  }

  /// Milliseconds of a time in seconds, held in the range of timestamps.
  static func timestamp(_ seconds: Double) -> Int64 {
    let milliseconds = (seconds * 1000).rounded(.toNearestOrAwayFromZero)
    if milliseconds >= 9.2233720368547758e18 { return Int64.max }
    if milliseconds <= -9.2233720368547758e18 { return Int64.min }
    return Int64(milliseconds)
  }

  private func setExtended(_ expression: inout Expression, anchored: Bool) throws(ParseError) {
    let word = anchored ? "anchored" : "smoothed"
    if !options.extendedRangeSelectors {
      throw failure("\(word) modifier is experimental and not enabled", at: expression.position)
    }
    func set(_ selector: inout VectorSelector) throws(ParseError) {
      if anchored { selector.isAnchored = true } else { selector.isSmoothed = true }
      if selector.isAnchored, selector.isSmoothed {
        throw failure("anchored and smoothed modifiers cannot be used together", at: expression.position)
      }
    }
    switch expression {
    case .selector(var node):
      try set(&node)
      expression = .selector(node)
    case .matrix(var node):
      try set(&node.selector)
      expression = .matrix(node)
    case .subquery: throw failure("\(word) modifier is not supported for subqueries", at: expression.position)
    // Prometheus's words: what is neither selector nor subquery has no window to extend.
    default: throw failure("\(word) modifier not implemented", at: expression.position)
    }
  }
}

extension Expression {
  /// The shift of what can be shifted.
  var shift: TimeShift? {
    switch self {
    case .selector(let node): node.shift
    case .matrix(let node): node.selector.shift
    case .subquery(let node): node.shift
    default: nil
    }
  }

  mutating func setShift(_ shift: TimeShift, end: Int) {
    switch self {
    case .selector(var node):
      node.shift = shift
      node.position.end = end
      self = .selector(node)
    case .matrix(var node):
      node.selector.shift = shift
      node.position.end = end
      self = .matrix(node)
    case .subquery(var node):
      node.shift = shift
      node.position.end = end
      self = .subquery(node)
    default: break
    }
  }
}
