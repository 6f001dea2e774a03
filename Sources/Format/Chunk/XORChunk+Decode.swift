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
    // A copy with zeros behind it: the loop then need not ask before each look whether there are eight bytes left.
    return withUnsafeTemporaryAllocation(byteCount: chunk.count + paddingBytes, alignment: 8) { padded in
      guard let base = padded.baseAddress, let source = chunk.baseAddress else { return 1 }
      base.copyMemory(from: source, byteCount: chunk.count)
      (base + chunk.count).initializeMemory(as: UInt8.self, repeating: 0, count: paddingBytes)
      return decodeBits(
        UnsafeRawPointer(base), bitCount: chunk.count &* 8, from: (headerBytes + header.offset) * 8,
        delta: Int64(bitPattern: firstDelta), total, times, values)
    }
  }

  /// A sample that begins inside a chunk is looked at no farther behind it than it can be long.
  private static var paddingBytes: Int { 32 }

  /// Decodes the samples behind the first one, from the bits that begin with the second one's value; how many samples there
  /// are then. Looks at 57 or more bits at a time: a sample is a few shifts of one word. What lies past the end reads as
  /// zero; the position tells whether a sample was whole.
  ///
  /// One function of locals on purpose: state behind a pointer would be stored and loaded again for each sample.
  private static func decodeBits(
    _ base: UnsafeRawPointer, bitCount: Int, from start: Int, delta firstDelta: Int64, _ total: Int,
    _ times: UnsafeMutablePointer<Int64>, _ values: UnsafeMutablePointer<UInt64>
  ) -> Int {
    var position = start
    var time = times[0]
    var value = values[0]
    var delta = firstDelta
    // The window of meaningful bits as it was last written. Before that it is all 64: a Prometheus that goes on with a chunk of
    // equal values after a restart takes it for granted.
    var trailing: UInt64 = 0
    var width: UInt64 = 64
    var index = 1
    while index < total {
      var word = peek(base, position)
      var left: UInt64 = 56
      if index == 1 {
        left = 57
      } else if word &>> 48 == 0 {
        // Two zeros are a sample at the same distance with the same value; they come in long rows.
        let row = min(word.leadingZeroBitCount &>> 1, 28, total &- index, (bitCount &- position) &>> 1)
        if row <= 0 { return index }
        for place in index..<(index &+ row) {
          time &+= delta
          times[place] = time
          values[place] = value
        }
        index &+= row
        position &+= 2 &* row
        continue
      } else if Int64(bitPattern: word) >= 0 {
        word &<<= 1
        position &+= 1
      } else {
        var used = readDelta(word, &delta)
        if used > 57 {
          // 64 bits of their own.
          delta &+= wideDelta(base, position &+ 4)
          position &+= 68
          if position > bitCount { return index }
          word = peek(base, position)
          used = 0
        }
        word &<<= used
        left = 57 &- used
        position &+= Int(truncatingIfNeeded: used)
      }
      time &+= delta
      var head: UInt64
      var shown: UInt64
      if word &>> 62 == 3 {
        // All 13 bits of a new window are in the word: a delta takes at most 24 of its 57.
        width = ((word &>> 51) &- 1) & 63 &+ 1
        trailing = 64 &- ((word &>> 57) & 31) &- width
        if trailing > 63 { return index }
        head = 13
        shown = width
      } else {
        // Whether the value is the same cannot be foretold, so nothing jumps: a same value changes in no bits.
        let isChanged = word &>> 63
        head = 1 &+ isChanged
        shown = width & (0 &- isChanged)
      }
      position &+= Int(truncatingIfNeeded: head)
      if head &+ shown <= left {
        value ^= (((word &<< head) &>> 1) &>> (63 &- shown)) &<< trailing
      } else if position > bitCount {
        return index
      } else if width <= 57 {
        value ^= (peek(base, position) &>> (64 &- width)) &<< trailing
      } else {
        let upper = peek(base, position) &>> 32
        value ^= (upper &<< (width &- 32) | peek(base, position &+ 32) &>> (96 &- width)) &<< trailing
      }
      position &+= Int(truncatingIfNeeded: shown)
      if position > bitCount { return index }
      times[index] = time
      values[index] = value
      index &+= 1
    }
    return total
  }

  /// Adds the change of the time's delta, which does not begin with a zero; how many bits it took, 64 where they are wide and
  /// still to be read.
  @inline(__always)
  private static func readDelta(_ word: UInt64, _ delta: inout Int64) -> UInt64 {
    let bits: UInt64
    let prefix: UInt64
    switch (~word).leadingZeroBitCount {
    case 1: (prefix, bits) = (2, 14)
    case 2: (prefix, bits) = (3, 17)
    case 3: (prefix, bits) = (4, 20)
    default: return 64
    }
    let raw = Int64(bitPattern: (word &<< prefix) &>> (64 &- bits))
    // The range is -(2^(w-1) - 1) ... 2^(w-1).
    let half = Int64(1) &<< Int64(bitPattern: bits &- 1)
    delta &+= raw > half ? raw &- half &* 2 : raw
    return prefix &+ bits
  }

  private static func wideDelta(_ base: UnsafeRawPointer, _ position: Int) -> Int64 {
    let upper = peek(base, position) &>> 32
    let lower = peek(base, position &+ 32) &>> 32
    return Int64(bitPattern: upper &<< 32 | lower)
  }

  /// The bits from a position on, the first one topmost; at least 57 count.
  @inline(__always)
  private static func peek(_ base: UnsafeRawPointer, _ position: Int) -> UInt64 {
    UInt64(bigEndian: base.loadUnaligned(fromByteOffset: position &>> 3, as: UInt64.self))
      &<< UInt64(truncatingIfNeeded: position & 7)
  }
}
