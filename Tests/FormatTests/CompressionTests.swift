import Format
import TestKit
import Testing

@Suite struct CompressionTests {
  @Test("snappy gives back what it was given, at every size around its block borders")
  func snappyRoundTrip() throws {
    var random = WALRandom(seed: 1)
    for size in [0, 1, 2, 59, 60, 61, 255, 256, 65535, 65536, 65537, 300_000] {
      for input in [random.bytes(size), random.compressibleBytes(size)] {
        let encoded = bytes { buffer in input.withUnsafeBytes { Snappy.encode($0, into: &buffer) } }
        #expect(encoded.withUnsafeBytes { Snappy.decodedLength(of: $0) } == size)
        var output = ByteBuffer()
        output.append(UInt8(7))
        try encoded.withUnsafeBytes { encoded in
          try Snappy.decode(encoded, into: &output, decodedBytesMax: size)
        }
        #expect(Array(output.bytes) == [7] + input)
      }
    }
  }

  @Test(
    "snappy's first byte is seen without decoding; of bytes that are cut or none of snappy's nothing is read that is not there"
  )
  func snappyFirstByte() throws {
    var random = WALRandom(seed: 8)
    for size in [0, 1, 2, 59, 60, 61, 62, 255, 256, 257, 65535, 65536, 65537, 300_000] {
      for input in [random.bytes(size), random.compressibleBytes(size)] {
        let encoded = bytes { buffer in input.withUnsafeBytes { Snappy.encode($0, into: &buffer) } }
        #expect(encoded.withUnsafeBytes { Snappy.firstByte(of: $0) } == input.first, "\(size)")
        for count in 0..<min(8, encoded.count) {
          let found = Array(encoded[..<count]).withUnsafeBytes { Snappy.firstByte(of: $0) }
          #expect(found == nil || found == input.first, "\(count) of \(size)")
        }
      }
    }
    for _ in 0..<20_000 {
      let noise = random.bytes(Int(random.bytes(1)[0] % 9))
      if let found = noise.withUnsafeBytes({ Snappy.firstByte(of: $0) }) { #expect(noise.contains(found)) }
    }
  }

  @Test("zstd gives back what it was given, with the encoder and decoder reused")
  func zstdRoundTrip() throws {
    var random = WALRandom(seed: 2)
    var encoder = ZstdEncoder()
    var decoder = ZstdDecoder()
    for size in [0, 1, 100, 65536, 300_000] {
      for input in [random.bytes(size), random.compressibleBytes(size)] {
        var encoded = ByteBuffer()
        try encode(input, &encoder, into: &encoded)
        var output = ByteBuffer()
        output.append(UInt8(7))
        try decoder.decode(encoded.bytes, into: &output, decodedBytesMax: size)
        #expect(Array(output.bytes) == [7] + input)
      }
    }
  }

  @Test("two zstd frames one after the other decode as one, within one limit")
  func zstdSeveralFrames() throws {
    var random = WALRandom(seed: 3)
    let input = random.compressibleBytes(200_000)
    var encoder = ZstdEncoder()
    var encoded = ByteBuffer()
    try encode(input, &encoder, into: &encoded)
    try encode(input, &encoder, into: &encoded)
    var decoder = ZstdDecoder()
    var output = ByteBuffer()
    try decoder.decode(encoded.bytes, into: &output, decodedBytesMax: 400_000)
    #expect(Array(output.bytes) == input + input)
    output.removeAll()
    #expect(throws: CompressionError.self) {
      try decoder.decode(encoded.bytes, into: &output, decodedBytesMax: 399_999)
    }
    #expect(output.count == 0)
  }

  @Test("what would decode to more than the limit is refused by its header")
  func tooLarge() throws {
    let input = Array(repeating: UInt8(0), count: 100_000)
    let snappy = bytes { buffer in input.withUnsafeBytes { Snappy.encode($0, into: &buffer) } }
    var output = ByteBuffer()
    let expected = CompressionError.tooLarge(decodedBytes: 100_000, decodedBytesMax: 99_999)
    #expect(throws: expected) {
      try snappy.withUnsafeBytes { snappy in
        try Snappy.decode(snappy, into: &output, decodedBytesMax: 99_999)
      }
    }
    var encoder = ZstdEncoder()
    var zstd = ByteBuffer()
    try encode(input, &encoder, into: &zstd)
    var decoder = ZstdDecoder()
    #expect(throws: expected) { try decoder.decode(zstd.bytes, into: &output, decodedBytesMax: 99_999) }
    #expect(output.count == 0)
  }

  @Test("a snappy header that promises far more than its bytes can hold takes no memory")
  func lyingSnappyHeader() {
    // 4,000,000,000 as a varint, and nothing behind it.
    let lie: [UInt8] = [0x80, 0xd0, 0xac, 0xf3, 0x0e, 0x00]
    var output = ByteBuffer()
    #expect(throws: CompressionError.corrupt) {
      try lie.withUnsafeBytes { lie in
        try Snappy.decode(lie, into: &output, decodedBytesMax: .max)
      }
    }
  }

  @Test("no damaged input does harm: it is refused, or decodes to something within the limit")
  func mutations() throws {
    let seed: UInt64 = 20_261_121
    var random = WALRandom(seed: seed)
    var encoder = ZstdEncoder()
    var decoder = ZstdDecoder()
    var output = ByteBuffer()
    var refused = 0
    let limit = 5000
    for _ in 0..<300 {
      let input = random.compressibleBytes(random.number(below: limit))
      let snappy = bytes { buffer in input.withUnsafeBytes { Snappy.encode($0, into: &buffer) } }
      var zstd = ByteBuffer()
      try encode(input, &encoder, into: &zstd)
      for _ in 0..<20 {
        output.removeAll()
        do {
          try mutated(snappy, &random).withUnsafeBytes { damaged in
            try Snappy.decode(damaged, into: &output, decodedBytesMax: limit)
          }
        } catch { refused += 1 }
        do {
          try mutated(Array(zstd.bytes), &random).withUnsafeBytes { damaged in
            try decoder.decode(damaged, into: &output, decodedBytesMax: limit)
          }
        } catch { refused += 1 }
        #expect(output.count <= 2 * limit, "seed \(seed)")
      }
    }
    #expect(refused > 5000)
  }

  private func encode(
    _ input: [UInt8], _ encoder: inout ZstdEncoder, into output: inout ByteBuffer
  ) throws {
    try input.withUnsafeBytes { input in try encoder.encode(input, into: &output) }
  }
}
