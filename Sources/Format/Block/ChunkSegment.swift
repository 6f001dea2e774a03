// The files `chunks/000001`, ...: magic u32, version u8, three bytes of nothing, then chunks:
//
//     length uvarint (of the data)  encoding u8  data  crc u32 (of encoding and data)
//
// A chunk's reference is the file (from 0) in its upper 32 bits and the offset in the lower.

package enum ChunkSegment {
  package static let magic: UInt32 = 0x85bd_40dd
  package static let version: UInt8 = 1
  package static let headerBytes = 8
  /// Segments end before they would grow larger.
  package static let bytesMax = 512 << 20

  /// The name of a segment's file, numbered from 0.
  package static func fileName(_ number: Int) -> String {
    let digits = String(number + 1)
    return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
  }

  package static func reference(segment: Int, offset: Int) -> UInt64 { UInt64(segment) << 32 | UInt64(offset) }

  package static func appendHeader(to output: inout ByteBuffer) {
    output.appendBigEndian(magic)
    output.append(version)
    output.append(CollectionOfOne(0))
    output.append(CollectionOfOne(0))
    output.append(CollectionOfOne(0))
  }

  package static func hasHeader(_ file: UnsafeRawBufferPointer) -> Bool {
    var reader = ByteReader(file)
    return reader.bigEndian(UInt32.self) == magic && reader.byte() == version && file.count >= headerBytes
  }

  package static func append(encoding: UInt8, _ data: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
    output.appendUvarint(UInt64(data.count))
    let start = output.count
    output.append(encoding)
    output.append(data)
    output.appendBigEndian(checksum(UnsafeRawBufferPointer(rebasing: output.bytes[start...])))
  }

  /// Bytes that a chunk takes in its file, for a number of bytes of data.
  package static func byteCount(of dataCount: Int) -> Int {
    var lengthBytes = 1
    var rest = dataCount >> 7
    while rest > 0 {
      lengthBytes += 1
      rest >>= 7
    }
    return lengthBytes + 1 + dataCount + 4
  }

  /// The chunk at an offset, nil where none lies there whole. Does not look at the checksum.
  package static func chunk(
    at offset: Int, in file: UnsafeRawBufferPointer
  ) -> (encoding: UInt8, data: UnsafeRawBufferPointer, checksum: UInt32)? {
    guard offset >= headerBytes, offset < file.count else { return nil }
    var reader = ByteReader(UnsafeRawBufferPointer(rebasing: file[offset...]))
    guard let length = reader.uvarint(), length < UInt64(bytesMax), let encoding = reader.byte(),
      let data = reader.take(Int(length)), let stored = reader.bigEndian(UInt32.self)
    else { return nil }
    return (encoding, data, stored)
  }

  /// True if a chunk's bytes are those that were written.
  package static func isWhole(_ chunk: (encoding: UInt8, data: UnsafeRawBufferPointer, checksum: UInt32)) -> Bool {
    actualChecksum(of: chunk) == chunk.checksum
  }

  /// The checksum that the bytes of a found chunk have.
  package static func actualChecksum(
    of chunk: (encoding: UInt8, data: UnsafeRawBufferPointer, checksum: UInt32)
  ) -> UInt32 {
    // The encoding stands right before the data, which begins somewhere also where there is none.
    guard let start = chunk.data.baseAddress else { return ~chunk.checksum }
    return checksum(UnsafeRawBufferPointer(start: start - 1, count: chunk.data.count + 1))
  }
}
