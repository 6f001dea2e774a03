// How messages and printed queries quote text: double quotes, escapes for what cannot be shown. The same rules hold for
// the strings of printed queries, so that they read back as they were.

package enum QuotedText {
  /// `text` in double quotes with escapes.
  package static func double(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars { append(scalar, quote: "\"", to: &result) }
    return result + "\""
  }

  /// Raw bytes in double quotes; what is not UTF-8 becomes `\x..`.
  package static func double(_ bytes: ArraySlice<UInt8>) -> String { double(bytes, keepsReplacement: false) }

  /// As Go's `%q` has them: U+FFFD that was written as such stays as it is. Of a longer text only the beginning is told.
  package static func go(_ bytes: ArraySlice<UInt8>, bytesMax: Int) -> String {
    if bytes.count <= bytesMax { return double(bytes, keepsReplacement: true) }
    return double(bytes.prefix(bytesMax), keepsReplacement: true).dropLast() + "…\""
  }

  private static func double(_ bytes: ArraySlice<UInt8>, keepsReplacement: Bool) -> String {
    var result = "\""
    var decoder = UTF8Cursor(bytes)
    while let step = decoder.next() {
      switch step {
      case .scalar(let scalar) where keepsReplacement && scalar.value == Rune.invalid.value:
        result.unicodeScalars.append(scalar)
      case .scalar(let scalar): append(scalar, quote: "\"", to: &result)
      case .invalid(let byte): result += "\\x" + hex(UInt32(byte), digits: 2)
      }
    }
    return result + "\""
  }

  /// A character in single quotes with escapes.
  package static func single(_ rune: Rune) -> String {
    var result = "'"
    append(Unicode.Scalar(rune.value) ?? "\u{FFFD}", quote: "'", to: &result)
    return result + "'"
  }

  /// `U+0041 'A'`, the second part only where the character can be shown.
  package static func codePoint(_ rune: Rune) -> String {
    let scalar = Unicode.Scalar(rune.value) ?? "\u{FFFD}"
    let number = "U+" + hex(scalar.value, digits: 4).uppercased()
    return isPrintable(scalar) ? "\(number) '\(Character(scalar))'" : number
  }

  private static func append(_ scalar: Unicode.Scalar, quote: Unicode.Scalar, to result: inout String) {
    if scalar == quote || scalar == "\\" {
      result += "\\"
      result.unicodeScalars.append(scalar)
      return
    }
    // U+FFFD as it is would be read as bytes that are no UTF-8.
    if isPrintable(scalar) && scalar.value != Rune.invalid.value {
      result.unicodeScalars.append(scalar)
      return
    }
    switch scalar.value {
    case 7: result += "\\a"
    case 8: result += "\\b"
    case 9: result += "\\t"
    case 10: result += "\\n"
    case 11: result += "\\v"
    case 12: result += "\\f"
    case 13: result += "\\r"
    case ..<0x20, 0x7f: result += "\\x" + hex(scalar.value, digits: 2)
    case ..<0x10000: result += "\\u" + hex(scalar.value, digits: 4)
    default: result += "\\U" + hex(scalar.value, digits: 8)
    }
  }

  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.value < 0x7f { return scalar.value >= 0x20 }
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .spaceSeparator, .lineSeparator,
      .paragraphSeparator:
      return false
    default: return true
    }
  }

  private static func hex(_ value: UInt32, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}

/// One character of the input, or its end.
package struct Rune: Equatable, Sendable {
  package let value: UInt32
  package static let end = Rune(value: UInt32.max)
  /// The scalar that bytes read as which are no UTF-8.
  package static let invalid = Rune(value: 0xFFFD)

  package init(value: UInt32) { self.value = value }
  package init(_ scalar: Unicode.Scalar) { value = scalar.value }

  package var isSpace: Bool { value == 0x20 || value == 9 || value == 10 || value == 13 }
  package var isDigit: Bool { value >= 48 && value <= 57 }
  /// ASCII letters and the underscore.
  package var isAlpha: Bool { value == 95 || (value | 0x20 >= 97 && value | 0x20 <= 122 && value < 128) }
  package var isAlphaNumeric: Bool { isAlpha || isDigit }

  package func isOne(of set: StaticString) -> Bool {
    guard value < 128 else { return false }
    let wanted = UInt8(truncatingIfNeeded: value)
    return set.contains(wanted)
  }

  package static func ~= (pattern: Unicode.Scalar, rune: Rune) -> Bool { pattern.value == rune.value }
}

/// Walks bytes as UTF-8, keeping what is not UTF-8 visible.
package struct UTF8Cursor {
  package enum Step {
    case scalar(Unicode.Scalar)
    case invalid(UInt8)
  }

  private var rest: ArraySlice<UInt8>

  package init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  package mutating func next() -> Step? {
    guard let first = rest.first else { return nil }
    let (rune, width) = UTF8Cursor.decode(rest)
    rest = rest.dropFirst(width)
    if rune == .invalid, width == 1 { return .invalid(first) }
    return .scalar(Unicode.Scalar(rune.value) ?? "\u{FFFD}")
  }

  /// The first character of `bytes` and its width; `Rune.invalid` of width one for what is not UTF-8.
  package static func decode(_ bytes: ArraySlice<UInt8>) -> (Rune, Int) {
    guard let first = bytes.first else { return (.end, 0) }
    if first < 0x80 { return (Rune(value: UInt32(first)), 1) }
    let width = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
    guard first >= 0xC2, first <= 0xF4, bytes.count >= width else { return (.invalid, 1) }
    var value = UInt32(first) & (0x7F >> UInt32(width))
    for byte in bytes[(bytes.startIndex + 1)..<(bytes.startIndex + width)] {
      guard byte & 0xC0 == 0x80 else { return (.invalid, 1) }
      value = value << 6 | UInt32(byte & 0x3F)
    }
    let smallest: UInt32 = width == 2 ? 0x80 : width == 3 ? 0x800 : 0x10000
    guard value >= smallest, let scalar = Unicode.Scalar(value) else { return (.invalid, 1) }
    return (Rune(scalar), width)
  }
}
