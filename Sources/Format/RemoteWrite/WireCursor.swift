/// A position in protobuf bytes that somebody else owns. Every step is checked against `end`; nil or false means that
/// the bytes are cut or malformed. Trivial, so that the scanning loops keep it in registers.
struct WireCursor {
  private(set) var position: UnsafeRawPointer
  let end: UnsafeRawPointer

  @inline(__always)
  init(at position: UnsafeRawPointer, end: UnsafeRawPointer) {
    self.position = position
    self.end = end
  }

  @inline(__always)
  init(_ bytes: UnsafeRawBufferPointer, orEmptyAt place: UnsafeRawPointer) {
    let start = bytes.baseAddress ?? place
    self.init(at: start, end: start + bytes.count)
  }

  @inline(__always) var isAtEnd: Bool { position >= end }
  @inline(__always) var count: Int { end - position }
  @inline(__always) func offset(from base: UnsafeRawPointer) -> UInt32 { UInt32(truncatingIfNeeded: position - base) }

  /// The first byte of the next tag, consumed. Field numbers below 16 have only this byte.
  @inline(__always)
  mutating func byteTag() -> UInt8 {
    let tag = position.load(as: UInt8.self)
    position += 1
    return tag
  }

  @inline(__always)
  mutating func varint() -> UInt64? {
    guard position < end else { return nil }
    let first = position.load(as: UInt8.self)
    if first < 0x80 {
      position += 1
      return UInt64(first)
    }
    return longVarint()
  }

  /// More than one byte. Where eight can be read, and the number ends in them, they are taken together: the lengths of
  /// series and the times of samples are such.
  @inline(never)
  private mutating func longVarint() -> UInt64? {
    if count < 8 { return varintByBytes() }
    let word = UInt64(littleEndian: position.loadUnaligned(as: UInt64.self))
    // The highest bit of a byte says that more come.
    let ends = ~word & 0x8080_8080_8080_8080
    if ends == 0 { return varintByBytes() }
    position += ends.trailingZeroBitCount &>> 3 &+ 1
    // Up to and with the byte that ends it; then seven bits of each are moved together, pair by pair.
    var value = word & (ends ^ (ends &- 1)) & 0x7f7f_7f7f_7f7f_7f7f
    value = value & 0x007f_007f_007f_007f | (value & 0x7f00_7f00_7f00_7f00) &>> 1
    value = value & 0x0000_3fff_0000_3fff | (value & 0x3fff_0000_3fff_0000) &>> 2
    return value & 0x0fff_ffff | (value & 0x0fff_ffff_0000_0000) &>> 4
  }

  /// At most ten bytes, as protobuf's own readers take it.
  private mutating func varintByBytes() -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < end, shift < 70 {
      let byte = position.load(as: UInt8.self)
      position += 1
      if shift < 64 { value |= UInt64(byte & 0x7f) &<< shift }
      if byte < 0x80 { return shift == 63 && byte > 1 ? nil : value }
      shift += 7
    }
    return nil
  }

  @inline(__always)
  mutating func fixed64() -> UInt64? {
    guard count >= 8 else { return nil }
    defer { position += 8 }
    return UInt64(littleEndian: position.loadUnaligned(as: UInt64.self))
  }

  /// A length and that many bytes, consumed.
  @inline(__always)
  mutating func lengthDelimited() -> WireCursor? {
    guard let length = varint(), length <= UInt64(count) else { return nil }
    let start = position
    position += Int(length)
    return WireCursor(at: start, end: position)
  }

  /// Skips length-delimited fields as long as their tag is `tag`; returns where they end.
  @inline(__always)
  mutating func skipRun(of tag: UInt8) -> UnsafeRawPointer? {
    while position < end, position.load(as: UInt8.self) == tag {
      position += 1
      guard let length = varint(), length <= UInt64(count) else { return nil }
      position += Int(length)
    }
    return position
  }

  /// Skips the field whose first tag byte was just consumed. False where it is malformed, or where it is one of the
  /// `known` fields (a bit per number) in a form it must not have.
  @inline(never)
  mutating func skipUnknown(known: UInt64) -> Bool {
    position -= 1
    guard let tag = varint() else { return false }
    let number = tag >> 3
    guard number > 0, number < 1 << 29, number >= 64 || known >> number & 1 == 0 else { return false }
    switch tag & 7 {
    case 0: return varint() != nil
    case 1: return fixed64() != nil
    case 2: return lengthDelimited() != nil
    case 5:
      guard count >= 4 else { return false }
      position += 4
      return true
    default: return false
    }
  }
}
