// Snappy's block format (not the framed one): what remote write bodies and write-ahead log records use.
// Stateless; any thread.
import CSnappy

package enum Snappy {
  /// The length that the header promises; nil where there is no valid header.
  package static func decodedLength(of bytes: UnsafeRawBufferPointer) -> Int? {
    guard let start = bytes.baseAddress else { return nil }
    var length = 0
    let status = snappy_uncompressed_length(start.assumingMemoryBound(to: CChar.self), bytes.count, &length)
    return status == SNAPPY_OK ? length : nil
  }

  /// Appends the decoded bytes to `output`. The promised length is compared with `decodedBytesMax` before any
  /// memory is taken for it. On error `output` is as it was.
  package static func decode(
    _ bytes: UnsafeRawBufferPointer, into output: inout ByteBuffer, decodedBytesMax: Int
  ) throws(CompressionError) {
    guard let start = bytes.baseAddress, let length = decodedLength(of: bytes) else { throw .corrupt }
    guard length <= decodedBytesMax else {
      throw .tooLarge(decodedBytes: length, decodedBytesMax: decodedBytesMax)
    }
    // A copy element of three bytes gives at most 64 bytes: a header that promises more than that lies, and is
    // refused before it can make us take memory.
    guard length / 32 <= bytes.count else { throw .corrupt }
    var status = SNAPPY_INVALID_INPUT
    output.write(room: length) { room in
      var written = room.count
      status = snappy_uncompress(
        start.assumingMemoryBound(to: CChar.self), bytes.count,
        room.baseAddress?.assumingMemoryBound(to: CChar.self), &written)
      return status == SNAPPY_OK ? written : 0
    }
    guard status == SNAPPY_OK else { throw .corrupt }
  }

  /// The first of the decoded bytes, without decoding the others; nil if there is none, or `bytes` do not begin as they should.
  package static func firstByte(of bytes: UnsafeRawBufferPointer) -> UInt8? {
    // The length, then the first element, which is a literal: nothing could be copied before it.
    guard let length = decodedLength(of: bytes), length > 0, var at = bytes.firstIndex(where: { $0 < 0x80 }) else {
      return nil
    }
    at += 1
    guard at < bytes.count, bytes[at] & 0x03 == 0 else { return nil }
    // From 60 on the tag says how many bytes of the literal's length follow.
    let count = Int(bytes[at] >> 2)
    at += count < 60 ? 1 : count - 58
    return at < bytes.count ? bytes[at] : nil
  }

  /// Appends the encoded bytes to `output`.
  package static func encode(_ bytes: UnsafeRawBufferPointer, into output: inout ByteBuffer) {
    guard let start = bytes.baseAddress else { return output.append(UInt8(0)) }
    output.write(room: snappy_max_compressed_length(bytes.count)) { room in
      var written = room.count
      let status = snappy_compress(
        start.assumingMemoryBound(to: CChar.self), bytes.count,
        room.baseAddress?.assumingMemoryBound(to: CChar.self), &written)
      precondition(status == SNAPPY_OK, "snappy refused room of its own maximum length")
      return written
    }
  }
}
