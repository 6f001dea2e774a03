import Model

// The samples of a series, most of what an answer consists of: written into a piece of memory that is surely large enough,
// and from there appended many at a time.

extension JSONBuffer {
  /// `[time,"value"],`: 1 + 20 + 4 + 2 + 32 + 3 bytes are not exceeded.
  private static let sampleBytesMax = 64
  private static let samplesPerPiece = 256

  /// A number, which must not be infinite or NaN.
  package mutating func number(_ value: Double) {
    var text: [UInt8] = []
    FloatText.append(value, plainFrom: -6, below: 21, to: &text)
    text.withUnsafeBufferPointer { append($0) }
  }

  /// Appends `[[time,"value"],...]`; both columns have the same length.
  package mutating func samples(_ times: UnsafeBufferPointer<Int64>, _ values: UnsafeBufferPointer<Double>) {
    raw("[")
    var start = 0
    while start < times.count {
      let end = min(start + JSONBuffer.samplesPerPiece, times.count)
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: JSONBuffer.samplesPerPiece * JSONBuffer.sampleBytesMax) {
        var piece = DigitWriter($0)
        for index in start..<end {
          if index > 0 { piece.put(UInt8(ascii: ",")) }
          piece.put(UInt8(ascii: "["))
          piece.timestamp(times[index])
          piece.put(UInt8(ascii: ","))
          piece.put(UInt8(ascii: "\""))
          piece.value(values[index])
          piece.put(UInt8(ascii: "\""))
          piece.put(UInt8(ascii: "]"))
        }
        append(UnsafeBufferPointer(rebasing: $0[..<piece.count]))
      }
      start = end
    }
    raw("]")
  }
}

/// Writes numbers into memory of its caller's, who has seen to it that there is room.
private struct DigitWriter: TextOutputStream {
  private let base: UnsafeMutablePointer<UInt8>
  private let capacity: Int
  private(set) var count = 0

  init(_ memory: UnsafeMutableBufferPointer<UInt8>) {
    base = memory.baseAddress.unsafelyUnwrapped
    capacity = memory.count
  }

  @inline(__always)
  mutating func put(_ byte: UInt8) {
    base[count] = byte
    count &+= 1
  }

  mutating func timestamp(_ milliseconds: Int64) {
    if milliseconds < 0 { put(UInt8(ascii: "-")) }
    let magnitude = milliseconds.magnitude
    let seconds = magnitude / 1000
    digits(seconds)
    let rest = magnitude &- seconds &* 1000
    if rest == 0 { return }
    put(UInt8(ascii: "."))
    put(UInt8(truncatingIfNeeded: 48 &+ rest / 100))
    put(UInt8(truncatingIfNeeded: 48 &+ rest / 10 % 10))
    put(UInt8(truncatingIfNeeded: 48 &+ rest % 10))
  }

  private mutating func digits(_ number: UInt64) {
    var length = 1
    var bound: UInt64 = 10
    while number >= bound, length < 19 {
      length &+= 1
      bound &*= 10
    }
    if number >= bound { length = 20 }
    var rest = number
    var place = count &+ length
    while rest >= 10 {
      let next = rest / 10
      place &-= 1
      base[place] = UInt8(truncatingIfNeeded: 48 &+ rest &- next &* 10)
      rest = next
    }
    base[place &- 1] = UInt8(truncatingIfNeeded: 48 &+ rest)
    count &+= length
  }

  /// As `FloatText` lays it out for the API; that is where all but the common numbers go.
  mutating func value(_ value: Double) {
    let magnitude = value.magnitude
    // Up to three decimals and fifteen digits: no shorter number reads back as the same.
    let thousandths = (magnitude * 1000).rounded()
    if thousandths < 1e15, thousandths / 1000 == magnitude {
      if value.sign == .minus { put(UInt8(ascii: "-")) }
      return decimals(UInt64(thousandths))
    }
    // The standard library writes whole numbers with a point.
    if magnitude < 9_007_199_254_740_992, magnitude == magnitude.rounded(.towardZero) {
      if value.sign == .minus { put(UInt8(ascii: "-")) }
      return digits(UInt64(magnitude))
    }
    // The standard library writes these without an exponent, as the API does.
    if magnitude >= 1e-4, magnitude < 4_503_599_627_370_496 { return value.write(to: &self) }
    var bytes: [UInt8] = []
    FloatText.append(value, plainFrom: -6, below: 21, to: &bytes)
    for byte in bytes { put(byte) }
  }

  private mutating func decimals(_ thousandths: UInt64) {
    let whole = thousandths / 1000
    digits(whole)
    let rest = thousandths &- whole &* 1000
    if rest == 0 { return }
    put(UInt8(ascii: "."))
    put(UInt8(truncatingIfNeeded: 48 &+ rest / 100))
    if rest % 100 == 0 { return }
    put(UInt8(truncatingIfNeeded: 48 &+ rest / 10 % 10))
    if rest % 10 == 0 { return }
    put(UInt8(truncatingIfNeeded: 48 &+ rest % 10))
  }

  mutating func write(_ string: String) { for byte in string.utf8 { put(byte) } }

  /// The call by which the standard library hands over numbers; without it they come as strings, which take memory of their
  /// own.
  mutating func _writeASCII(_ buffer: UnsafeBufferPointer<UInt8>) {
    (base + count).update(from: buffer.baseAddress.unsafelyUnwrapped, count: buffer.count)
    count &+= buffer.count
  }
}
