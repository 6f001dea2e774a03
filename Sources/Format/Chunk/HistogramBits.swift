// The bit codes of histogram chunks, most significant bit first:
//
//   number   0 | prefix 10, 110, 1110, 11110, 111110, 1111110, 11111110 + 3, 6, 9, 12, 18, 25, 56 bits | 11111111 + 64 bits
//            signed ones have the range -(2^(w-1) - 1) ... 2^(w-1)
//   float    against the one before, as in chunks of floats: 0 | 10 + bits in the window before | 11 + 5 + 6 + bits

/// Writes bits behind each other. A value.
struct HistogramBitSink: Sendable {
  private(set) var bytes: [UInt8]
  /// Bits of the last byte that are not used yet.
  private var room = 0

  init(header: [UInt8]) { bytes = header }

  /// The low `count` bits of `value`, 0...64 of them.
  mutating func write(_ value: UInt64, _ count: Int) {
    var left = count
    while left > 0 {
      if room == 0 {
        bytes.append(0)
        room = 8
      }
      let taken = min(room, left)
      let piece = UInt8(truncatingIfNeeded: (value &>> UInt64(left - taken)) & ((1 &<< UInt64(taken)) &- 1))
      bytes[bytes.count - 1] |= piece &<< UInt8(room - taken)
      room -= taken
      left -= taken
    }
  }

  mutating func write(signed value: Int64) {
    if value == 0 { return write(0, 1) }
    for (place, width) in HistogramBitWidths.all.enumerated() {
      let half = Int64(1) << Int64(width - 1)
      if value > -half && value <= half { return write(UInt64(bitPattern: value), place, width) }
    }
    write(0xff, 8)
    write(UInt64(bitPattern: value), 64)
  }

  mutating func write(unsigned value: UInt64) {
    if value == 0 { return write(0, 1) }
    for (place, width) in HistogramBitWidths.all.enumerated() where value >> UInt64(width) == 0 {
      return write(value, place, width)
    }
    write(0xff, 8)
    write(value, 64)
  }

  private mutating func write(_ value: UInt64, _ place: Int, _ width: Int) {
    let prefix = (UInt64(1) << UInt64(place + 2)) - 2
    write(prefix, place + 2)
    write(value, width)
  }

  mutating func write(_ value: UInt64, after field: inout HistogramFloatField) {
    let difference = value ^ field.value
    field.value = value
    if difference == 0 { return write(0, 1) }
    let leading = min(difference.leadingZeroBitCount, 31)
    let trailing = difference.trailingZeroBitCount
    if field.hasWindow && leading >= Int(field.leading) && trailing >= Int(field.trailing) {
      write(0b10, 2)
      return write(difference >> UInt64(field.trailing), 64 - Int(field.leading) - Int(field.trailing))
    }
    field.leading = UInt8(leading)
    field.trailing = UInt8(trailing)
    field.hasWindow = true
    let width = 64 - leading - trailing
    write(0b11, 2)
    write(UInt64(leading), 5)
    // All 64 are written as 0, which no other width needs.
    write(UInt64(width & 63), 6)
    write(difference >> UInt64(trailing), width)
  }

  mutating func setByte(_ index: Int, _ value: UInt8) { bytes[index] = value }
}

enum HistogramBitWidths {
  static let all = [3, 6, 9, 12, 18, 25, 56]
}

/// The last value of a column of floats, and the window of the bits that changed.
struct HistogramFloatField: Sendable {
  var value: UInt64
  var leading: UInt8 = 0
  var trailing: UInt8 = 0
  var hasWindow = false
}

/// Reads bits of memory that somebody else owns. Every read is checked against the end; nil means that they are cut.
struct HistogramBitSource {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var bitsLeft: Int { bytes.count * 8 - position }

  mutating func read(_ count: Int) -> UInt64? {
    guard count <= bitsLeft else { return nil }
    var value: UInt64 = 0
    var left = count
    while left > 0 {
      let used = position & 7
      let taken = min(8 - used, left)
      let piece = (bytes[position >> 3] &<< UInt8(used)) &>> UInt8(8 - taken)
      value = value &<< UInt64(taken) | UInt64(piece)
      position += taken
      left -= taken
    }
    return value
  }

  /// The number of bits of a number; 0 for the number zero.
  private mutating func width() -> Int? {
    var ones = 0
    while ones < 8 {
      guard let bit = read(1) else { return nil }
      if bit == 0 { break }
      ones += 1
    }
    if ones == 0 { return 0 }
    return ones == 8 ? 64 : HistogramBitWidths.all[ones - 1]
  }

  mutating func signed() -> Int64? {
    guard let width = width(), let raw = read(width) else { return nil }
    if width == 0 || width == 64 { return Int64(bitPattern: raw) }
    let value = Int64(raw)
    return value > Int64(1) << Int64(width - 1) ? value - Int64(1) << Int64(width) : value
  }

  mutating func unsigned() -> UInt64? {
    guard let width = width() else { return nil }
    return read(width)
  }

  mutating func float(after field: inout HistogramFloatField) -> UInt64? {
    guard let isChanged = read(1) else { return nil }
    if isChanged == 0 { return field.value }
    guard let isNew = read(1) else { return nil }
    if isNew == 1 {
      guard let leading = read(5), let written = read(6) else { return nil }
      let width = written == 0 ? 64 : written
      guard leading + width <= 64 else { return nil }
      field.leading = UInt8(leading)
      field.trailing = UInt8(64 - leading - width)
    }
    guard let bits = read(64 - Int(field.leading) - Int(field.trailing)) else { return nil }
    field.value ^= bits << UInt64(field.trailing)
    return field.value
  }
}
