import Glibc
import Model

/// Numbers as queries write and print them.
package enum NumberText {
  /// The value of a number token: decimal, hexadecimal, octal with a leading zero, binary, `Inf`, `NaN`, with underscores
  /// where they may stand. Nil where it is not a number; `isTooLarge` where it does not fit.
  static func parse(_ text: String) -> (value: Double?, isTooLarge: Bool) {
    if let integer = parseInteger(text) { return (Double(integer), false) }
    let lowered = text.lowercased()
    if lowered == "inf" { return (.infinity, false) }
    if lowered == "nan" { return (.nan, false) }
    guard let plain = withoutSeparators(lowered), let value = Double(plain) else { return (nil, false) }
    return value.isInfinite ? (nil, true) : (value, false)
  }

  /// Underscores stand between digits; nil where one stands elsewhere.
  private static func withoutSeparators(_ text: String) -> String? {
    let bytes = Array(text.utf8)
    guard bytes.contains(UInt8(ascii: "_")) else { return text }
    func isDigit(_ place: Int) -> Bool { bytes.indices.contains(place) && bytes[place] >= 48 && bytes[place] <= 57 }
    for place in bytes.indices where bytes[place] == UInt8(ascii: "_") {
      guard isDigit(place - 1), isDigit(place + 1) else { return nil }
    }
    return String(decoding: bytes.filter { $0 != UInt8(ascii: "_") }, as: UTF8.self)
  }

  private static func parseInteger(_ text: String) -> Int64? {
    var digits = text.utf8[...]
    var radix = 10
    if digits.first == UInt8(ascii: "0"), digits.count > 1 {
      digits = digits.dropFirst()
      radix = 8
      if let mark = digits.first, let named = [120: 16, 98: 2, 111: 8][Int(mark | 0x20)] {
        radix = named
        digits = digits.dropFirst()
      }
    }
    var previousWasDigit = radix != 10
    var value: Int64 = 0
    guard !digits.isEmpty else { return nil }
    for byte in digits {
      if byte == UInt8(ascii: "_") {
        if !previousWasDigit { return nil }
        previousWasDigit = false
        continue
      }
      guard let digit = StringText.digit(Rune(value: UInt32(byte))), Int(digit) < radix else { return nil }
      let (scaled, tooLarge) = value.multipliedReportingOverflow(by: Int64(radix))
      let (sum, overflow) = scaled.addingReportingOverflow(Int64(digit))
      if tooLarge || overflow { return nil }
      value = sum
      previousWasDigit = true
    }
    return previousWasDigit ? value : nil
  }

  /// The shortest digits that read back, never with an exponent.
  package static func decimal(_ value: Double) -> String {
    if let special = special(value) { return special }
    let (digits, exponent, isNegative) = shortest(value)
    var text = isNegative ? "-" : ""
    if exponent <= 0 {
      text += "0"
      if digits != [48] {
        text += "." + String(repeating: "0", count: -exponent) + String(decoding: digits, as: UTF8.self)
      }
    } else if exponent >= digits.count {
      text += String(decoding: digits, as: UTF8.self) + String(repeating: "0", count: exponent - digits.count)
    } else {
      text += String(decoding: digits[..<exponent], as: UTF8.self)
      text += "." + String(decoding: digits[exponent...], as: UTF8.self)
    }
    return text
  }

  /// The shortest digits, with an exponent for very small and very large values (from 1e21).
  package static func general(_ value: Double) -> String {
    if let special = special(value) { return special }
    let (digits, exponent, isNegative) = shortest(value)
    let power = exponent - 1
    if digits == [48] || (power >= -4 && power < 21) { return decimal(value) }
    var text = isNegative ? "-" : ""
    text += String(decoding: digits.prefix(1), as: UTF8.self)
    if digits.count > 1 { text += "." + String(decoding: digits.dropFirst(), as: UTF8.self) }
    let size = String(abs(power))
    return text + (power < 0 ? "e-" : "e+") + (size.utf8.count < 2 ? "0" + size : size)
  }

  /// Two significant digits, for messages.
  static func twoDigits(_ value: Double) -> String {
    if let special = special(value) { return special }
    if value == 0 { return "0" }
    let power = log10(value.magnitude).rounded(.down)
    let scale = pow(10, power - 1)
    return general((value / scale).rounded() * scale)
  }

  /// The number with exactly `places` digits after the point, rounded to even at the exact value.
  package static func fixed(_ value: Double, places: Int) -> String {
    if let special = special(value) { return special }
    // 2^53 and beyond are whole; below, three to six places of the exact binary value come from integer arithmetic.
    guard value.magnitude < 9_007_199_254_740_992 else {
      return wholeDecimal(value) + (places > 0 ? "." + String(repeating: "0", count: places) : "")
    }
    let scale = (0..<places).reduce(1.0) { power, _ in power * 10 }
    let whole = value.magnitude.rounded(.towardZero)
    let fraction = value.magnitude - whole
    var scaled = (fraction * scale).rounded(.toNearestOrEven)
    // The product above was rounded; decide a tie by the exact remainder.
    let error = (-scaled).addingProduct(fraction, scale)
    if error > 0.5 { scaled += 1 } else if error < -0.5 { scaled -= 1 }
    var integer = UInt64(whole)
    var part = UInt64(scaled)
    if part >= UInt64(scale) {
      integer += 1
      part = 0
    }
    let sign = value.sign == .minus ? "-" : ""
    if places == 0 { return sign + String(integer) }
    let digits = String(part)
    return sign + String(integer) + "." + String(repeating: "0", count: places - digits.utf8.count) + digits
  }

  /// All digits of a value of 2^53 or more, which is a whole number.
  private static func wholeDecimal(_ value: Double) -> String {
    var digits: [UInt8] = []
    var mantissa = value.magnitude.significandBitPattern | (1 << 52)
    while mantissa > 0 {
      digits.append(UInt8(mantissa % 10))
      mantissa /= 10
    }
    for _ in 0..<max(0, Int(value.exponent) - 52) {
      var carry: UInt8 = 0
      for index in digits.indices {
        let doubled = digits[index] * 2 + carry
        digits[index] = doubled % 10
        carry = doubled / 10
      }
      if carry > 0 { digits.append(carry) }
    }
    return (value < 0 ? "-" : "") + String(decoding: digits.reversed().map { $0 + 48 }, as: UTF8.self)
  }

  private static func special(_ value: Double) -> String? {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
    return nil
  }

  /// The shortest digits and the place of the point: value = 0.digits * 10^exponent.
  private static func shortest(_ value: Double) -> (digits: [UInt8], exponent: Int, isNegative: Bool) {
    var digits: [UInt8] = []
    var exponent = 0
    var pointSeen = false
    var isNegative = false
    var scale = 0
    var text = value.description.utf8[...]
    if text.first == UInt8(ascii: "-") {
      isNegative = true
      text = text.dropFirst()
    }
    while let byte = text.first {
      text = text.dropFirst()
      if byte == UInt8(ascii: ".") {
        pointSeen = true
      } else if byte == UInt8(ascii: "e") {
        scale = Int(String(decoding: text, as: UTF8.self)) ?? 0
        break
      } else {
        if !(digits.isEmpty && byte == 48) {
          digits.append(byte)
          if !pointSeen { exponent += 1 }
        } else if pointSeen {
          exponent -= 1
        }
      }
    }
    while digits.last == 48 { digits.removeLast() }
    if digits.isEmpty { return ([48], 1, isNegative) }
    return (digits, exponent + scale, isNegative)
  }
}

