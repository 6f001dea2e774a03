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
