import Testing

@testable import Model

@Suite struct KeyedHashTests {
  let one = KeyedHash(key: (1, 2))

  @Test("every length from 0 to 400 and every changed byte gives another hash, in both halves")
  func everyByteCounts() {
    var bytes = (0..<400).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
    for length in 0...400 {
      let whole = hashed(bytes, length)
      for index in 0..<length {
        bytes[index] ^= 0x10
        let changed = hashed(bytes, length)
        bytes[index] ^= 0x10
        if changed.low == whole.low || changed.high == whole.high { Issue.record("length \(length) byte \(index)") }
      }
    }
  }

  @Test("zeros of different lengths hash differently")
  func lengthCounts() {
    let zeros = [UInt8](repeating: 0, count: 600)
    #expect(Set((0...600).map { hashed(zeros, $0) }).count == 601)
  }

  @Test("another key, in either word, gives other hashes")
  func keyCounts() {
    for length in [0, 3, 9, 20, 50, 300] {
      let bytes = [UInt8](repeating: 7, count: length)
      let hashes = [(1, 2), (2, 1), (1, 3), (0, 2), (0, 0)].map {
        hashed(bytes, length, by: KeyedHash(key: $0 as (UInt64, UInt64)))
      }
      #expect(Set(hashes).count == hashes.count)
    }
  }

  @Test("one flipped input bit flips about half of the output bits, at every length class")
  func avalanche() {
    for length in [1, 3, 7, 12, 16, 24, 40, 64, 100, 200] {
      var flips = 0
      var trials = 0
      var counts = [Int](repeating: 0, count: 128)
      for sample in 0..<200 {
        var bytes = (0..<length).map { UInt8(truncatingIfNeeded: ($0 &+ sample) &* (sample &+ 13)) }
        let bit = (sample &* 31) % (length * 8)
        let before = hashed(bytes, length)
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        let after = hashed(bytes, length)
        for index in 0..<64 {
          counts[index] += Int((before.low ^ after.low) >> UInt64(index) & 1)
          counts[64 + index] += Int((before.high ^ after.high) >> UInt64(index) & 1)
        }
        flips += (before.low ^ after.low).nonzeroBitCount + (before.high ^ after.high).nonzeroBitCount
        trials += 128
      }
      #expect(abs(Double(flips) / Double(trials) - 0.5) < 0.02, "length \(length)")
      #expect(counts.allSatisfy { $0 > 50 && $0 < 150 }, "length \(length): \(counts)")
    }
  }

  @Test("numbered label texts fill buckets as evenly as chance would")
  func buckets() {
    var counts = [Int](repeating: 0, count: 256)
    var high = counts
    for index in 0..<65536 {
      let bytes = Array("instance=host-\(index):9100".utf8)
      let hash = hashed(bytes, bytes.count).low
      counts[Int(hash & 255)] += 1
      high[Int(hash >> 56)] += 1
    }
    for counts in [counts, high] {
      let chiSquare = counts.reduce(0.0) { $0 + (Double($1) - 256) * (Double($1) - 256) / 256 }
      #expect(chiSquare > 150 && chiSquare < 370, "\(chiSquare)")
    }
  }

  @Test("the stable hash never changes: stored data depend on it")
  func stableValues() {
    let texts = ["", "a", "abcdefgh", "__name__", String(repeating: "xyz", count: 100)]
    let hashes = texts.map { text in
      var text = text
      return text.withUTF8 { KeyedHash.stable.hash(UnsafeRawBufferPointer($0)) }
    }
    #expect(hashes == KeyedHashTests.stableHashes)
  }

  static let stableHashes: [UInt64] = [
    1_213_602_351_469_142_734, 11_235_834_917_879_942_426, 17_860_268_237_357_362_089, 5_133_190_829_343_541_630,
    3_351_297_549_990_244_879,
  ]

  /// The hash of the first `count` bytes, read from an allocation of exactly that size.
  private func hashed(_ bytes: [UInt8], _ count: Int, by hash: KeyedHash? = nil) -> KeyedHash128 {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes.prefix(count))
    let input = UnsafeRawBufferPointer(copy)
    let result = (hash ?? one).hash128(input)
    if (hash ?? one).hash(input) != result.low { Issue.record("the 64-bit hash is the low half") }
    return result
  }
}
