import CShims
import Model

/// A usual line of exposition text, found by comparing 64 bytes at a time:
///
///     name value            name{...} value            and in the text format, behind the value, a time of whole numbers
///
/// What stands inside the braces is not looked at but for where its strings begin and end, so that the right brace is
/// found. All other lines, and the last bytes of a text, are for the grammar: `read` is nil for them.
struct ExpositionLine {
  /// The ends of the name with its labels, and of the line with its line feed.
  var seriesEnd = 0
  var end = 0
  var value = 0.0
  var time: Int64?

  /// Behind the braces so many bytes must be there: a number, a time.
  private static let tailBytesMax = 64
  private static let blockBytes = 64

  @inline(__always)
  static func read(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ format: ExpositionFormat) -> ExpositionLine? {
    guard let text = bytes.baseAddress, bytes.count - start >= blockBytes else { return nil }
    let first = text.load(fromByteOffset: start, as: UInt8.self)
    // A digit opens no name; the mask takes it for one.
    if first <= 0x39 { return nil }
    let nameBytes = (~apus_mask_name(text + start)).trailingZeroBitCount
    if nameBytes == 0 || nameBytes == blockBytes { return nil }
    var line = ExpositionLine()
    line.seriesEnd = start + nameBytes
    let stop = text.load(fromByteOffset: line.seriesEnd, as: UInt8.self)
    if stop == UInt8(ascii: "{") {
      guard let end = braceEnd(text, start, bytes.count) else { return nil }
      line.seriesEnd = end
      guard bytes.count - end >= tailBytesMax, text.load(fromByteOffset: end, as: UInt8.self) == space else {
        return nil
      }
    } else {
      guard stop == space, bytes.count - line.seriesEnd >= tailBytesMax else { return nil }
    }
    guard line.readTail(text, format) else { return nil }
    return line
  }

  private static let space = UInt8(ascii: " ")

  /// Behind the first closing brace outside of strings; nil where the line ends before it.
  @inline(__always)
  private static func braceEnd(_ text: UnsafeRawPointer, _ start: Int, _ count: Int) -> Int? {
    var place = start
    // All ones inside a string.
    var carry: UInt64 = 0
    while count - place >= blockBytes {
      let block = text + place
      if apus_mask_equal(block, UInt8(ascii: "\\")) != 0 { return escapedBraceEnd(text, place, count, carry != 0) }
      var inside = apus_mask_equal(block, UInt8(ascii: "\""))
      // Each bit becomes the sum of those up to it: 1 behind an odd number of quotes.
      inside ^= inside << 1
      inside ^= inside << 2
      inside ^= inside << 4
      inside ^= inside << 8
      inside ^= inside << 16
      inside ^= inside << 32
      inside ^= carry
      let braces = apus_mask_equal(block, UInt8(ascii: "}")) & ~inside
      let breaks = apus_mask_equal(block, lineFeed) & ~inside
      if braces | breaks != 0 {
        let found = (braces | breaks).trailingZeroBitCount
        return braces >> UInt64(found) & 1 != 0 ? place + found + 1 : nil
      }
      carry = UInt64(bitPattern: Int64(bitPattern: inside) >> 63)
      place += blockBytes
    }
    return nil
  }

  /// The same, byte by byte, for lines with escapes.
  @inline(never)
  private static func escapedBraceEnd(
    _ text: UnsafeRawPointer, _ start: Int, _ count: Int, _ isInString: Bool
  ) -> Int? {
    var (place, isInString) = (start, isInString)
    while place < count {
      let byte = text.load(fromByteOffset: place, as: UInt8.self)
      place += 1
      switch byte {
      case UInt8(ascii: "\""): isInString.toggle()
      case UInt8(ascii: "\\") where isInString:
        if place < count, text.load(fromByteOffset: place, as: UInt8.self) == 0 { return nil }
        place += 1
      case UInt8(ascii: "}") where !isInString: return place
      case lineFeed where !isInString: return nil
      // The lexer passes over zero bytes, so that an escape reaches behind them.
      case 0: return nil
      default: break
      }
    }
    return nil
  }

