import Model

/// Reads the notation of series: the lexer of queries for labels, a smaller one for values. One per text, used once.
struct SeriesNotationReader {
  var lexer: Lexer

  init(_ text: String) throws(ParseError) {
    if text.utf8.count > SeriesNotation.textBytesMaximum {
      let sizes = "\(text.utf8.count) bytes long, the most is \(SeriesNotation.textBytesMaximum)"
      throw ParseError("series is \(sizes)", at: PositionRange(0, 0), in: [])
    }
    lexer = Lexer(Array(text.utf8))
  }

  // Labels.

  /// `name`, `{labels}` or both. With values behind, the name and its brace stand together.
  mutating func metric(isFollowedByValues: Bool) throws(ParseError) -> Labels {
    var builder = LabelsBuilder()
    var name: String?
    let start = lexer
    var token = try lexer.nextToken()
    if token.isMetricName {
      name = text(token)
      if isFollowedByValues, lexer.peek() != Rune("{") {
        builder.set(LabelName.metric, name ?? "")
        return builder.labels()
      }
      token = try lexer.nextToken()
    }
    if token.kind == .leftBrace {
      try labels(&builder)
      if isFollowedByValues {
        if let name { builder.set(LabelName.metric, name) }
        return builder.labels()
      }
      token = try lexer.nextToken()
    } else if isFollowedByValues {
      // Nothing but values: they may stand where the labels would.
      lexer = start
      return .empty
    }
    if token.kind != .end { throw unexpected(token, "") }
    if let name { builder.set(LabelName.metric, name) }
    return builder.labels()
  }

  private mutating func labels(_ builder: inout LabelsBuilder) throws(ParseError) {
    var seen: Set<String> = []
    var token = try lexer.nextToken()
    if token.kind == .rightBrace { return }
    while true {
      let nameToken = token
      let isQuoted = token.kind == .string
      guard isQuoted || token.kind == .identifier else {
        throw unexpected(token, " in label set, expected identifier or \"}\"")
      }
      var name = isQuoted ? StringText.value(of: bytes(token)) : text(token)
      token = try lexer.nextToken()
      var value = name
      if token.kind == .equal {
        token = try lexer.nextToken()
        guard token.kind == .string else { throw unexpected(token, " in label set, expected string") }
        value = StringText.value(of: bytes(token))
        token = try lexer.nextToken()
      } else if isQuoted {
        name = LabelName.metric
      } else {
        throw unexpected(token, " in label set, expected \"=\"")
      }
      if !seen.insert(name).inserted {
        throw failure("label name \(QuotedText.double(name)) is not unique", at: nameToken.position)
      }
      builder.set(name, value)
      if token.kind == .rightBrace { return }
      guard token.kind == .comma else { throw unexpected(token, " in label set, expected \",\" or \"}\"") }
      token = try lexer.nextToken()
      if token.kind == .rightBrace { return }
    }
  }

  // Values.

  mutating func values() throws(ParseError) -> [SeriesNotation.Run] {
    lexer.isInSeries = true
    var runs: [SeriesNotation.Run] = []
    var count = 0
    while true {
      if lexer.peek() == .end { return runs }
      guard lexer.peek().isSpace else { throw try unexpectedValue() }
      while lexer.peek().isSpace { lexer.position += 1 }
      lexer.start = lexer.position
      if lexer.peek() == .end { return runs }
      let run = try item()
      runs.append(run)
      count = count.saturatingAdd(run.count)
      if count > SeriesNotation.samplesMaximum {
        throw failure("the values stand for more than \(SeriesNotation.samplesMaximum) samples", at: place)
      }
    }
  }

  private mutating func item() throws(ParseError) -> SeriesNotation.Run {
    let rune = lexer.peek()
    if rune == Rune("_") {
      lexer.position += 1
      return SeriesNotation.Run(content: .gap, count: try repetition(beyondFirst: 0) ?? 1)
    }
    if rune == Rune("{") { return try histograms() }
    let first = try seriesValue()
    if let count = try repetition(beyondFirst: 1) {
      return SeriesNotation.Run(content: .float(first: first, step: 0), count: count)
    }
    guard lexer.peek() == Rune("+") || lexer.peek() == Rune("-") else {
      return SeriesNotation.Run(content: .float(first: first, step: 0), count: 1)
    }
    let step = try signedNumber()
    guard let count = try repetition(beyondFirst: 1) else { throw try unexpectedValue() }
    return SeriesNotation.Run(content: .float(first: first, step: step), count: count)
  }

  /// `stale`, or a number with or without a sign.
  private mutating func seriesValue() throws(ParseError) -> Double {
    let rune = lexer.peek()
    if rune.isAlpha {
      let word = word()
      if word == "stale" { return StaleMarker.value }
      if let value = SeriesNotationReader.special(word) { return value }
      let kind = Token.reserved(word) ?? .identifier
      let token = Token(kind: kind, position: place)
      throw unexpected(
        token, kind == .identifier ? " in series values, expected number or \"stale\"" : " in series values")
    }
    if rune == Rune("+") || rune == Rune("-") { return try signedNumber() }
    guard rune.isDigit || rune == Rune(".") else { throw try unexpectedValue() }
    return try number()
  }

