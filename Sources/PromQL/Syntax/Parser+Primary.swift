import Model

// What operators stand between: literals, selectors, calls, aggregations, parentheses.

extension Parser {
  var isMetricName: Bool {
    switch token.kind {
    case .identifier, .metricIdentifier, .aggregation, .preprocessor: true
    case .op(.and), .op(.or), .op(.unless): true
    case .keyword(let keyword): keyword.canBeMetric
    default: false
    }
  }

  mutating func primary() throws(ParseError) -> Expression {
    levels = 1
    switch token.kind {
    case .number, .duration: return .number(try numberLiteral())
    case .string:
      let literal = try advance()
      let bytes = StringText.bytes(of: bytes(of: literal))
      let value = String(decoding: bytes, as: UTF8.self)
      let isValid = value.utf8.elementsEqual(bytes)
      return .string(StringLiteral(value: value, invalidBytes: isValid ? [] : bytes, position: literal.position))
    case .leftParen: return try parenthesized()
    case .leftBrace: return .selector(try bracedSelector())
    default: break
    }
    guard isMetricName else { throw unexpected() }
    let name = try advance()
    if case .aggregation(let op) = name.kind {
      switch token.kind {
      case .leftParen, .keyword(.by), .keyword(.without): return try aggregation(op, name)
      default: break
      }
    }
    if token.kind == .leftParen {
      switch name.kind {
      case .identifier, .preprocessor: return try call(name)
      default: break
      }
    }
    return .selector(try namedSelector(name))
  }

  private mutating func parenthesized() throws(ParseError) -> Expression {
    let open = try advance()
    let inner = try expression()
    let close = try expect(.rightParen)
    levels += 1
    return .paren(ParenExpression(expression: inner, position: .merged(open.position, close.position)))
  }

  /// The arguments of a call and where its closing parenthesis ends.
  private mutating func arguments() throws(ParseError) -> ([Expression], PositionRange) {
    try expect(.leftParen)
    var arguments: [Expression] = []
    if token.kind == .rightParen { return (arguments, try advance().position) }
    arguments.append(try expression())
    var deepest = levels
    while token.kind == .comma {
      let comma = try advance()
      if token.kind == .rightParen {
        throw failure("trailing commas not allowed in function call args", at: comma.position)
      }
      arguments.append(try expression())
      deepest = max(deepest, levels)
    }
    levels = deepest + 1
    return (arguments, try expect(.rightParen).position)
  }

  private mutating func call(_ name: Token) throws(ParseError) -> Expression {
    let (arguments, end) = try arguments()
    let text = text(of: name)
    guard let function = FunctionSignature.named(text) else {
      throw failure("unknown function with name \(QuotedText.double(text))", at: name.position)
    }
    if function.isExperimental, !options.experimentalFunctions {
      throw failure("function \(QuotedText.double(text)) is not enabled", at: name.position)
    }
    return .call(Call(function: function, arguments: arguments, position: .merged(name.position, end)))
  }

  private mutating func aggregation(_ op: AggregationOperator, _ name: Token) throws(ParseError) -> Expression {
    let outer = context
    context = .aggregation
    var grouping: [String]?
    var isWithout = false
    if token.kind != .leftParen { grouping = try aggregationModifier(&isWithout) }
    var (arguments, end) = try arguments()
    if grouping == nil, token.kind == .keyword(.by) || token.kind == .keyword(.without) {
      let first = token.position.start
      grouping = try aggregationModifier(&isWithout)
      end.end = max(end.end, lastParenEnd(before: token.position.start, after: first))
    }
    context = outer
    let position = PositionRange.merged(name.position, end)
    if arguments.isEmpty { throw failure("no arguments for aggregate expression provided", at: position) }
    if op.isExperimental, !options.experimentalFunctions {
      let flag = "must be enabled with --enable-feature=promql-experimental-functions"
      throw failure("\(op.rawValue)() is experimental and \(flag)", at: position)
    }
    let wanted = op.hasParameter ? 2 : 1
    if arguments.count != wanted {
      let counts = "expected \(wanted), got \(arguments.count)"
      throw failure("wrong number of arguments for aggregate expression provided, \(counts)", at: position)
    }
    return .aggregation(
      Aggregation(
        op: op, expression: arguments[wanted - 1], parameter: op.hasParameter ? arguments[0] : nil,
        grouping: grouping ?? [], isWithout: isWithout, position: position))
  }

  private func lastParenEnd(before: Int, after: Int) -> Int {
    let closing = UInt8(ascii: ")")
    return (lexer.input[after..<before].lastIndex(of: closing) ?? after) + 1
  }

  private mutating func aggregationModifier(_ isWithout: inout Bool) throws(ParseError) -> [String] {
    isWithout = try advance().kind == .keyword(.without)
    return try groupingLabels()
  }

  // Selectors.

  mutating func namedSelector(_ name: Token) throws(ParseError) -> VectorSelector {
    let text = text(of: name)
    var selector = VectorSelector(name: text, matchers: [], position: name.position)
    if token.kind == .leftBrace {
      let braced = try bracedSelector()
      selector.matchers = braced.matchers
      selector.position.end = braced.position.end
    }
    selector.matchers.append(Matcher(.equal, LabelName.metric, text))
    return selector
  }

  mutating func bracedSelector() throws(ParseError) -> VectorSelector {
    let open = try expect(.leftBrace)
    var matchers: [Matcher] = []
    while token.kind != .rightBrace {
      matchers.append(try labelMatcher())
      if token.kind == .comma {
        try advance()
      } else if token.kind != .rightBrace {
        throw unexpected(" in label matching, expected \",\" or \"}\"")
      }
    }
    let close = try advance()
    return VectorSelector(name: "", matchers: matchers, position: .merged(open.position, close.position))
  }

  private mutating func labelMatcher() throws(ParseError) -> Matcher {
    let isQuoted = token.kind == .string
    guard isQuoted || token.kind == .identifier else {
      throw unexpected(" in label matching, expected identifier or \"}\"")
    }
    let label = try advance()
    let name = isQuoted ? StringText.value(of: bytes(of: label)) : text(of: label)
    let kind: MatchKind
    switch token.kind {
    case .equal: kind = .equal
    case .op(.notEqual): kind = .notEqual
    case .equalRegex: kind = .regex
    case .notEqualRegex: kind = .notRegex
    default:
      // A string alone is the metric's name.
      if isQuoted { return Matcher(.equal, LabelName.metric, name) }
      throw unexpected(" in label matching, expected label matching operator")
    }
    try advance()
    guard token.kind == .string else { throw unexpected(" in label matching, expected string") }
    let value = try advance()
    let matcher = Matcher(kind, name, StringText.value(of: bytes(of: value)))
    if let complaint = MatcherPattern.complaint(matcher) {
      throw failure(complaint, at: .merged(label.position, value.position))
    }
    return matcher
  }
}
