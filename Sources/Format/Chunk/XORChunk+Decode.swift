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
    var samples = SampleBits(
      chunk, from: (headerBytes + header.offset) * 8, value: firstValue, delta: Int64(bitPattern: firstDelta))
    // The second sample has its time delta before the bits begin.
    guard samples.readValue(samples.peek(), used: 0) else { return 1 }
    times[1] = firstTime &+ samples.delta
    values[1] = samples.value
    return samples.readRest(total, times, values)
  }
}

/// Walks the bits of a chunk from its third sample on, looking at 57 or more of them at a time: a sample is a few shifts of
/// one word. What lies past the end reads as zero; the position tells whether a sample was whole.
private struct SampleBits {
  private let base: UnsafeRawPointer
  private let byteCount: Int
  private let bitCount: Int
  private var position: Int
  private(set) var value: UInt64
  private(set) var delta: Int64
  /// The window of meaningful bits as it was last written; a width of 0: not yet.
  private var trailing: UInt64 = 0
  private var width: UInt64 = 0

  init(_ chunk: UnsafeRawBufferPointer, from position: Int, value: UInt64, delta: Int64) {
    // Only chunks that have a header come here.
    base = chunk.baseAddress.unsafelyUnwrapped
    byteCount = chunk.count
    bitCount = chunk.count &* 8
    self.position = position
    self.value = value
    self.delta = delta
  }

  /// The bits from the position on, the first one topmost; at least 57 count.
  @inline(__always)
  func peek() -> UInt64 { peek(position) }

  @inline(__always)
  private func peek(_ position: Int) -> UInt64 {
    let index = position &>> 3
    let word =
      index &+ 8 <= byteCount
      ? UInt64(bigEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self)) : lastWord(index)
    return word &<< UInt64(truncatingIfNeeded: position & 7)
  }

  @inline(never)
  private func lastWord(_ index: Int) -> UInt64 {
    var word: UInt64 = 0
    var place = index
    while place < byteCount {
      word |= UInt64(base.load(fromByteOffset: place, as: UInt8.self)) &<< UInt64(56 &- 8 &* (place &- index))
      place &+= 1
    }
    return word
  }

  /// Decodes from the third sample to the last, or to the one that is not whole; how many samples there are then.
  mutating func readRest(
    _ total: Int, _ times: UnsafeMutablePointer<Int64>, _ values: UnsafeMutablePointer<UInt64>
  ) -> Int {
    var time = times[1]
    var index = 2
    while index < total {
      let word = peek()
      // Two zeros are a sample at the same distance with the same value; they come in long rows.
      if word &>> 62 == 0 {
        let row = min(word.leadingZeroBitCount &>> 1, 28, total &- index, (bitCount &- position) &>> 1)
        if row <= 0 { return index }
        for offset in 0..<row {
          time &+= delta
          times[index &+ offset] = time
          values[index &+ offset] = value
        }
        index &+= row
        position &+= 2 &* row
        continue
      }
      guard let used = readDelta(word), readValue(word, used: used) else { return index }
      time &+= delta
      times[index] = time
      values[index] = value
      index &+= 1
    }
    return index
  }

  /// Reads the change of the time's delta; how many bits of `word` it took, 64 for all. Nil where bits are missing.
  @inline(__always)
  private mutating func readDelta(_ word: UInt64) -> UInt64? {
    if word &>> 63 == 0 { return 1 }
    let bits: UInt64
    let prefix: UInt64
    switch (~word).leadingZeroBitCount {
    case 1: (prefix, bits) = (2, 14)
    case 2: (prefix, bits) = (3, 17)
    case 3: (prefix, bits) = (4, 20)
    default: return readWideDelta()
    }
    let raw = Int64(bitPattern: (word &<< prefix) &>> (64 &- bits))
    // The range is -(2^(w-1) - 1) ... 2^(w-1).
    let half = Int64(1) &<< Int64(bitPattern: bits &- 1)
    delta &+= raw > half ? raw &- half &* 2 : raw
    return prefix &+ bits
  }

  @inline(never)
  private mutating func readWideDelta() -> UInt64? {
    if position &+ 68 > bitCount { return nil }
    let upper = peek(position &+ 4) &>> 32
    let lower = peek(position &+ 36) &>> 32
    delta &+= Int64(bitPattern: upper &<< 32 | lower)
    position &+= 68
    return 0
  }

  /// Reads a value behind the first `used` bits of the position's word, and moves behind it. False where it is not whole.
  @inline(__always)
  mutating func readValue(_ old: UInt64, used: UInt64) -> Bool {
    // After a wide delta the position has moved.
    var word = used == 0 ? peek() : old &<< used
    var left = 57 &- used
    position &+= Int(truncatingIfNeeded: used)
    if word &>> 63 == 0 {
      position &+= 1
      return position <= bitCount
    }
    if word &>> 62 == 3 {
      // All of a new window's 13 bits are there: a delta takes at most 24 of the 57.
      let leading = (word &>> 57) & 31
      let meaningful = (word &>> 51) & 63
      width = meaningful == 0 ? 64 : meaningful
      if leading &+ width > 64 {
        width = 0
        return false
      }
      trailing = 64 &- leading &- width
      position &+= 13
      word &<<= 13
      left &-= 13
    } else {
      if width == 0 { return false }
      position &+= 2
      word &<<= 2
      left &-= 2
    }
    if position &+ Int(truncatingIfNeeded: width) > bitCount { return false }
    let meaningful: UInt64
    if width <= left {
      meaningful = word &>> (64 &- width)
    } else if width <= 57 {
      meaningful = peek() &>> (64 &- width)
    } else {
      meaningful = (peek() &>> 32) &<< (width &- 32) | peek(position &+ 32) &>> (96 &- width)
    }
    position &+= Int(truncatingIfNeeded: width)
    value ^= meaningful &<< trailing
    return true
  }
}
