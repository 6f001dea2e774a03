/// Reads quoted texts and characters of Go's source, as `strconv.Unquote` does: the way back from `QuotedText`. Pure.
package enum UnquotedText {
  /// The value of a hexadecimal digit.
  package static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case 97...102: byte - 87
    case 65...70: byte - 55
    default: nil
    }
  }

  /// The text of a literal in double quotes, single quotes or backquotes; nil where it is malformed.
  package static func bytes(_ literal: ArraySlice<UInt8>) -> [UInt8]? {
    guard literal.count >= 2, let quote = literal.first, quote == literal.last else { return nil }
    var rest = literal.dropFirst().dropLast()
    if quote == UInt8(ascii: "`") { return rest.filter { $0 != 13 } }
    var result: [UInt8] = []
    result.reserveCapacity(rest.count)
    while !rest.isEmpty {
      guard let unit = unit(&rest, quote: quote) else { return nil }
      switch unit {
      case .byte(let byte): result.append(byte)
      case .scalar(let scalar): result += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
      }
    }
    return result
  }

  /// The character of a literal in single quotes; nil where it is malformed. `isLonger` tells that more follows it.
  package static func character(_ literal: ArraySlice<UInt8>) -> (value: UInt32, isLonger: Bool)? {
    var rest = literal.dropFirst()
    guard let unit = unit(&rest, quote: UInt8(ascii: "'")) else { return nil }
    let isLonger = !rest.elementsEqual([UInt8(ascii: "'")])
    switch unit {
    case .byte(let byte): return (UInt32(byte), isLonger)
    case .scalar(let scalar): return (scalar.value, isLonger)
    }
  }

  private enum Unit {
    case byte(UInt8)
    case scalar(Unicode.Scalar)
  }

  private static func unit(_ rest: inout ArraySlice<UInt8>, quote: UInt8) -> Unit? {
    guard let first = rest.first, first != quote, first != 10 else { return nil }
    if first != UInt8(ascii: "\\") {
      let (rune, width) = UTF8Cursor.decode(rest)
      rest = rest.dropFirst(width)
      if rune == .invalid, width == 1 { return .byte(first) }
      return .scalar(Unicode.Scalar(rune.value) ?? "\u{FFFD}")
    }
    rest = rest.dropFirst()
    guard let escape = rest.popFirst() else { return nil }
    switch escape {
    case UInt8(ascii: "a"): return .byte(7)
    case UInt8(ascii: "b"): return .byte(8)
    case UInt8(ascii: "f"): return .byte(12)
    case UInt8(ascii: "n"): return .byte(10)
    case UInt8(ascii: "r"): return .byte(13)
    case UInt8(ascii: "t"): return .byte(9)
    case UInt8(ascii: "v"): return .byte(11)
    case UInt8(ascii: "\\"): return .byte(escape)
    case quote: return .byte(escape)
    case UInt8(ascii: "x"): return number(&rest, 2, 16).map { .byte(UInt8(truncatingIfNeeded: $0)) }
    case UInt8(ascii: "u"): return number(&rest, 4, 16).flatMap(Unicode.Scalar.init).map { .scalar($0) }
    case UInt8(ascii: "U"): return number(&rest, 8, 16).flatMap(Unicode.Scalar.init).map { .scalar($0) }
    case UInt8(ascii: "0")...UInt8(ascii: "7"):
      guard let low = number(&rest, 2, 8) else { return nil }
      return UInt8(exactly: UInt32(escape - 48) * 64 + low).map { .byte($0) }
    default: return nil
    }
  }

  private static func number(_ rest: inout ArraySlice<UInt8>, _ count: Int, _ radix: UInt32) -> UInt32? {
    var value: UInt32 = 0
    for _ in 0..<count {
      guard let byte = rest.popFirst(), let digit = digit(byte), UInt32(digit) < radix else { return nil }
      value = value &* radix &+ UInt32(digit)
    }
    return value
  }
}
