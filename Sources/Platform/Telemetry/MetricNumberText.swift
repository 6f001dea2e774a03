/// A number as Prometheus's text formats write it: the fewest digits that read back as the same number, plain from 0.0001
/// to below 10^6, elsewhere with an exponent of at least two digits: `0.005`, `1e+06`, `+Inf`, `NaN`.
enum MetricNumberText {
  static func text(_ value: Double) -> String {
    var bytes: [UInt8] = []
    append(value, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  static func append(_ value: Double, to bytes: inout [UInt8]) {
    guard value.isFinite else {
      bytes.append(contentsOf: (value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf").utf8)
      return
    }
    if value.sign == .minus { bytes.append(UInt8(ascii: "-")) }
    let (digits, exponent) = decimal(value.magnitude)
    if exponent < -4 || exponent >= 6 {
      appendScientific(digits, exponent, to: &bytes)
    } else {
      appendPlain(digits, exponent, to: &bytes)
    }
  }

  /// The shortest digits (no zeros at either end, `0` for zero) and the power of ten of the first one. The standard
  /// library finds the digits; only their layout differs.
  private static func decimal(_ magnitude: Double) -> (digits: [UInt8], exponent: Int) {
    var digits: [UInt8] = []
    var pointIndex: Int?
    var exponent = 0
    var rest = magnitude.description.utf8[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "."): pointIndex = digits.count
      case UInt8(ascii: "e"):
        exponent = Int(String(decoding: rest, as: UTF8.self)) ?? 0
        rest = rest[rest.endIndex...]
      default: digits.append(byte)
      }
    }
    exponent += (pointIndex ?? digits.count) - 1
    let zero = UInt8(ascii: "0")
    while digits.count > 1, digits.last == zero { digits.removeLast() }
    while digits.count > 1, digits.first == zero {
      digits.removeFirst()
      exponent -= 1
    }
    return (digits, digits == [zero] ? 0 : exponent)
  }

  private static func appendScientific(_ digits: [UInt8], _ exponent: Int, to bytes: inout [UInt8]) {
    bytes.append(digits[0])
    if digits.count > 1 {
      bytes.append(UInt8(ascii: "."))
      bytes.append(contentsOf: digits[1...])
    }
    bytes.append(UInt8(ascii: "e"))
    bytes.append(exponent < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
    if exponent.magnitude < 10 { bytes.append(UInt8(ascii: "0")) }
    bytes.append(contentsOf: String(exponent.magnitude).utf8)
  }

  private static func appendPlain(_ digits: [UInt8], _ exponent: Int, to bytes: inout [UInt8]) {
    let zero = UInt8(ascii: "0")
    if exponent < 0 {
      bytes.append(contentsOf: "0.".utf8)
      bytes.append(contentsOf: repeatElement(zero, count: -exponent - 1))
      bytes.append(contentsOf: digits)
      return
    }
    let wholeCount = exponent + 1
    bytes.append(contentsOf: digits.prefix(wholeCount))
    if digits.count < wholeCount {
      bytes.append(contentsOf: repeatElement(zero, count: wholeCount - digits.count))
    } else if digits.count > wholeCount {
      bytes.append(UInt8(ascii: "."))
      bytes.append(contentsOf: digits[wholeCount...])
    }
  }
}
