import CZlib

/// One gzip compressor (zlib), reused: a quarter of a megabyte that is not worth allocating for each answer. One
/// owner at a time.
final class Deflater: Compressor, @unchecked Sendable {
  var encoding: ContentEncoding { .gzip }

  /// Favours speed: query answers repeat themselves so much that higher levels gain little.
  private static let level: Int32 = 2
  /// 15 bits of window, 16 more for the gzip wrapper.
  private static let windowBits: Int32 = 15 + 16

  private let stream: UnsafeMutablePointer<z_stream>

  /// Nil when the system has no memory.
  init?() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let code = deflateInit2_(
      stream, Self.level, Z_DEFLATED, Self.windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    if code != Z_OK {
      stream.deallocate()
      return nil
    }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  func reset() { deflateReset(stream) }

  /// Compresses all of `input` to the end of `output`; `finish` ends the gzip member. False without memory.
  func compress(_ input: UnsafeRawBufferPointer, into output: inout ByteStore, finish: Bool) -> Bool {
    stream.pointee.next_in = input.baseAddress.map {
      UnsafeMutablePointer(mutating: $0.assumingMemoryBound(to: UInt8.self))
    }
    stream.pointee.avail_in = UInt32(input.count)
    while true {
      let room = output.spare(max(512, min(input.count / 4, 65536)))
      if room.isEmpty { return false }
      let capacity = min(room.count, Int(UInt32.max))
      stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = UInt32(capacity)
      let code = deflate(stream, finish ? Z_FINISH : Z_NO_FLUSH)
      output.commit(capacity - Int(stream.pointee.avail_out))
      if code == Z_STREAM_END { return true }
      if code != Z_OK && code != Z_BUF_ERROR { return false }
      if !finish && stream.pointee.avail_in == 0 && stream.pointee.avail_out != 0 { return true }
    }
  }
}
