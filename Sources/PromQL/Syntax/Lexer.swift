import Model

/// Cuts the bytes of a query into tokens, one at a time. Any byte sequence is safe: what is not in the language becomes
/// a `ParseError`. Owned by one parser.
struct Lexer {
  /// The place within a selector, which decides what the next token may be.
  private enum Mode { case statements, braces, durationExpression }

  let input: [UInt8]
  var position = 0
  /// Offset of the token under way.
  var start = 0
  private var width = 0
  private var mode = Mode.statements
  private var parenDepth = 0
  private var bracketOpen = false
  private var gotColon = false
  private var gotDuration = false
  /// True in the notation of series: an `x` ends a number there, so none is hexadecimal.
  var isInSeries = false

  init(_ input: [UInt8]) { self.input = input }

  mutating func next() -> Rune {
    let (rune, width) = UTF8Cursor.decode(input[position...])
    self.width = width
    position += width
    return rune
  }

  /// Undoes the last `next`, once.
  mutating func backup() {
    position -= width
    width = 0
  }

  func peek() -> Rune { UTF8Cursor.decode(input[position...]).0 }

  mutating func accept(_ set: StaticString) -> Bool {
    if peek().isOne(of: set) {
      position += 1
      return true
    }
    return false
  }

  func failure(_ message: String) -> ParseError {
    ParseError(message, at: PositionRange(start, input.count), in: input)
  }

  private mutating func emit(_ kind: TokenKind) -> Token {
    defer { start = position }
    return Token(kind: kind, position: PositionRange(start, position))
  }

  var pendingText: ArraySlice<UInt8> { input[start..<position] }

  /// The next token that is not a comment.
  mutating func nextToken() throws(ParseError) -> Token {
    skipBlanks()
    switch mode {
    case .statements: return try statementToken()
    case .braces: return try braceToken()
    case .durationExpression: return try durationToken()
    }
  }

  private mutating func skipBlanks() {
    while true {
      let rune = peek()
      if rune.isSpace {
        position += 1
      } else if rune == Rune("#"), mode != .durationExpression {
        while position < input.count, input[position] != 10, input[position] != 13 { position += 1 }
      } else {
        break
      }
    }
    start = position
  }

  private mutating func statementToken() throws(ParseError) -> Token {
    let rune = next()
    if rune == .end { return try endToken() }
    if rune.isDigit || (rune == Rune(".") && peek().isDigit) {
      backup()
      return try numberOrDuration()
    }
    if rune.isAlpha || rune == Rune(":") { return bracketOpen ? try bracketWord(rune) : try wordToken() }
    switch rune {
    case ",": return emit(.comma)
    case "*": return emit(.op(.multiply))
    case "/": return emit(.op(.divide))
    case "%": return emit(.op(.modulo))
    case "+": return emit(.op(.add))
    case "-": return emit(.op(.subtract))
    case "^": return emit(.op(.power))
    case "=":
      let after = peek()
      if after == Rune("~") { throw failure("unexpected character after '=': \(QuotedText.single(after))") }
      return accept("=") ? emit(.op(.equal)) : emit(.equal)
    case "!":
      let after = next()
      if after != Rune("=") { throw failure("unexpected character after '!': \(QuotedText.single(after))") }
      return emit(.op(.notEqual))
    case "<": return accept("=") ? emit(.op(.lessOrEqual)) : accept("/") ? emit(.op(.trimUpper)) : emit(.op(.less))
    case ">":
      return accept("=") ? emit(.op(.greaterOrEqual)) : accept("/") ? emit(.op(.trimLower)) : emit(.op(.greater))
    case "\"", "'", "`": return try stringToken(rune)
    case "(": return openParen()
    case ")": return try closeParen()
    case "{":
      mode = .braces
      return emit(.leftBrace)
    case "[":
      if bracketOpen { throw failure("unexpected left bracket '['") }
      gotColon = false
      bracketOpen = true
      mode = .durationExpression
      return emit(.leftBracket)
    case "]":
      if !bracketOpen { throw failure("unexpected right bracket ']'") }
      bracketOpen = false
      return emit(.rightBracket)
    case "@": return emit(.at)
    default: throw failure("unexpected character: \(QuotedText.single(rune))")
    }
  }

  private mutating func endToken() throws(ParseError) -> Token {
    if parenDepth != 0 { throw failure("unclosed left parenthesis") }
    if bracketOpen { throw failure("unclosed left bracket") }
    return emit(.end)
  }

