import CShims
import Format

// The layout of a file in `chunks_head/`, as Prometheus writes it. Integers are big endian.
//
//   file:   magic 0x0130BC91 <4>   version 1 <1>   zeros <3>   chunks
//   chunk:  series ref <8>   min time <8>   max time <8>   encoding <1>   length <uvarint>   data <length>
//           CRC-32C of all that <4>
//
// The encoding's high bit marks a chunk of out-of-order samples. Zeros to the end of the file (preallocated, or
// never written before a power loss) are its end: a series ref is never 0.

/// The place of a chunk: the file's number in the upper half, the offset of its first byte in the lower.
package struct HeadChunkRef: Sendable, Hashable, Comparable, CustomStringConvertible {
  package var rawValue: UInt64

  package init(rawValue: UInt64) { self.rawValue = rawValue }
  package init(file: Int, offset: Int) { rawValue = UInt64(file) << 32 | UInt64(offset) }

  package var file: Int { Int(rawValue >> 32) }
  package var offset: Int { Int(rawValue & 0xffff_ffff) }

  package static func < (left: HeadChunkRef, right: HeadChunkRef) -> Bool { left.rawValue < right.rawValue }
  package var description: String { "\(file):\(offset)" }
}

/// The header of a head chunk.
package struct HeadChunkInfo: Sendable, Equatable {
  package var ref: HeadChunkRef
  package var series: UInt64
  package var minTime: Int64
  package var maxTime: Int64
  /// The encoding without the out-of-order bit.
  package var encoding: UInt8
  package var isOutOfOrder: Bool
  /// The range of the data in the file.
  package var data: Range<Int>
  /// The first two bytes of the data, which is the number of samples in every encoding there is.
  package var sampleCount: Int
}

enum HeadChunkLayout {
  static let fileBytesMax = 128 << 20
  static let fileHeaderBytes = 8
  static let magic: UInt32 = 0x0130_bc91
  static let version: UInt8 = 1
  static let outOfOrderBit: UInt8 = 0x80
  static let checksumBytes = 4
  /// Series refs are counted up from 1; a higher one is damage.
  static let seriesMax: UInt64 = 1 << 60
  /// Series ref, two times, encoding and a length of one byte: no chunk is shorter than this and its checksum.
  static let chunkHeaderBytesMin = 26

  static func appendFileHeader(to output: inout ByteBuffer) {
    output.appendBigEndian(magic)
    output.append(version)
    for _ in 0..<3 { output.append(UInt8(0)) }
  }

  static func hasFileHeader(_ file: UnsafeRawBufferPointer) -> Bool {
    var reader = ByteReader(file)
    return reader.bigEndian(UInt32.self) == magic && reader.byte() == version && reader.take(3) != nil
  }

  static func appendChunk(
    series: UInt64, minTime: Int64, maxTime: Int64, encoding: UInt8, isOutOfOrder: Bool,
    data: UnsafeRawBufferPointer, to output: inout ByteBuffer
  ) {
    let start = output.count
    output.appendBigEndian(series)
    output.appendBigEndian(minTime)
    output.appendBigEndian(maxTime)
    output.append(isOutOfOrder ? encoding | outOfOrderBit : encoding)
    output.appendUvarint(UInt64(data.count))
    output.append(data)
    let covered = UnsafeRawBufferPointer(rebasing: output.bytes[start...])
    output.appendBigEndian(apus_crc32c(0, covered.baseAddress, covered.count))
  }

  /// The chunk at `ref.offset`; nil if it does not fit into the file. It does not check the checksum.
  static func chunk(at ref: HeadChunkRef, in file: UnsafeRawBufferPointer) -> HeadChunkInfo? {
    guard ref.offset >= fileHeaderBytes, ref.offset <= file.count else { return nil }
    var reader = ByteReader(UnsafeRawBufferPointer(rebasing: file[ref.offset...]))
    guard let series = reader.bigEndian64(), let minTime = reader.bigEndian64(),
      let maxTime = reader.bigEndian64(), let encoding = reader.byte(), let length = reader.uvarint(),
      reader.remaining >= checksumBytes, length <= UInt64(reader.remaining - checksumBytes), series != 0
    else { return nil }
    let start = ref.offset + reader.offset
    let count: UInt16 = length >= 2 ? reader.bigEndian16() ?? 0 : 0
    return HeadChunkInfo(
      ref: ref, series: series, minTime: Int64(bitPattern: minTime), maxTime: Int64(bitPattern: maxTime),
      encoding: encoding & ~outOfOrderBit,
      isOutOfOrder: encoding & outOfOrderBit != 0, data: start..<(start + Int(length)), sampleCount: Int(count))
  }

  static func hasRightChecksum(_ chunk: HeadChunkInfo, in file: UnsafeRawBufferPointer) -> Bool {
    let covered = UnsafeRawBufferPointer(rebasing: file[chunk.ref.offset..<chunk.data.upperBound])
    let stored = file.loadUnaligned(fromByteOffset: chunk.data.upperBound, as: UInt32.self)
    return apus_crc32c(0, covered.baseAddress, covered.count) == UInt32(bigEndian: stored)
  }
}
