import Model

/// A number as a template has it: Go's literals, each of which may stand for several types. A value.
struct TemplateNumber: Sendable {
  var text: String
  var integer: Int64?
  var unsigned: UInt64?
  var float: Double?

  /// A character constant.
  init(character text: String, value: UInt32) {
    self.text = text
    integer = Int64(value)
    unsigned = UInt64(value)
    float = Double(value)
  }

  init(_ text: String) throws(TemplateError) {
    self.text = text
    let (isNegative, magnitude) = TemplateNumber.readInteger(text)
    if let magnitude {
      if !isNegative, !text.hasPrefix("+") { unsigned = magnitude }
      if isNegative {
        integer = magnitude <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil
      } else {
        integer = Int64(exactly: magnitude)
      }
      if integer == 0 { unsigned = 0 }
    }
    if let integer {
      float = Double(integer)
    } else if let unsigned {
      float = Double(unsigned)
    } else if let value = GoFloat.parse(text).value {
      if !text.utf8.contains(where: { ".eEpP".utf8.contains($0) }) {
        throw TemplateError("integer overflow: \(QuotedText.double(text))")
      }
      float = value
      integer = Int64(exactly: value)
      unsigned = UInt64(exactly: value)
    }
    if integer == nil, unsigned == nil, float == nil {
      throw TemplateError("illegal number syntax: \(QuotedText.double(text))")
    }
  }

  /// True if it is a float where nothing says which type is meant.
  var isFloat: Bool {
    guard float != nil, text.utf8.first != UInt8(ascii: "'") else { return false }
    let bytes = text.utf8
    let hasPower = bytes.contains { $0 | 0x20 == UInt8(ascii: "p") }
    if bytes.count > 2, text.hasPrefix("0x") || text.hasPrefix("0X"), !hasPower { return false }
    return hasPower || bytes.contains { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }
  }

  /// The number of a Go integer literal with an optional sign: decimal, or with a prefix for its base, underscores between
  /// digits. The magnitude is nil where it is none, or does not fit.
  private static func readInteger(_ text: String) -> (isNegative: Bool, magnitude: UInt64?) {
    var digits = text.utf8[...]
    let isNegative = digits.first == UInt8(ascii: "-")
    if isNegative || digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
    var radix: UInt64 = 10
    if digits.first == UInt8(ascii: "0"), digits.count > 1 {
      digits = digits.dropFirst()
      radix = 8
      if let mark = digits.first, let named = [120: 16, 98: 2, 111: 8][Int(mark | 0x20)] as UInt64? {
        radix = named
        digits = digits.dropFirst()
      }
    }
    var previousIsDigit = radix != 10
    var value: UInt64 = 0
    guard !digits.isEmpty else { return (isNegative, nil) }
    for byte in digits {
      if byte == UInt8(ascii: "_") {
        if !previousIsDigit { return (isNegative, nil) }
        previousIsDigit = false
        continue
      }
      guard let digit = UnquotedText.digit(byte), UInt64(digit) < radix else { return (isNegative, nil) }
      let (scaled, tooLarge) = value.multipliedReportingOverflow(by: radix)
      let (sum, overflow) = scaled.addingReportingOverflow(UInt64(digit))
      if tooLarge || overflow { return (isNegative, nil) }
      value = sum
      previousIsDigit = true
    }
    return (isNegative, previousIsDigit ? value : nil)
  }
}