  /// A space, the number, and in the text format perhaps a time.
  @inline(__always)
  private mutating func readTail(_ text: UnsafeRawPointer, _ format: ExpositionFormat) -> Bool {
    var place = text + seriesEnd + 1
    guard let number = DecimalNumber.parseShort(&place) else { return false }
    value = number
    var byte = place.load(as: UInt8.self)
    if byte == ExpositionLine.space, format == .text {
      var milliseconds: Int64 = 0
      let first = place + 1
      repeat {
        place += 1
        byte = place.load(as: UInt8.self)
        if byte < 0x30 || byte > 0x39 { break }
        milliseconds = milliseconds &* 10 &+ Int64(byte &- 0x30)
      } while place - first < 18
      if place == first { return false }
      time = milliseconds
    }
    end = place - text + 1
    return byte == lineFeed
  }
}

extension DecimalNumber {
  private static let powersOfTen: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
  ]

  /// A number of up to 19 digits, whose value two exact doubles make by one multiplication or division, or `NaN`, `+Inf`
  /// or `-Inf`. Leaves `place` behind it; nil where it is something else. Reads no more than 32 bytes.
  @inline(__always)
  static func parseShort(_ place: inout UnsafeRawPointer) -> Double? {
    var byte = place.load(as: UInt8.self)
    let isNegative = byte == UInt8(ascii: "-")
    var at = place
    if isNegative || byte == UInt8(ascii: "+") {
      at += 1
      byte = at.load(as: UInt8.self)
    }
    var mantissa: UInt64 = 0
    let first = at
    while byte &- 0x30 <= 9 {
      mantissa = mantissa &* 10 &+ UInt64(byte &- 0x30)
      at += 1
      byte = at.load(as: UInt8.self)
      if at - first > 19 { return nil }
    }
    var digits = at - first
    var power = 0
    if byte == UInt8(ascii: ".") {
      at += 1
      byte = at.load(as: UInt8.self)
      let point = at
      while byte &- 0x30 <= 9 {
        mantissa = mantissa &* 10 &+ UInt64(byte &- 0x30)
        at += 1
        byte = at.load(as: UInt8.self)
        if at - first > 20 { return nil }
      }
      power = point - at
      digits -= power
    }
    if digits == 0 { return special(&place) }
    if digits > 19 { return nil }
    if byte | 0x20 == UInt8(ascii: "e") {
      guard let exponent = exponent(&at) else { return nil }
      power += exponent
    }
    guard let magnitude = exact(mantissa, power) else { return nil }
    place = at
    return isNegative ? -magnitude : magnitude
  }

  @inline(__always)
  private static func exponent(_ at: inout UnsafeRawPointer) -> Int? {
    at += 1
    var byte = at.load(as: UInt8.self)
    let isNegative = byte == UInt8(ascii: "-")
    if isNegative || byte == UInt8(ascii: "+") {
      at += 1
      byte = at.load(as: UInt8.self)
    }
    let first = at
    var exponent = 0
    while byte &- 0x30 <= 9 {
      exponent = exponent &* 10 &+ Int(byte &- 0x30)
      at += 1
      byte = at.load(as: UInt8.self)
      if at - first > 3 { return nil }
    }
    if at == first { return nil }
    return isNegative ? -exponent : exponent
  }

  /// Integers up to 2^53 and powers of ten up to 10^22 are exact, so that the one operation rounds rightly.
  @inline(__always)
  private static func exact(_ mantissa: UInt64, _ power: Int) -> Double? {
    if power == 0 { return mantissa <= 1 << 53 ? Double(mantissa) : nil }
    guard mantissa <= 1 << 53, power.magnitude <= 22 else { return nil }
    let number = Double(mantissa)
    return power < 0 ? number / powersOfTen[-power] : number * powersOfTen[power]
  }

  @inline(__always)
  private static func special(_ place: inout UnsafeRawPointer) -> Double? {
    func isWord(_ word: StaticString) -> Bool {
      for index in 0..<word.utf8CodeUnitCount
      where place.load(fromByteOffset: index, as: UInt8.self) != word.utf8Start[index] { return false }
      // No longer word begins so.
      let next = place.load(fromByteOffset: word.utf8CodeUnitCount, as: UInt8.self)
      return next == UInt8(ascii: " ") || next == lineFeed
    }
    if isWord("NaN") {
      place += 3
      return plainNaN
    }
    guard isWord("+Inf") || isWord("-Inf") else { return nil }
    let isNegative = place.load(as: UInt8.self) == UInt8(ascii: "-")
    place += 4
    return isNegative ? -.infinity : .infinity
  }
}
