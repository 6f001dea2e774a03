import Model

/// The parts of the language that are on, of those Prometheus keeps behind `--enable-feature`.
package struct ParserOptions: Sendable {
  package var experimentalFunctions = false
  package var durationExpressions = true
  package var extendedRangeSelectors = false
  package var fillModifiers = false

  package init() {}

  /// Every part of the language.
  package static let all: ParserOptions = {
    var options = ParserOptions()
    options.experimentalFunctions = true
    options.extendedRangeSelectors = true
    options.fillModifiers = true
    return options
  }()
}

/// Reads queries: recursive descent with operator precedence. One per query, used once. Depth is bounded, so that no text
/// exhausts the stack, neither here nor in whatever walks the tree later.
package struct Parser {
  /// The most expressions inside each other by parentheses, calls and unary signs.
  static let nestingMaximum = 200
  /// The longest chain of operators: its tree leans to the left.
  static let depthMaximum = 1000
  /// The deepest tree, chains inside chains included.
  static let levelsMaximum = depthMaximum + nestingMaximum
  /// The longest text, in bytes: its tree takes some hundred times as much.
  package static let textBytesMaximum = 1 << 20

  let options: ParserOptions
  var lexer: Lexer
  /// The next token, not yet consumed.
  var token: Token
  var nesting = 0
  /// Levels of the tree that was built last.
  var levels = 0
  /// The innermost aggregation, offset or bracket still open, which a message about an unexpected token names.
  var context = Context.none

  enum Context {
    case none, aggregation, bracket, subqueryStep, offset, at

    var suffix: String {
      switch self {
      case .none: ""
      case .aggregation: " in aggregation"
      case .bracket: " in subquery or range selector, expected number, duration, step(), or range()"
      case .subqueryStep: " in subquery selector, expected number, duration, step(), range(), or \"]\""
      case .offset: " in offset, expected number, duration, step(), or range()"
      case .at: " in @, expected timestamp"
      }
    }
  }

  private init(_ query: String, _ options: ParserOptions) throws(ParseError) {
    self.options = options
    if query.utf8.count > Parser.textBytesMaximum {
      let sizes = "\(query.utf8.count) bytes long, the most is \(Parser.textBytesMaximum)"
      throw ParseError("query is \(sizes)", at: PositionRange(0, 0), in: [])
    }
    lexer = Lexer(Array(query.utf8))
    token = try lexer.nextToken()
  }

  /// The tree of a query, its types checked.
  package static func parse(_ query: String, options: ParserOptions = .init()) throws(ParseError) -> Expression {
    var parser = try Parser(query, options)
    if parser.token.kind == .end {
      throw ParseError("no expression found in input", at: PositionRange(0, 0), in: parser.lexer.input)
    }
    var expression = try parser.expression()
    if parser.token.kind != .end { throw parser.unexpected() }
    var check = TypeCheck(query: parser.lexer.input)
    try check.check(&expression)
    return expression
  }

  /// The matchers of a selector like `up{job="a"}`, for `match[]` parameters.
  package static func parseSelector(_ text: String) throws(ParseError) -> [Matcher] {
    var parser = try Parser(text, ParserOptions())
    let selector: VectorSelector
    if parser.token.kind == .leftBrace {
      selector = try parser.bracedSelector()
    } else {
      guard parser.isMetricName else { throw parser.unexpected() }
      let name = try parser.advance()
      selector = try parser.namedSelector(name)
    }
    if parser.token.kind != .end { throw parser.unexpected() }
    return selector.matchers
  }

  // Tokens.

  /// Consumes the next token.
  @discardableResult
  mutating func advance() throws(ParseError) -> Token {
    let consumed = token
    token = try lexer.nextToken()
    return consumed
  }

  func bytes(of token: Token) -> ArraySlice<UInt8> { lexer.input[token.position.start..<token.position.end] }
  func text(of token: Token) -> String { String(decoding: bytes(of: token), as: UTF8.self) }

  /// Consumes a token of this kind, or complains in the context.
  @discardableResult
  mutating func expect(_ kind: TokenKind) throws(ParseError) -> Token {
    guard token.kind == kind else { throw unexpected() }
    return try advance()
  }

  func failure(_ message: String, at position: PositionRange) -> ParseError {
    ParseError(message, at: position, in: lexer.input)
  }

  func unexpected() -> ParseError { unexpected(context.suffix) }

  func unexpected(_ suffix: String) -> ParseError {
    failure("unexpected " + token.description(bytes(of: token)) + suffix, at: token.position)
  }

  mutating func enter() throws(ParseError) {
    nesting += 1
    if nesting > Parser.nestingMaximum {
      throw failure("expression nests deeper than \(Parser.nestingMaximum) levels", at: token.position)
    }
  }

  // Expressions.

  mutating func expression() throws(ParseError) -> Expression {
    try enter()
    defer { nesting -= 1 }
    var chain = 0
    return try operators(atLeast: 1, &chain)
  }

  /// Operators that bind at least so tightly, by climbing their precedence.
  private mutating func operators(atLeast least: Int, _ chain: inout Int) throws(ParseError) -> Expression {
    var left = try unary(&chain)
    var levels = levels
    while case .op(let op) = token.kind, op.precedence >= least {
      chain += 1
      if chain > Parser.depthMaximum {
        throw failure("expression has more than \(Parser.depthMaximum) operators in a row", at: token.position)
      }
      try advance()
      var binary = try modifiers(op, left)
      // The right side of a chain to the right grows the nesting too.
      try enter()
      defer { nesting -= 1 }
      binary.right = try operators(atLeast: op.isRightAssociative ? op.precedence : op.precedence + 1, &chain)
      if binary.matching?.fillLeft != nil || binary.matching?.fillRight != nil, !options.fillModifiers {
        throw failure("binop fill modifiers are experimental and not enabled", at: binary.position)
      }
      left = .binary(binary)
      levels = max(levels, self.levels) + 1
      if levels > Parser.levelsMaximum {
        throw failure("expression is more than \(Parser.levelsMaximum) levels deep", at: binary.position)
      }
    }
    self.levels = levels
    return left
  }

  /// Signs bind as tightly as `*`: `-a ^ 2` is `-(a ^ 2)`, `-a * b` is `(-a) * b`.
  private mutating func unary(_ chain: inout Int) throws(ParseError) -> Expression {
    guard case .op(let op) = token.kind, op == .add || op == .subtract else { return try postfix() }
    let sign = try advance()
    try enter()
    defer { nesting -= 1 }
    let operand = try operators(atLeast: BinaryOperator.power.precedence, &chain)
    if case .number(var literal) = operand {
      if op == .subtract { literal.value = -literal.value }
      literal.position.start = sign.position.start
      return .number(literal)
    }
    levels += 1
    return .unary(
      UnaryExpression(
        isNegative: op == .subtract, expression: operand, position: .merged(sign.position, operand.position)))
  }

  /// `bool`, `on`, `ignoring`, `group_left`, `group_right`, `fill` after an operator.
  private mutating func modifiers(_ op: BinaryOperator, _ left: Expression) throws(ParseError) -> BinaryExpression {
    var matching = VectorMatching()
    var returnsBool = false
    if token.kind == .keyword(.bool) {
      try advance()
      returnsBool = true
    }
    if token.kind == .keyword(.on) || token.kind == .keyword(.ignoring) {
      matching.isOn = try advance().kind == .keyword(.on)
      matching.labels = try groupingLabels()
      if token.kind == .keyword(.groupLeft) || token.kind == .keyword(.groupRight) {
        let isLeft = try advance().kind == .keyword(.groupLeft)
        matching.cardinality = isLeft ? .manyToOne : .oneToMany
        if token.kind == .leftParen { matching.include = try groupingLabels() }
      }
    }
    try fillModifiers(&matching)
    return BinaryExpression(op: op, left: left, right: left, returnsBool: returnsBool, matching: matching)
  }

  private mutating func fillModifiers(_ matching: inout VectorMatching) throws(ParseError) {
    if token.kind == .keyword(.fill) {
      try advance()
      let value = try fillValue()
      matching.fillLeft = value
      matching.fillRight = value
      return
    }
    if token.kind == .keyword(.fillLeft) {
      try advance()
      matching.fillLeft = try fillValue()
      if token.kind == .keyword(.fillRight) {
        try advance()
        matching.fillRight = try fillValue()
      }
    } else if token.kind == .keyword(.fillRight) {
      try advance()
      matching.fillRight = try fillValue()
      if token.kind == .keyword(.fillLeft) {
        try advance()
        matching.fillLeft = try fillValue()
      }
    }
  }

  private mutating func fillValue() throws(ParseError) -> Double {
    try expect(.leftParen)
    let value = try signedNumber().value
    try expect(.rightParen)
    return value
  }

  /// A number or duration with an optional sign.
  mutating func signedNumber() throws(ParseError) -> NumberLiteral {
    var isNegative = false
    var first = token.position
    if token.kind == .op(.add) || token.kind == .op(.subtract) {
      isNegative = token.kind == .op(.subtract)
      first = try advance().position
    }
    guard token.kind == .number || token.kind == .duration else { throw unexpected() }
    var literal = try numberLiteral()
    if isNegative { literal.value = -literal.value }
    literal.position.start = first.start
    return literal
  }

  mutating func numberLiteral() throws(ParseError) -> NumberLiteral {
    let number = try advance()
    let text = text(of: number)
    if number.kind == .duration {
      guard let milliseconds = DurationText.parse(text) else {
        throw failure(QueryDuration.complaint(text), at: number.position)
      }
      return NumberLiteral(value: QueryDuration.seconds(milliseconds), isDuration: true, position: number.position)
    }
    let (value, isTooLarge) = NumberText.parse(text)
    guard let value else {
      let reason = isTooLarge ? "value out of range" : "invalid syntax"
      throw failure(
        "error parsing number: strconv.ParseFloat: parsing \(QuotedText.double(text)): \(reason)", at: number.position)
    }
    return NumberLiteral(value: value, isDuration: false, position: number.position)
  }

  /// `(a, b)` after `by`, `without`, `on`, `ignoring`, `group_left`, `group_right`.
  mutating func groupingLabels() throws(ParseError) -> [String] {
    guard token.kind == .leftParen else { throw unexpected(" in grouping opts, expected \"(\"") }
    try advance()
    var labels: [String] = []
    while token.kind != .rightParen {
      labels.append(try groupingLabel())
      if token.kind == .comma {
        try advance()
      } else if token.kind != .rightParen {
        throw unexpected(" in grouping opts, expected \",\" or \")\"")
      }
    }
    try advance()
    return labels
  }

  private mutating func groupingLabel() throws(ParseError) -> String {
    let name: String
    switch token.kind {
    case .identifier, .metricIdentifier, .aggregation, .preprocessor: name = text(of: token)
    case .op(.and), .op(.or), .op(.unless), .op(.arcTangent): name = text(of: token)
    case .keyword(let keyword) where keyword != .without: name = text(of: token)
    case .string: name = StringText.value(of: bytes(of: token))
    default: throw unexpected(" in grouping opts, expected label")
    }
    if name.isEmpty {
      throw failure("invalid label name for grouping: \(QuotedText.double(name))", at: token.position)
    }
    try advance()
    return name
  }
}
