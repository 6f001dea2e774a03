// Gzip members, as HTTP senders compress bodies. Stateless; any thread. Rarer than the other encodings, so the library's
// working memory is taken for each body.
import CZlib

package enum Gzip {
  /// How much room the decoder is given at a time.
  private static let stepBytes = 128 << 10
  /// 15 bits of window, 16 more for the gzip wrapper.
  private static let windowBits: Int32 = 15 + 16

  /// Appends the decoded bytes of one or several members to `output`, in steps, stopped at the limit. On error `output`
  /// is as it was.
  package static func decode(
    _ bytes: UnsafeRawBufferPointer, into output: inout ByteBuffer, decodedBytesMax: Int
  ) throws(CompressionError) {
    guard let start = bytes.baseAddress, bytes.count <= Int(UInt32.max) else { throw .corrupt }
    var stream = z_stream()
    guard inflateInit2_(&stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw .outOfMemory
    }
    defer { inflateEnd(&stream) }
    stream.next_in = UnsafeMutablePointer(mutating: start.assumingMemoryBound(to: UInt8.self))
    stream.avail_in = UInt32(bytes.count)
    let before = output.count
    do throws(CompressionError) {
      try decode(&stream, into: &output, before: before, decodedBytesMax: decodedBytesMax)
    } catch {
      output.truncate(to: before)
      throw error
    }
  }

  private static func decode(
    _ stream: inout z_stream, into output: inout ByteBuffer, before: Int, decodedBytesMax: Int
  ) throws(CompressionError) {
    // Ends: each turn consumes input or fills output, both are bounded, and a turn that does neither is an error.
    while true {
      var status = Z_DATA_ERROR
      output.write(room: stepBytes) { room in
        stream.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.avail_out = UInt32(room.count)
        status = inflate(&stream, Z_NO_FLUSH)
        return room.count - Int(stream.avail_out)
      }
      if output.count - before > decodedBytesMax {
        throw .tooLarge(decodedBytes: output.count - before, decodedBytesMax: decodedBytesMax)
      }
      switch status {
      case Z_STREAM_END:
        if stream.avail_in == 0 { return }
        guard inflateReset(&stream) == Z_OK else { throw .corrupt }
      case Z_OK: break
      case Z_MEM_ERROR: throw .outOfMemory
      default: throw .corrupt
      }
    }
  }
}
