import CSnappy
import TestKit

/// One body of the load: encoded once, then for each scrape only its timestamps and values are written in place and
/// the whole is compressed. Owned by one thread.
///
/// Each series ends in a sample of fixed length: 0x09 value(8) 0x10 timestamp(varint, 6 bytes from 2004 to 2109).
struct BodyTemplate: ~Copyable {
  private static let timestampBytes = 6

  private var message: [UInt8] = []
  private var valueOffsets: [Int32] = []
  private var values: SeriesValues

  init(_ series: Range<Int>, seed: UInt64, replica: String = "") {
    values = SeriesValues(series, seed: seed)
    valueOffsets.reserveCapacity(series.count)
    var body = RemoteWriteBody()
    for number in series {
      var labels = Workload.labels(of: number)
      if !replica.isEmpty { labels.insert(("__replica__", replica), at: 1) }
      body.add(labels, [(1 << 40, 0)])
      valueOffsets.append(Int32(body.message.count - Self.timestampBytes - 1 - 8))
    }
    message = body.message
  }

  /// Fills `request` with the compressed body of the next scrape and returns the last value in it. The answer's
  /// length is `request.count`.
  mutating func encode(timestamp: Int64, into compressed: inout [UInt8]) -> Double {
    var varint: [UInt8] = []
    ProtobufBytes.append(varint: UInt64(bitPattern: timestamp), to: &varint)
    precondition(varint.count == Self.timestampBytes, "timestamps of the load take six bytes")
    var last = 0.0
    message.withUnsafeMutableBytes { bytes in
      for (index, offset) in valueOffsets.enumerated() {
        last = values.next(index)
        bytes.storeBytes(of: last.bitPattern.littleEndian, toByteOffset: Int(offset), as: UInt64.self)
        for byte in 0..<Self.timestampBytes { bytes[Int(offset) + 9 + byte] = varint[byte] }
      }
    }
    compressed = snappyCompressed(message)
    return last
  }
}

/// A fast 64-bit digest that tells whether two servers were sent the same bytes.
func digest(of bytes: [UInt8]) -> UInt64 {
  var hash: UInt64 = 0x9e37_79b9_7f4a_7c15 ^ UInt64(bytes.count)
  bytes.withUnsafeBytes { bytes in
    var offset = 0
    while offset + 8 <= bytes.count {
      let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      hash = (hash ^ word) &* 0xff51_afd7_ed55_8ccd
      hash ^= hash >> 32
      offset += 8
    }
    for byte in bytes[offset...] { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
  }
  return hash
}
