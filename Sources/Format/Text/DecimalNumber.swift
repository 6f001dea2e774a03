import Model

/// A number in text, read as Go's `strconv.ParseFloat` reads it, without hexadecimal digits and underscores: what the
/// exposition formats take. Pure.
enum DecimalNumber {
  enum NumberRefusal: Error, Equatable, CustomStringConvertible {
    case unsupported, syntax, range

    /// As Go says it, behind the function's name and the text.
    var description: String {
      switch self {
      case .unsupported: "unsupported character in float"
      case .syntax: "invalid syntax"
      case .range: "value out of range"
      }
    }
  }

  /// The NaN of Prometheus that is no stale marker.
  static let plainNaN = Double(bitPattern: 0x7ff8_0000_0000_0001)

  static func parse(_ text: LentBytes) throws(NumberRefusal) -> Double {
    if text.contains(where: { $0 == UInt8(ascii: "p") || $0 == UInt8(ascii: "P") || $0 == UInt8(ascii: "_") }) {
      throw .unsupported
    }
    if let special = special(text) { return special }
    guard isDecimal(text) else { throw .syntax }
    // The grammar is checked; what is left to the standard library is to round.
    guard let value = Double(String(decoding: text, as: UTF8.self)) else { throw .syntax }
    if value.isInfinite { throw .range }
    return value
  }

  /// `inf`, `infinity` with or without a sign, and `nan` without one, in any case of letters.
  static func special(_ text: LentBytes) -> Double? {
    guard let first = text.first else { return nil }
    let isSigned = first == UInt8(ascii: "-") || first == UInt8(ascii: "+")
    let word = text.dropFirst(isSigned ? 1 : 0)
    func isWord(_ wanted: StaticString) -> Bool {
      word.count == wanted.utf8CodeUnitCount
        && wanted.withUTF8Buffer { wanted in zip(word, wanted).allSatisfy { $0 | 0x20 == $1 } }
    }
    if isWord("inf") || isWord("infinity") { return first == UInt8(ascii: "-") ? -.infinity : .infinity }
    return !isSigned && isWord("nan") ? plainNaN : nil
  }

  /// True if the text is an optional sign, digits with at most one point among them, and an optional exponent.
  static func isDecimal(_ text: LentBytes) -> Bool {
    var place = 0
    func isSign() -> Bool {
      place < text.count && (text[place] == UInt8(ascii: "-") || text[place] == UInt8(ascii: "+"))
    }
    func skipDigits() -> Bool {
      let start = place
      while place < text.count, text[place] >= 0x30, text[place] <= 0x39 { place += 1 }
      return place > start
    }
    if isSign() { place += 1 }
    var hasDigits = skipDigits()
    if place < text.count, text[place] == UInt8(ascii: ".") {
      place += 1
      hasDigits = skipDigits() || hasDigits
    }
    guard hasDigits else { return false }
    if place < text.count, text[place] | 0x20 == UInt8(ascii: "e") {
      place += 1
      if isSign() { place += 1 }
      guard skipDigits() else { return false }
    }
    return place == text.count
  }
}

// MARK: All that Go reads

extension DecimalNumber {
  /// A number in any form that Go reads, with hexadecimal digits and underscores too; nil where it is none, or too large.
  static func parseAny(_ text: LentBytes) -> Double? {
    if let special = special(text) { return special }
    var digits = String(decoding: text, as: UTF8.self)
    let isHexadecimal = isHexadecimal(text)
    if text.contains(UInt8(ascii: "_")) {
      guard hasGoodUnderscores(text, isHexadecimal) else { return nil }
      digits.removeAll { $0 == "_" }
    }
    guard isHexadecimal ? isHexadecimalNumber(digits) : digits.lend({ isDecimal($0) }) else { return nil }
    guard let value = Double(digits), value.isFinite else { return nil }
    return value
  }

  private static func unsigned(_ text: LentBytes) -> LentBytes {
    guard let first = text.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") else { return text }
    return text.part(from: 1)
  }

  private static func isHexadecimal(_ text: LentBytes) -> Bool {
    let digits = unsigned(text)
    return digits.count > 2 && digits[0] == UInt8(ascii: "0") && digits[1] | 0x20 == UInt8(ascii: "x")
  }

  /// Hexadecimal digits with at most one point among them, and an exponent of two, which must not be missing.
  private static func isHexadecimalNumber(_ text: String) -> Bool {
    let digits = text.lend { Array(unsigned($0).dropFirst(2)) }
    guard let mark = digits.firstIndex(where: { $0 | 0x20 == UInt8(ascii: "p") }) else { return false }
    let mantissa = digits[..<mark]
    let isMantissa = mantissa.allSatisfy { isHexadecimalDigit($0) || $0 == UInt8(ascii: ".") }
    guard isMantissa, mantissa.count(where: { $0 == UInt8(ascii: ".") }) <= 1,
      mantissa.contains(where: isHexadecimalDigit)
    else { return false }
    let exponent = digits[(mark + 1)...]
    let isSigned = exponent.first == UInt8(ascii: "-") || exponent.first == UInt8(ascii: "+")
    let power = exponent.dropFirst(isSigned ? 1 : 0)
    return !power.isEmpty && power.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
  }

  private static func isHexadecimalDigit(_ byte: UInt8) -> Bool {
    byte >= 0x30 && byte <= 0x39 || byte | 0x20 >= 0x61 && byte | 0x20 <= 0x66
  }

  /// True if each underscore stands between digits; the prefix `0x` counts as one.
  private static func hasGoodUnderscores(_ text: LentBytes, _ isHexadecimal: Bool) -> Bool {
    let digits = unsigned(text).dropFirst(isHexadecimal ? 2 : 0)
    func isDigit(_ byte: UInt8) -> Bool { isHexadecimal ? isHexadecimalDigit(byte) : byte >= 0x30 && byte <= 0x39 }
    var wasDigit = isHexadecimal
    var isOpen = false
    for byte in digits {
      if isDigit(byte) {
        (wasDigit, isOpen) = (true, false)
      } else if byte == UInt8(ascii: "_") {
        if !wasDigit { return false }
        (wasDigit, isOpen) = (false, true)
      } else {
        if isOpen { return false }
        wasDigit = false
      }
    }
    return !isOpen
  }
}
