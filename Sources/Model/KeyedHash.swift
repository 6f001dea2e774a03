// A keyed 64-bit and 128-bit hash of byte strings, for tables whose keys come from outside: without the key nobody can
// choose inputs that collide. Not a signature: it resists flooding, not cryptanalysis. Pure; the key is handed in (random
// per process, or fixed where the value has to be the same tomorrow).
//
// Shape: 16 bytes are absorbed by one 64x64->128 bit multiplication whose operands are masked by key words, the product
// folded into both operands (so that a zero operand loses nothing). Longer inputs run in up to three independent lanes,
// which hides the latency of the multiplier; the last block may overlap the one before it, so there is no byte loop.
//
//   length   0...16         one step; the bytes fill two words
//           17...32         two lanes: first 16, last 16
//           33...48         three lanes: 0..<16, 16..<32, and the last 16
//           49...           stripes of 48 bytes in three lanes, then the last 48 bytes

/// Two words of hash; equal for equal bytes and, but for one pair in 2^120, only for those.
package struct KeyedHash128: Hashable, Sendable {
  package var low: UInt64
  package var high: UInt64

  @inlinable package init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  @inlinable package static func == (left: KeyedHash128, right: KeyedHash128) -> Bool {
    ((left.low ^ right.low) | (left.high ^ right.high)) == 0
  }
}

/// A hash function, chosen by its key.
package struct KeyedHash: Sendable {
  // Key words of the three lanes and of the end.
  private let key0, key1, key2, key3, key4, key5: UInt64
  private let end0, end1, end2, end3: UInt64

  /// 128 bits of key, spread over ten words.
  package init(key: (UInt64, UInt64)) {
    var state = key.0
    var words: [UInt64] = []
    for index in 0..<10 {
      if index == 4 { state ^= key.1 }
      state &+= 0x9e37_79b9_7f4a_7c15
      var word = state ^ (index & 1 == 0 ? key.1 : key.0)
      word = (word ^ (word &>> 30)) &* 0xbf58_476d_1ce4_e5b9
      word = (word ^ (word &>> 27)) &* 0x94d0_49bb_1331_11eb
      words.append(word ^ (word &>> 31))
    }
    (key0, key1, key2, key3) = (words[0], words[1], words[2], words[3])
    (key4, key5) = (words[4], words[5])
    (end0, end1, end2, end3) = (words[6], words[7], words[8], words[9])
  }

  /// The same on every machine and in every process: for what is stored or sharded by.
  package static let stable = KeyedHash(key: (0x6170_7573_6861_7368, 0x7374_6162_6c65_0001))

  package func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    let state = absorb(bytes)
    return KeyedHash.fold(state.x ^ end0, state.y ^ end1)
  }

  package func hash128(_ bytes: UnsafeRawBufferPointer) -> KeyedHash128 {
    let state = absorb(bytes)
    return KeyedHash128(
      low: KeyedHash.fold(state.x ^ end0, state.y ^ end1), high: KeyedHash.fold(state.x ^ end2, state.y ^ end3))
  }

  package func hash(_ bytes: LentBytes) -> UInt64 { hash(bytes.raw) }

  package func hash128(_ bytes: LentBytes) -> KeyedHash128 { hash128(bytes.raw) }

  /// One word, for keys that are numbers already.
  @inlinable @inline(__always) package static func mix(_ word: UInt64) -> UInt64 {
    fold(word ^ 0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93)
  }

  private struct Lane {
    var x: UInt64
    var y: UInt64

    @inline(__always) init(_ x: UInt64, _ y: UInt64) {
      self.x = x
      self.y = y
    }

    @inline(__always) mutating func absorb(_ a: UInt64, _ b: UInt64) {
      let u = x ^ a
      let v = y ^ b
      let product = u.multipliedFullWidth(by: v)
      x = u ^ product.high
      y = v ^ product.low
    }

    @inline(__always) mutating func absorb(_ from: UnsafeRawPointer) {
      absorb(KeyedHash.word(from), KeyedHash.word(from + 8))
    }
  }

  @inline(__always) private func absorb(_ bytes: UnsafeRawBufferPointer) -> Lane {
    let count = bytes.count
    guard count > 0, let start = bytes.baseAddress else { return short(0, 0, 0) }
    if count <= 16 {
      if count >= 8 { return short(KeyedHash.word(start), KeyedHash.word(start + count - 8), count) }
      if count >= 4 { return short(KeyedHash.halfWord(start), KeyedHash.halfWord(start + count - 4), count) }
      let first = UInt64(start.load(as: UInt8.self))
      let middle = UInt64(start.load(fromByteOffset: count >> 1, as: UInt8.self))
      let last = UInt64(start.load(fromByteOffset: count - 1, as: UInt8.self))
      return short(first << 16 | middle << 8 | last, 0, count)
    }
    var lane0 = Lane(key0 ^ UInt64(truncatingIfNeeded: count), key1)
    var lane1 = Lane(key2, key3)
    if count <= 32 {
      lane0.absorb(start)
      lane1.absorb(start + count - 16)
      lane0.absorb(lane1.x, lane1.y)
      return lane0
    }
    var lane2 = Lane(key4, key5)
    // Only `at` and `left` live through the loop besides the lanes: a fourth lane would no longer fit the registers.
    var at = start
    var left = count
    while left > 48 {
      lane0.absorb(at)
      lane1.absorb(at + 16)
      lane2.absorb(at + 32)
      at += 48
      left &-= 48
    }
    // Behind the loop the last 48 bytes reach back over what is absorbed already.
    lane0.absorb(count <= 48 ? start : at + left - 48)
    lane1.absorb(count <= 48 ? start + 16 : at + left - 32)
    lane2.absorb(at + left - 16)
    lane0.absorb(lane1.x, lane1.y)
    lane0.absorb(lane2.x, lane2.y)
    return lane0
  }

  @inline(__always) private func short(_ a: UInt64, _ b: UInt64, _ count: Int) -> Lane {
    var lane = Lane(key0 ^ UInt64(truncatingIfNeeded: count), key1)
    lane.absorb(a, b)
    return lane
  }

  @inlinable @inline(__always) package static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }

  @inline(__always) private static func word(_ at: UnsafeRawPointer) -> UInt64 {
    UInt64(littleEndian: at.loadUnaligned(as: UInt64.self))
  }

  @inline(__always) private static func halfWord(_ at: UnsafeRawPointer) -> UInt64 {
    UInt64(UInt32(littleEndian: at.loadUnaligned(as: UInt32.self)))
  }
}
