import Model

/// Floats as Go's strconv reads and writes them. Pure.
enum GoFloat {
  /// The value of a text; nil where it is none. `isOutOfRange`: it is a number, and none that fits.
  static func parse(_ text: String) -> (value: Double?, isOutOfRange: Bool) {
    var rest = text.utf8[...]
    let sign = rest.first
    if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { rest = rest.dropFirst() }
    let word = String(decoding: rest, as: UTF8.self).lowercased()
    if word == "inf" || word == "infinity" { return (sign == UInt8(ascii: "-") ? -.infinity : .infinity, false) }
    if word == "nan" { return rest.count == text.utf8.count ? (.nan, false) : (nil, false) }
    guard isNumber(Array(word.utf8)), let value = Double(text.replacing("_", with: "")) else { return (nil, false) }
    return (value, value.isInfinite)
  }

  /// True for decimal numbers, and hexadecimal ones with their exponent. Underscores stand between digits.
  private static func isNumber(_ text: [UInt8]) -> Bool {
    let isHexadecimal = text.starts(with: "0x".utf8)
    func isDigit(_ byte: UInt8) -> Bool { UnquotedText.digit(byte).map { $0 < (isHexadecimal ? 16 : 10) } ?? false }
    var place = isHexadecimal ? 2 : 0
    var digits = 0
    var hasDot = false
    while place < text.count {
      let byte = text[place]
      if byte == UInt8(ascii: ".") {
        if hasDot { return false }
        hasDot = true
      } else if byte == UInt8(ascii: "_") {
        guard place > 0, isDigit(text[place - 1]) || (isHexadecimal && place == 2), place + 1 < text.count,
          isDigit(text[place + 1])
        else { return false }
      } else if isDigit(byte) {
        digits += 1
      } else {
        break
      }
      place += 1
    }
    if digits == 0 { return false }
    if place == text.count { return !isHexadecimal }
    guard text[place] == UInt8(ascii: isHexadecimal ? "p" : "e") else { return false }
    place += 1
    if place < text.count, text[place] == UInt8(ascii: "+") || text[place] == UInt8(ascii: "-") { place += 1 }
    return place < text.count && text[place...].allSatisfy { (48...57).contains($0) }
  }

  /// `%.4g` with 4 for `digits`.
  static func general(_ value: Double, digits wanted: Int) -> String {
    if !value.isFinite { return special(value) }
    let wanted = max(wanted, 1)
    var decimal = GoDecimal(value)
    decimal.round(to: wanted)
    var limit = wanted
    if limit > decimal.digits.count, decimal.digits.count >= decimal.point { limit = decimal.digits.count }
    let exponent = decimal.point - 1
    if exponent < -4 || exponent >= limit {
      return scientific(decimal, places: min(wanted, decimal.digits.count) - 1, isNegative: value.sign == .minus)
    }
    return plain(
      decimal, places: max(decimal.digits.count - decimal.point, 0), isNegative: value.sign == .minus)
  }

  /// `%.2f` with 2 for `places`.
  static func fixed(_ value: Double, places: Int) -> String {
    if !value.isFinite { return special(value) }
    var decimal = GoDecimal(value)
    decimal.round(to: decimal.point + places)
    return plain(decimal, places: places, isNegative: value.sign == .minus)
  }

  /// `%.2e` with 2 for `places`.
  static func scientific(_ value: Double, places: Int) -> String {
    if !value.isFinite { return special(value) }
    var decimal = GoDecimal(value)
    decimal.round(to: places + 1)
    return scientific(decimal, places: places, isNegative: value.sign == .minus)
  }

  private static func special(_ value: Double) -> String { value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf" }

  private static func scientific(_ decimal: GoDecimal, places: Int, isNegative: Bool) -> String {
    var text: [UInt8] = isNegative ? [UInt8(ascii: "-")] : []
    text.append(decimal.digits.first ?? 48)
    if places > 0 {
      text.append(UInt8(ascii: "."))
      let digits = decimal.digits.dropFirst().prefix(places)
      text += digits
      text += repeatElement(48, count: places - digits.count)
    }
    let exponent = decimal.digits.isEmpty ? 0 : decimal.point - 1
    text.append(UInt8(ascii: "e"))
    text.append(exponent < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
    if abs(exponent) < 10 { text.append(48) }
    text += String(abs(exponent)).utf8
    return String(decoding: text, as: UTF8.self)
  }

  private static func plain(_ decimal: GoDecimal, places: Int, isNegative: Bool) -> String {
    var text: [UInt8] = isNegative ? [UInt8(ascii: "-")] : []
    if decimal.point > 0 {
      let digits = decimal.digits.prefix(decimal.point)
      text += digits
      text += repeatElement(48, count: decimal.point - digits.count)
    } else {
      text.append(48)
    }
    if places > 0 {
      text.append(UInt8(ascii: "."))
      for place in 0..<places {
        let index = decimal.point + place
        text.append(decimal.digits.indices.contains(index) ? decimal.digits[index] : 48)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}

/// All digits of a float's magnitude: 0.digits · 10^point, without zeros at either end. A value.
struct GoDecimal {
  private(set) var digits: [UInt8] = []
  private(set) var point = 0

  init(_ value: Double) {
    let magnitude = value.magnitude
    if magnitude == 0 || !magnitude.isFinite { return }
    // magnitude = mantissa · 2^power, in limbs of nine digits, the lowest first.
    var mantissa = magnitude.significandBitPattern
    var power = -1074
    if magnitude.isNormal {
      mantissa |= 1 << 52
      power = Int(magnitude.exponent) - 52
    }
    let zeros = mantissa.trailingZeroBitCount
    mantissa >>= UInt64(zeros)
    power += zeros
    let base: UInt64 = 1_000_000_000
    var limbs: [UInt64] = []
    while mantissa > 0 {
      limbs.append(mantissa % base)
      mantissa /= base
    }
    var left = abs(power)
    // 2^-n is 5^n · 10^-n.
    let (factor, most): (UInt64, Int) = power < 0 ? (5, 13) : (2, 29)
    while left > 0 {
      let count = min(left, most)
      let multiplier = (0..<count).reduce(UInt64(1)) { product, _ in product * factor }
      var carry: UInt64 = 0
      for index in limbs.indices {
        let product = limbs[index] * multiplier + carry
        limbs[index] = product % base
        carry = product / base
      }
      while carry > 0 {
        limbs.append(carry % base)
        carry /= base
      }
      left -= count
    }
    for (place, limb) in limbs.reversed().enumerated() {
      let text = Array(String(limb).utf8)
      if place > 0 { digits += repeatElement(48, count: 9 - text.count) }
      digits += text
    }
    point = digits.count + min(power, 0)
    trim()
  }

  /// Keeps so many digits; halves go to the even one.
  mutating func round(to count: Int) {
    if count >= digits.count { return }
    if count < 0 {
      digits = []
      point = 0
      return
    }
    let isHalf = digits[count] == 53 && digits.count == count + 1
    let goesUp = isHalf ? count > 0 && (digits[count - 1] - 48) % 2 == 1 : digits[count] >= 53
    digits.removeSubrange(count...)
    if goesUp {
      while digits.last == 57 { digits.removeLast() }
      if let last = digits.popLast() {
        digits.append(last + 1)
      } else {
        digits = [49]
        point += 1
      }
    }
    trim()
  }

  private mutating func trim() {
    while digits.last == 48 { digits.removeLast() }
    if digits.isEmpty { point = 0 }
  }
}