  private mutating func openParen() -> Token {
    parenDepth += 1
    return emit(.leftParen)
  }

  private mutating func closeParen() throws(ParseError) -> Token {
    parenDepth -= 1
    let token = emit(.rightParen)
    if parenDepth < 0 { throw failure("unexpected right parenthesis ')'") }
    return token
  }

  /// A word or a colon after the number in `[5m:...]`.
  private mutating func bracketWord(_ rune: Rune) throws(ParseError) -> Token {
    if rune == Rune(":") {
      if gotColon { throw failure("unexpected colon ':'") }
      gotColon = true
      return emit(.colon)
    }
    if let token = durationKeyword(rune) { return token }
    throw failure("unexpected character: \(QuotedText.single(rune)), expected ':'")
  }

  private mutating func durationKeyword(_ rune: Rune) -> Token? {
    guard rune.isOne(of: "sSrRmM") else { return nil }
    while peek().isAlpha { position += 1 }
    guard let word = Preprocessor(rawValue: String(decoding: pendingText, as: UTF8.self).lowercased()),
      word != .start, word != .end
    else { return nil }
    return emit(.preprocessor(word))
  }

  private mutating func wordToken() throws(ParseError) -> Token {
    while peek().isAlphaNumeric || peek() == Rune(":") { position += 1 }
    let text = pendingText
    guard let kind = Token.reserved(String(decoding: text, as: UTF8.self)) else {
      return emit(text.contains(UInt8(ascii: ":")) ? .metricIdentifier : .identifier)
    }
    // `fill` stays a metric name except where it must be the modifier, so that older queries keep their meaning.
    if case .keyword(let keyword) = kind, keyword.isFill, !isFollowedByParen { return emit(.identifier) }
    return emit(kind)
  }

  private var isFollowedByParen: Bool {
    for byte in input[position...] where !Rune(value: UInt32(byte)).isSpace { return byte == UInt8(ascii: "(") }
    return false
  }

  private mutating func braceToken() throws(ParseError) -> Token {
    let rune = next()
    if rune == .end { throw failure("unexpected end of input inside braces") }
    if rune.isAlpha {
      while peek().isAlphaNumeric { position += 1 }
      return emit(.identifier)
    }
    switch rune {
    case ",": return emit(.comma)
    case "\"", "'", "`": return try stringToken(rune)
    case "=": return accept("~") ? emit(.equalRegex) : emit(.equal)
    case "!":
      let after = next()
      if after == Rune("~") { return emit(.notEqualRegex) }
      if after == Rune("=") { return emit(.op(.notEqual)) }
      throw failure("unexpected character after '!' inside braces: \(QuotedText.single(after))")
    case "{": throw failure("unexpected left brace '{'")
    case "}":
      mode = .statements
      return emit(.rightBrace)
    default: throw failure("unexpected character inside braces: \(QuotedText.single(rune))")
    }
  }

  private mutating func durationToken() throws(ParseError) -> Token {
    let rune = next()
    if rune.isDigit || (rune == Rune(".") && peek().isDigit) {
      backup()
      gotDuration = true
      mode = .statements
      return try numberOrDuration()
    }
    switch rune {
    case Rune.end: throw failure("unexpected end of input in duration expression")
    case "]":
      bracketOpen = false
      gotColon = false
      mode = .statements
      return emit(.rightBracket)
    case ":":
      if !gotDuration { throw failure("unexpected colon before duration in duration expression") }
      if gotColon { throw failure("unexpected repeated colon in duration expression") }
      gotColon = true
      return emit(.colon)
    case "(": return openParen()
    case ")": return try closeParen()
    case "+": return emit(.op(.add))
    case "-": return emit(.op(.subtract))
    case "*": return emit(.op(.multiply))
    case "/": return emit(.op(.divide))
    case "%": return emit(.op(.modulo))
    case "^": return emit(.op(.power))
    case ",": return emit(.comma)
    default:
      if let token = durationKeyword(rune) { return token }
      throw failure("unexpected character in duration expression: \(QuotedText.single(rune))")
    }
  }

  private mutating func numberOrDuration() throws(ParseError) -> Token {
    if scanNumber() { return emit(.number) }
    if scanDuration() { return emit(.duration) }
    throw failure("bad number or duration syntax: \(QuotedText.double(pendingText))")
  }

  private mutating func stringToken(_ quote: Rune) throws(ParseError) -> Token {
    try scanString(quote)
    return emit(.string)
  }
}
