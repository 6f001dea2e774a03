/// A number in the fewest digits that read back as the same number: plain within a range of powers of ten, elsewhere with
/// an exponent of at least two digits (`1e+21`, `5e-07`), as Go's formatting lays it out.
package enum FloatText {
  /// Appends `value`: plain where its first digit stands for 10^`plainFrom` up to below 10^`below`.
  package static func append(_ value: Double, plainFrom: Int, below: Int, to bytes: inout [UInt8]) {
    guard value.isFinite else {
      return bytes.append(contentsOf: (value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf").utf8)
    }
    if value.sign == .minus { bytes.append(UInt8(ascii: "-")) }
    let magnitude = value.magnitude
    if magnitude == 0
      || (below >= 16 && magnitude < 9_007_199_254_740_992 && magnitude == magnitude.rounded(.towardZero))
    {
      // Whole numbers, most of what there is; they have at most 16 digits.
      return bytes.append(contentsOf: String(UInt64(magnitude)).utf8)
    }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { digits in
      let (count, power) = shortest(magnitude, into: digits)
      let digits = UnsafeBufferPointer(rebasing: digits[..<count])
      if power < plainFrom || power >= below {
        appendScientific(digits, power, to: &bytes)
      } else {
        appendPlain(digits, power, to: &bytes)
      }
    }
  }

  /// The text that Go's `%g` and `%v` have: an exponent below 1e-04 and from 1e+06 on.
  package static func general(_ value: Double) -> String {
    var bytes: [UInt8] = []
    append(value, plainFrom: -4, below: 6, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends `value` with an exponent, whatever it is: `1e+00`.
  package static func appendScientific(_ value: Double, to bytes: inout [UInt8]) {
    guard value == 0 else { return append(value, plainFrom: 0, below: 0, to: &bytes) }
    bytes.append(contentsOf: (value.sign == .minus ? "-0e+00" : "0e+00").utf8)
  }

  /// The shortest digits of a positive number, without zeros at either end, and the power of ten of the first.
  private static func shortest(_ magnitude: Double, into digits: UnsafeMutableBufferPointer<UInt8>) -> (Int, Int) {
    var text = magnitude.description
    return text.withUTF8 { text in
      var count = 0
      var power = 0
      var pointSeen = false
      var index = 0
      while index < text.count, text[index] != UInt8(ascii: "e") {
        let byte = text[index]
        index += 1
        if byte == UInt8(ascii: ".") {
          pointSeen = true
        } else if count > 0 || byte != UInt8(ascii: "0") {
          digits[count] = byte
          count += 1
          if !pointSeen { power += 1 }
        } else if pointSeen {
          power -= 1
        }
      }
      if index < text.count { power += Int(String(decoding: text[(index + 1)...], as: UTF8.self)) ?? 0 }
      while count > 1, digits[count - 1] == UInt8(ascii: "0") { count -= 1 }
      return (count, power - 1)
    }
  }

  private static func appendScientific(_ digits: UnsafeBufferPointer<UInt8>, _ power: Int, to bytes: inout [UInt8]) {
    bytes.append(digits[0])
    if digits.count > 1 {
      bytes.append(UInt8(ascii: "."))
      bytes.append(contentsOf: digits[1...])
    }
    bytes.append(UInt8(ascii: "e"))
    bytes.append(power < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
    if power.magnitude < 10 { bytes.append(UInt8(ascii: "0")) }
    bytes.append(contentsOf: String(power.magnitude).utf8)
  }

  private static func appendPlain(_ digits: UnsafeBufferPointer<UInt8>, _ power: Int, to bytes: inout [UInt8]) {
    let zero = UInt8(ascii: "0")
    if power < 0 {
      bytes.append(contentsOf: "0.".utf8)
      bytes.append(contentsOf: repeatElement(zero, count: -power - 1))
      bytes.append(contentsOf: digits)
      return
    }
    bytes.append(contentsOf: digits.prefix(power + 1))
    if digits.count <= power {
      bytes.append(contentsOf: repeatElement(zero, count: power + 1 - digits.count))
    } else if digits.count > power + 1 {
      bytes.append(UInt8(ascii: "."))
      bytes.append(contentsOf: digits[(power + 1)...])
    }
  }
}
