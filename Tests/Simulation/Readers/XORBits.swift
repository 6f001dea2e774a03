/// A reader of Prometheus's XOR chunks, apart from the one under test: slow, and plain enough to be trusted.
///
///     uint16 count | varint time, 64 bits value | uvarint distance, value | distance of distances, value ...
struct XORBits {
  private let bytes: [UInt8]
  private var place = 0

  /// Nil where the bytes end too early.
  static func samples(_ chunk: [UInt8]) -> [(time: Int64, bits: UInt64)]? {
    guard chunk.count >= 2 else { return nil }
    var reader = XORBits(bytes: chunk, place: 16)
    let count = Int(chunk[0]) << 8 | Int(chunk[1])
    var samples: [(time: Int64, bits: UInt64)] = []
    var (time, distance, value): (Int64, Int64, UInt64) = (0, 0, 0)
    var (leading, trailing) = (0, 0)
    for index in 0..<count {
      if index == 0 {
        let zigzag = reader.varint()
        time = Int64(bitPattern: zigzag >> 1) ^ -Int64(bitPattern: zigzag & 1)
        value = reader.bits(64)
      } else {
        distance = index == 1 ? Int64(bitPattern: reader.varint()) : distance &+ reader.change()
        time = time &+ distance
        value ^= reader.difference(&leading, &trailing)
      }
      guard reader.place <= chunk.count * 8 else { return nil }
      samples.append((time, value))
    }
    return samples
  }

  /// Zero bits behind the end, which the caller notices.
  private mutating func bits(_ count: Int) -> UInt64 {
    var value: UInt64 = 0
    for _ in 0..<count {
      let byte = place / 8 < bytes.count ? bytes[place / 8] : 0
      value = value << 1 | UInt64(byte >> (7 - place % 8) & 1)
      place += 1
    }
    return value
  }

  private mutating func varint() -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      let byte = bits(8)
      value |= (byte & 0x7f) << shift
      if byte < 0x80 { break }
    }
    return value
  }

  private mutating func change() -> Int64 {
    var ones = 0
    while ones < 4, bits(1) == 1 { ones += 1 }
    let width = [0, 14, 17, 20, 64][ones]
    if width == 0 || width == 64 { return Int64(bitPattern: bits(width)) }
    let value = Int64(bitPattern: bits(width))
    return value > 1 << (width - 1) ? value - 1 << width : value
  }

  private mutating func difference(_ leading: inout Int, _ trailing: inout Int) -> UInt64 {
    if bits(1) == 0 { return 0 }
    if bits(1) == 1 {
      leading = Int(bits(5))
      let width = Int(bits(6))
      trailing = 64 - leading - (width == 0 ? 64 : width)
    }
    return bits(64 - leading - trailing) << UInt64(trailing)
  }
}
