extension XORChunk {
  /// The number of samples a chunk says it has; nil where it is too short to say.
  package static func count(of chunk: UnsafeRawBufferPointer) -> Int? {
    guard chunk.count >= headerBytes else { return nil }
    return Int(UInt16(bigEndian: chunk.loadUnaligned(as: UInt16.self)))
  }

  /// Decodes the whole chunk into the columns, each of which has room for `count(of:)` samples.
  /// Returns how many were decoded: fewer than the chunk says where its bytes end early or make no sense.
  package static func decode(
    _ chunk: UnsafeRawBufferPointer, times: UnsafeMutablePointer<Int64>, values: UnsafeMutablePointer<UInt64>
  ) -> Int {
    guard let total = count(of: chunk), total > 0 else { return 0 }
    var header = ByteReader(UnsafeRawBufferPointer(rebasing: chunk[headerBytes...]))
    guard let firstTime = header.varint(), let firstValue = header.bigEndian(UInt64.self) else { return 0 }
    times[0] = firstTime
    values[0] = firstValue
    if total == 1 { return 1 }
    guard let firstDelta = header.uvarint() else { return 1 }

    var bits = BitReader(chunk, from: (headerBytes + header.offset) * 8)
    var time = firstTime &+ Int64(bitPattern: firstDelta)
    var delta = Int64(bitPattern: firstDelta)
    var value = firstValue
    var window = ReadWindow()
    var index = 1
    while true {
      guard window.readValue(&bits, &value) else { return index }
      times[index] = time
      values[index] = value
      index &+= 1
      if index == total { return total }
      guard let second = readDeltaOfDelta(&bits) else { return index }
      delta &+= second
      time &+= delta
    }
  }

  @inline(__always)
  private static func readDeltaOfDelta(_ bits: inout BitReader) -> Int64? {
    guard bits.need(1) else { return nil }
    if bits.take(1) == 0 { return 0 }
    var width = 0
    guard bits.need(1) else { return nil }
    if bits.take(1) == 0 {
      width = 14
    } else {
      guard bits.need(1) else { return nil }
      if bits.take(1) == 0 {
        width = 17
      } else {
        guard bits.need(1) else { return nil }
        width = bits.take(1) == 0 ? 20 : 64
      }
    }
    guard bits.need(width) else { return nil }
    if width == 64 { return Int64(bitPattern: bits.take64()) }
    let raw = Int64(bits.take(width))
    // The range is -(2^(w-1) - 1) ... 2^(w-1).
    return raw > (1 &<< Int64(width &- 1)) ? raw &- (1 &<< Int64(width)) : raw
  }

  /// The window of meaningful bits as the reader has last seen it.
  private struct ReadWindow {
    var leading = 0
    var width = 0

    @inline(__always)
    mutating func readValue(_ bits: inout BitReader, _ value: inout UInt64) -> Bool {
      guard bits.need(1) else { return false }
      if bits.take(1) == 0 { return true }
      guard bits.need(1) else { return false }
      if bits.take(1) == 1 {
        guard bits.need(11) else { return false }
        leading = Int(bits.take(5))
        width = Int(bits.take(6))
        if width == 0 { width = 64 }
      }
      let trailing = 64 &- leading &- width
      guard width > 0, trailing >= 0, bits.need(width) else { return false }
      let meaningful = width <= 56 ? bits.take(width) : (bits.take(width &- 32) &<< 32 | bits.take(32))
      value ^= meaningful &<< UInt64(trailing)
      return true
    }
  }
}

/// Reads bits, most significant first, from bytes somebody else owns. `need` checks, `take` trusts.
struct BitReader {
  private let base: UnsafeRawPointer?
  private let byteCount: Int
  private let bitCount: Int
  private var position: Int

  init(_ bytes: UnsafeRawBufferPointer, from position: Int) {
    base = bytes.baseAddress
    byteCount = bytes.count
    bitCount = bytes.count * 8
    self.position = position
  }

  @inline(__always) func need(_ count: Int) -> Bool { bitCount &- position >= count }

  /// The next `count` bits (1...56), which `need` has granted.
  @inline(__always)
  mutating func take(_ count: Int) -> UInt64 {
    let index = position &>> 3
    let used = position & 7
    position &+= count
    let word: UInt64
    if index &+ 8 <= byteCount {
      word = UInt64(bigEndian: base.unsafelyUnwrapped.loadUnaligned(fromByteOffset: index, as: UInt64.self))
    } else {
      word = lastWord(index)
    }
    return (word &<< UInt64(used)) &>> UInt64(64 &- count)
  }

  @inline(__always)
  mutating func take64() -> UInt64 { take(32) &<< 32 | take(32) }

  private func lastWord(_ index: Int) -> UInt64 {
    var word: UInt64 = 0
    var place = index
    while place < byteCount {
      let byte = base.unsafelyUnwrapped.load(fromByteOffset: place, as: UInt8.self)
      word |= UInt64(byte) &<< UInt64(56 &- 8 &* (place &- index))
      place &+= 1
    }
    return word
  }
}