  private mutating func signedNumber() throws(ParseError) -> Double {
    let isNegative = lexer.peek() == Rune("-")
    lexer.position += 1
    lexer.start = lexer.position
    let rune = lexer.peek()
    let value: Double
    if rune.isAlpha {
      let word = word()
      guard let number = SeriesNotationReader.special(word) else {
        throw unexpected(Token(kind: Token.reserved(word) ?? .identifier, position: place), " in series values")
      }
      value = number
    } else {
      guard rune.isDigit || rune == Rune(".") else { throw try unexpectedValue() }
      value = try number()
    }
    return isNegative ? -value : value
  }

  /// `xN`: the number of samples that makes; nil where there is no `x`.
  mutating func repetition(beyondFirst more: Int) throws(ParseError) -> Int? {
    guard lexer.peek() == Rune("x") else { return nil }
    lexer.position += 1
    return try wholeNumber(most: SeriesNotation.samplesMaximum) + more
  }

  /// Digits alone. A larger number than `most` is taken for one more than that.
  mutating func wholeNumber(most: Int) throws(ParseError) -> Int {
    lexer.start = lexer.position
    guard lexer.peek().isDigit || lexer.peek() == Rune(".") else { throw try unexpectedValue() }
    let token = try numberToken()
    let text = text(token)
    func refused(_ reason: String) -> ParseError {
      let what = "strconv.ParseUint: parsing \(QuotedText.double(text)): \(reason)"
      return failure("invalid repetition in series values: \(what)", at: token.position)
    }
    guard text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { throw refused("invalid syntax") }
    guard let value = UInt64(text) else { throw refused("value out of range") }
    return Int(min(value, UInt64(most) + 1))
  }

  mutating func number() throws(ParseError) -> Double {
    lexer.start = lexer.position
    let token = try numberToken()
    let text = text(token)
    let (value, isTooLarge) = NumberText.parse(text)
    guard let value else {
      let reason = isTooLarge ? "value out of range" : "invalid syntax"
      throw failure(
        "error parsing number: strconv.ParseFloat: parsing \(QuotedText.double(text)): \(reason)", at: token.position)
    }
    return value
  }

  private mutating func numberToken() throws(ParseError) -> Token {
    if !lexer.scanNumber() { throw lexer.failure("bad number syntax: \(QuotedText.double(lexer.pendingText))") }
    return Token(kind: .number, position: place)
  }

  /// The letters, digits, underscores and colons that stand here.
  private mutating func word() -> String {
    lexer.start = lexer.position
    while lexer.peek().isAlphaNumeric || lexer.peek() == Rune(":") { lexer.position += 1 }
    return String(decoding: lexer.pendingText, as: UTF8.self)
  }

  static func special(_ word: String) -> Double? {
    switch word.lowercased() {
    case "inf": .infinity
    case "nan": .nan
    default: nil
    }
  }

  // Failures.

  /// The range from the start of what is read to where the reader is.
  var place: PositionRange { PositionRange(lexer.start, lexer.position) }

  func bytes(_ token: Token) -> ArraySlice<UInt8> { lexer.input[token.position.start..<token.position.end] }
  func text(_ token: Token) -> String { String(decoding: bytes(token), as: UTF8.self) }

  func failure(_ message: String, at position: PositionRange) -> ParseError {
    ParseError(message, at: position, in: lexer.input)
  }

  func unexpected(_ token: Token, _ suffix: String) -> ParseError {
    failure("unexpected " + token.description(bytes(token)) + suffix, at: token.position)
  }

  /// The complaint about whatever stands here.
  mutating func unexpectedValue() throws(ParseError) -> ParseError {
    lexer.start = lexer.position
    let rune = lexer.next()
    let what: String
    switch rune {
    case .end: what = "end of input"
    case "+", "-": what = "<op:\(String(decoding: lexer.pendingText, as: UTF8.self))>"
    case "x", "_": what = QuotedText.double(lexer.pendingText)
    case _ where rune.isSpace: what = QuotedText.double(lexer.pendingText)
    case _ where rune.isDigit || (rune == Rune(".") && lexer.peek().isDigit):
      lexer.backup()
      let token = try numberToken()
      return unexpected(token, " in series values")
    case _ where rune.isAlpha:
      lexer.backup()
      let word = word()
      return unexpected(Token(kind: Token.reserved(word) ?? .identifier, position: place), " in series values")
    default: return lexer.failure("unexpected character in series sequence: \(QuotedText.single(rune))")
    }
    return failure("unexpected \(what) in series values", at: place)
  }
}

extension Token {
  /// True if the token may name a metric in the notation of series.
  fileprivate var isMetricName: Bool {
    switch kind {
    case .identifier, .metricIdentifier, .aggregation, .preprocessor: true
    case .keyword(let keyword): keyword.canBeMetric
    case .op(let op): op == .and || op == .or || op == .unless
    default: false
    }
  }
}