/// Durations in queries: seconds as a number, with the messages of the language.
enum QueryDuration {
  /// The most seconds a duration may have, 2^63 nanoseconds.
  static let secondsMaximum = 9_223_372_036.854775807

  /// True if a duration may not have so many seconds; NaN is out of range, too.
  static func isOutOfRange(_ seconds: Double) -> Bool { !(seconds.magnitude <= secondsMaximum) }

  /// The seconds of a duration token.
  static func seconds(_ milliseconds: Int64) -> Double {
    Double(milliseconds / 1000) + Double(milliseconds % 1000) * 1e6 / 1e9
  }

  /// Whole milliseconds of a number of seconds: rounded to nanoseconds, then cut.
  static func milliseconds(_ seconds: Double) -> Int64 {
    let nanoseconds = (seconds * 1e9).rounded(.toNearestOrAwayFromZero)
    if nanoseconds >= 9.2233720368547748e18 { return Int64.max / 1_000_000 }
    if nanoseconds <= -9.2233720368547748e18 { return Int64.min / 1_000_000 }
    return Int64(nanoseconds) / 1_000_000
  }

  /// The reason why `text` is no duration; the lexer took it for one.
  static func complaint(_ text: String) -> String {
    let units: Set<String> = ["y", "w", "d", "h", "m", "s", "ms"]
    var unit = ""
    var digits = 0
    for scalar in text.unicodeScalars {
      if scalar.properties.numericType != nil {
        if !unit.isEmpty, !units.contains(unit) { break }
        if digits > 0, unit.isEmpty { digits += 1 } else { digits = 1 }
        unit = ""
      } else {
        unit.unicodeScalars.append(scalar)
      }
    }
    if !units.contains(unit) { return "unknown unit \(QuotedText.double(unit)) in duration \(QuotedText.double(text))" }
    if digits > 18 { return "duration out of range" }
    return "not a valid duration string: \(QuotedText.double(text))"
  }
}
