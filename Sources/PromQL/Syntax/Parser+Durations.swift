// Durations in brackets and after `offset`: numbers, and expressions over numbers, `step()` and `range()`.

extension Parser {
  /// The duration of a range or step: milliseconds where it is a number, else the expression.
  mutating func positiveDuration() throws(ParseError) -> (Int64, DurationExpression?) {
    let duration = try durationExpression(atLeast: 1)
    guard case .number(let literal) = duration else { return (0, duration) }
    if literal.value <= 0 { throw failure("duration must be greater than 0", at: literal.position) }
    return (QueryDuration.milliseconds(literal.value), nil)
  }

  /// After `offset`, only parentheses hold operators: `a offset 5m * 2` multiplies the vector.
  mutating func offsetDuration() throws(ParseError) -> DurationExpression {
    try enter()
    defer { nesting -= 1 }
    switch token.kind {
    case .number, .duration: return .number(try boundedNumber())
    case .preprocessor: return try durationCall()
    case .op(let op) where op == .add || op == .subtract:
      let sign = try advance()
      let operand: DurationExpression
      switch token.kind {
      case .number, .duration:
        return .number(try signed(try numberLiteral(), sign))
      case .preprocessor: operand = try durationCall()
      case .leftParen: operand = try durationParen()
      default: operand = try durationExpression(atLeast: BinaryOperator.power.precedence)
      }
      return try signed(operand, sign)
    case .leftParen:
      // What begins with a parenthesis goes on as a duration.
      return try durationExpression(atLeast: 1)
    default: throw unexpected()
    }
  }

  private mutating func durationExpression(atLeast least: Int) throws(ParseError) -> DurationExpression {
    try enter()
    defer { nesting -= 1 }
    var left = try durationOperand()
    var count = 0
    while case .op(let op) = token.kind, op.precedence >= least, op.isDurationOperator {
      count += 1
      if count > Parser.nestingMaximum {
        throw failure("duration has more than \(Parser.nestingMaximum) operators in a row", at: token.position)
      }
      let sign = try advance()
      let right = try durationExpression(atLeast: op.isRightAssociative ? op.precedence : op.precedence + 1)
      try requireDurationExpressions(left.position)
      if case .number(let literal) = right, literal.value == 0 {
        if op == .divide { throw failure("division by zero", at: sign.position) }
        if op == .modulo { throw failure("modulo by zero", at: sign.position) }
      }
      left = .binary(op, left, right)
    }
    return left
  }

  private mutating func durationOperand() throws(ParseError) -> DurationExpression {
    switch token.kind {
    case .number, .duration: return .number(try boundedNumber())
    case .preprocessor: return try durationCall()
    case .leftParen: return try durationParen()
    case .op(let op) where op == .add || op == .subtract:
      let sign = try advance()
      return try signed(try durationExpression(atLeast: BinaryOperator.power.precedence), sign)
    default: throw unexpected()
    }
  }

  private mutating func durationParen() throws(ParseError) -> DurationExpression {
    let open = try advance()
    let inner = try durationExpression(atLeast: 1)
    let close = try expect(.rightParen)
    try requireDurationExpressions(inner.position)
    return .paren(inner, .merged(open.position, close.position))
  }

  /// `step()`, `range()`, `min_of(a, b)`, `max_of(a, b)`.
  private mutating func durationCall() throws(ParseError) -> DurationExpression {
    guard case .preprocessor(let word) = token.kind, word != .start, word != .end else { throw unexpected() }
    let name = try advance()
    try expect(.leftParen)
    if word == .step || word == .range {
      let position = PositionRange.merged(name.position, try expect(.rightParen).position)
      try requireDurationExpressions(position)
      return word == .step ? .step(position) : .range(position)
    }
    let one = try durationExpression(atLeast: 1)
    try expect(.comma)
    let two = try durationExpression(atLeast: 1)
    let position = PositionRange.merged(name.position, try expect(.rightParen).position)
    try requireDurationExpressions(position)
    return word == .minOf ? .least(one, two, position) : .largest(one, two, position)
  }

  private mutating func boundedNumber() throws(ParseError) -> NumberLiteral {
    let literal = try numberLiteral()
    if QueryDuration.isOutOfRange(literal.value) { throw failure("duration out of range", at: literal.position) }
    return literal
  }

  private func signed(_ number: NumberLiteral, _ sign: Token) throws(ParseError) -> NumberLiteral {
    var literal = number
    if sign.kind == .op(.subtract) { literal.value = -literal.value }
    if QueryDuration.isOutOfRange(literal.value) { throw failure("duration out of range", at: sign.position) }
    literal.position.start = sign.position.start
    return literal
  }

  private func signed(_ operand: DurationExpression, _ sign: Token) throws(ParseError) -> DurationExpression {
    if case .number(let literal) = operand { return .number(try signed(literal, sign)) }
    if sign.kind == .op(.add) { return operand }
    return .negated(operand, .merged(sign.position, operand.position))
  }

  private func requireDurationExpressions(_ position: PositionRange) throws(ParseError) {
    if !options.durationExpressions { throw failure("experimental duration expression is not enabled", at: position) }
  }
}

extension BinaryOperator {
  var isDurationOperator: Bool {
    switch self {
    case .add, .subtract, .multiply, .divide, .modulo, .power: true
    default: false
    }
  }
}
