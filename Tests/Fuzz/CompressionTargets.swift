import Format

extension FuzzTarget {
  /// What a decoder may make of one input; some thousand times the input, so that a bomb would be seen.
  private static var decodedBytesMax: Int { 1 << 20 }

  static let compression = [
    // Any bytes come back, and fit where exactly they do.
    FuzzTarget(name: "compression", seeds: { [plain, []] }) { bytes in
      var snappy = ByteBuffer()
      Snappy.encode(bytes, into: &snappy)
      comeBack(bytes, snappy.bytes) { (encoded, max, output) throws(CompressionError) in
        try Snappy.decode(encoded, into: &output, decodedBytesMax: max)
      }
      var zstd = ByteBuffer()
      var encoder = ZstdEncoder()
      guard (try? encoder.encode(bytes, into: &zstd)) != nil else { preconditionFailure("zstd refuses bytes") }
      comeBack(bytes, zstd.bytes) { (encoded, max, output) throws(CompressionError) in
        var decoder = ZstdDecoder()
        try decoder.decode(encoded, into: &output, decodedBytesMax: max)
      }
    },
    FuzzTarget(name: "snappy", seeds: { [compressed { Snappy.encode($0, into: &$1) }] }) { bytes in
      bounded(bytes) { (output) throws(CompressionError) in
        try Snappy.decode(bytes, into: &output, decodedBytesMax: decodedBytesMax)
      }
    },
    FuzzTarget(name: "zstd", seeds: { [zstdSeed()] }) { bytes in
      bounded(bytes) { (output) throws(CompressionError) in
        var decoder = ZstdDecoder()
        try decoder.decode(bytes, into: &output, decodedBytesMax: decodedBytesMax)
      }
    },
    FuzzTarget(
      name: "gzip",
      seeds: { [[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0x4c, 0x4a, 0x06, 0, 0xc2, 0x41, 0x24, 0x35, 3, 0, 0, 0]] }
    ) {
      bytes in
      bounded(bytes) { (output) throws(CompressionError) in
        try Gzip.decode(bytes, into: &output, decodedBytesMax: decodedBytesMax)
      }
    },
  ]

  private static func comeBack(
    _ bytes: UnsafeRawBufferPointer, _ encoded: UnsafeRawBufferPointer,
    _ decode: (UnsafeRawBufferPointer, Int, inout ByteBuffer) throws(CompressionError) -> Void
  ) {
    var output = ByteBuffer()
    do throws(CompressionError) { try decode(encoded, bytes.count, &output) } catch {
      preconditionFailure("encoded bytes are refused: \(error)")
    }
    precondition(output.bytes.elementsEqual(bytes), "bytes do not come back")
    if bytes.isEmpty { return }
    var small = ByteBuffer()
    do throws(CompressionError) {
      try decode(encoded, bytes.count - 1, &small)
      preconditionFailure("the bound of decoded bytes does not hold")
    } catch {
      precondition(small.count == 0)
    }
  }

  /// Decodes; the output keeps what was in it before, and stays below its bound.
  private static func bounded(
    _ bytes: UnsafeRawBufferPointer, _ decode: (inout ByteBuffer) throws(CompressionError) -> Void
  ) {
    var output = ByteBuffer()
    output.append(0x5a)
    do throws(CompressionError) {
      try decode(&output)
      precondition(output.count <= 1 + decodedBytesMax)
    } catch {
      precondition(output.count == 1, "a failed decoding left bytes behind")
    }
    precondition(output.bytes[0] == 0x5a)
  }

  private static var plain: [UInt8] { (0..<600).map { UInt8($0 % 7 == 0 ? $0 & 0xff : 0x61) } }

  private static func compressed(_ encode: (UnsafeRawBufferPointer, inout ByteBuffer) -> Void) -> [UInt8] {
    var output = ByteBuffer()
    plain.withUnsafeBytes { encode($0, &output) }
    return Array(output.bytes)
  }

  private static func zstdSeed() -> [UInt8] {
    var output = ByteBuffer()
    var encoder = ZstdEncoder()
    plain.withUnsafeBytes { bytes in _ = try? encoder.encode(bytes, into: &output) }
    return Array(output.bytes)
  }
}
