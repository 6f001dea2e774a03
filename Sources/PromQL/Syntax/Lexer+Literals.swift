import Model

// Numbers, durations and strings: how far they reach. Their values are read by `NumberText` and `StringText`.

extension Lexer {
  /// Moves over a number; false where what stands there is none (the place reached then starts a duration or an error).
  mutating func scanNumber() -> Bool {
    let first = position
    var isHexadecimal = false
    if !isInSeries, accept("0"), accept("xX") {
      _ = accept("_")
      isHexadecimal = true
    }
    _ = accept(".")
    _ = acceptDigit(isHexadecimal)
    var gotDot = false
    var gotExponent = false
    while true {
      let rune = peek()
      if rune == Rune(".") {
        position += 1
        // Fractions of hexadecimal numbers do not exist, and a dot stands once.
        if gotDot || accept("_.") || isHexadecimal { return false }
        gotDot = true
      } else if isHexadecimal, rune.isOne(of: "abcdefABCDEF") {
        guard acceptExponentDigit(&gotExponent) else { return false }
      } else if rune.isOne(of: "eE") {
        position += 1
        if gotExponent { return false }
        gotExponent = true
        _ = accept("+-")
        if accept("._eE") || peek() == .end { return false }
      } else if rune == Rune("_") {
        position += 1
        if accept("._eE") || peek() == .end { return false }
      } else if acceptDigit(isHexadecimal) {
        while acceptDigit(isHexadecimal) {}
      } else {
        break
      }
    }
    return position > first && (!peek().isAlphaNumeric || isInSeries && peek() == Rune("x"))
  }

  private mutating func acceptDigit(_ isHexadecimal: Bool) -> Bool {
    isHexadecimal ? accept("0123456789abcdefABCDEF") : accept("0123456789")
  }

  /// In hexadecimal numbers `e` after a non-letter place counts as an exponent mark once, as in Prometheus.
  private mutating func acceptExponentDigit(_ gotExponent: inout Bool) -> Bool {
    if peek().isOne(of: "eE") {
      position += 1
      if gotExponent { return false }
      gotExponent = true
      _ = accept("+-")
      return !(accept("._eE") || peek() == .end)
    }
    while accept("0123456789abcdefABCDEF") {}
    return true
  }

  /// Moves over the rest of a duration whose first digits `scanNumber` passed.
  mutating func scanDuration() -> Bool {
    if !accept("smhdwy") { return false }
    _ = accept("s")
    while accept("0123456789") {
      while accept("0123456789") {}
      if !accept("smhdw") { return false }
      _ = accept("s")
    }
    if next().isAlphaNumeric { return false }
    backup()
    return true
  }

  /// Moves over a string; its opening quote is passed already.
  mutating func scanString(_ quote: Rune) throws(ParseError) {
    let isRaw = quote == Rune("`")
    while true {
      let rune = next()
      if rune == quote { return }
      if rune == .invalid { throw failure("invalid UTF-8 rune") }
      if rune == .end { throw failure(isRaw ? "unterminated raw string" : "unterminated quoted string") }
      if isRaw { continue }
      if rune == Rune("\n") { throw failure("unterminated quoted string") }
      if rune == Rune("\\") { try scanEscape(quote) }
    }
  }

  private mutating func scanEscape(_ quote: Rune) throws(ParseError) {
    var rune = next()
    if rune == quote || rune.isOne(of: "abfnrtv\\") { return }
    let digits: Int
    let base: UInt32
    switch rune {
    case Rune.end: throw failure("escape sequence not terminated")
    case "0", "1", "2", "3", "4", "5", "6", "7": (digits, base) = (3, 8)
    case "x": (digits, base) = (2, 16)
    case "u": (digits, base) = (4, 16)
    case "U": (digits, base) = (8, 16)
    default: throw failure("unknown escape sequence \(QuotedText.codePoint(rune))")
    }
    if base == 16 { rune = next() }
    var value: UInt64 = 0
    for digit in 0..<digits {
      if digit > 0 { rune = next() }
      guard let one = StringText.digit(rune), one < base else {
        if rune == .end { throw failure("escape sequence not terminated") }
        throw failure("illegal character \(QuotedText.codePoint(rune)) in escape sequence")
      }
      value = value * UInt64(base) + UInt64(one)
    }
    let largest: UInt64 = digits == 2 || digits == 3 ? 255 : 0x10FFFF
    if value > largest || (value >= 0xD800 && value < 0xE000) {
      throw failure("escape sequence is an invalid Unicode code point")
    }
  }
}

/// The value of a string token.
enum StringText {
  static func digit(_ rune: Rune) -> UInt32? {
    UInt8(exactly: rune.value).flatMap(UnquotedText.digit).map { UInt32($0) }
  }

  /// The text a lexed string stands for. Bytes from `\x` escapes that do not form UTF-8 become U+FFFD.
  static func value(of token: ArraySlice<UInt8>) -> String { String(decoding: bytes(of: token), as: UTF8.self) }

  /// The bytes of it. The lexer has seen to it that the literal is well-formed; of another one the body is taken as it is.
  static func bytes(of token: ArraySlice<UInt8>) -> [UInt8] {
    UnquotedText.bytes(token) ?? Array(token.dropFirst().dropLast())
  }
}
