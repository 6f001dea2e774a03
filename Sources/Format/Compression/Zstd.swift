// Zstandard frames. Each side owns the library's working memory and reuses it: one per thread or per owner, no sharing.
import CZstd

/// Decodes one or several frames.
package struct ZstdDecoder: ~Copyable, @unchecked Sendable {
  /// The largest window a frame without a content size may ask for: 8 MiB, what every level up to 19 uses.
  package static let windowLogMax: Int32 = 23
  /// How much room the streaming decoder is given at a time.
  private static let stepBytes = 128 * 1024

  private var context: OpaquePointer?

  package init() {}

  deinit { ZSTD_freeDCtx(context) }

  /// Appends the decoded bytes to `output`. A content size in the first header is compared with `decodedBytesMax`
  /// before any memory is taken; frames without one are decoded in steps and stopped at the limit.
  /// On error `output` is as it was.
  package mutating func decode(
    _ bytes: UnsafeRawBufferPointer, into output: inout ByteBuffer, decodedBytesMax: Int
  ) throws(CompressionError) {
    guard let start = bytes.baseAddress else { throw .corrupt }
    let contentSize = ZSTD_getFrameContentSize(start, bytes.count)
    guard contentSize != contentSizeError else { throw .corrupt }
    let isKnown = contentSize != contentSizeUnknown
    if isKnown, contentSize > UInt64(decodedBytesMax) {
      throw .tooLarge(decodedBytes: Int(clamping: contentSize), decodedBytesMax: decodedBytesMax)
    }
    let decoder = try prepared()
    if isKnown, ZSTD_findFrameCompressedSize(start, bytes.count) == bytes.count {
      try ZstdDecoder.decodeWhole(bytes, length: Int(contentSize), decoder, into: &output)
    } else {
      let before = output.count
      do throws(CompressionError) {
        try ZstdDecoder.decodeInSteps(bytes, decoder, into: &output, decodedBytesMax: decodedBytesMax)
      } catch {
        output.truncate(to: before)
        throw error
      }
    }
  }

  private mutating func prepared() throws(CompressionError) -> OpaquePointer {
    if context == nil {
      context = ZSTD_createDCtx()
      if let context { ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZstdDecoder.windowLogMax) }
    }
    guard let context else { throw .outOfMemory }
    ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
    return context
  }

  private static func decodeWhole(
    _ bytes: UnsafeRawBufferPointer, length: Int, _ decoder: OpaquePointer, into output: inout ByteBuffer
  ) throws(CompressionError) {
    var isValid = false
    output.write(room: length) { room in
      let written = ZSTD_decompressDCtx(decoder, room.baseAddress, room.count, bytes.baseAddress, bytes.count)
      isValid = ZSTD_isError(written) == 0 && written == length
      return isValid ? written : 0
    }
    if !isValid { throw .corrupt }
  }

  private static func decodeInSteps(
    _ bytes: UnsafeRawBufferPointer, _ decoder: OpaquePointer, into output: inout ByteBuffer, decodedBytesMax: Int
  ) throws(CompressionError) {
    var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
    let before = output.count
    var pending = 1
    // Ends: each turn consumes input or fills output, and both are bounded.
    while input.pos < input.size || pending != 0 {
      let (consumedBefore, producedBefore) = (input.pos, output.count)
      var result = 0
      output.write(room: stepBytes) { room in
        var step = ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
        result = ZSTD_decompressStream(decoder, &step, &input)
        return step.pos
      }
      if ZSTD_isError(result) != 0 { throw .corrupt }
      pending = result
      let produced = output.count - before
      if produced > decodedBytesMax { throw .tooLarge(decodedBytes: produced, decodedBytesMax: decodedBytesMax) }
      if input.pos == consumedBefore, output.count == producedBefore, input.pos < input.size || pending != 0 {
        throw .corrupt
      }
    }
  }
}

/// Encodes one frame per call, with its content size in the header.
package struct ZstdEncoder: ~Copyable, @unchecked Sendable {
  /// The library's default, which is also what Prometheus asks for.
  package static let level: Int32 = 3

  private var context: OpaquePointer?

  package init() {}

  deinit { ZSTD_freeCCtx(context) }

  /// Appends the encoded bytes to `output`.
  package mutating func encode(
    _ bytes: UnsafeRawBufferPointer, into output: inout ByteBuffer
  ) throws(CompressionError) {
    if context == nil { context = ZSTD_createCCtx() }
    guard let context else { throw .outOfMemory }
    var isValid = false
    output.write(room: ZSTD_compressBound(bytes.count)) { room in
      let written = ZSTD_compressCCtx(
        context, room.baseAddress, room.count, bytes.baseAddress, bytes.count, ZstdEncoder.level)
      isValid = ZSTD_isError(written) == 0
      return isValid ? written : 0
    }
    if !isValid { throw .outOfMemory }
  }
}

// The header defines these as casts, which do not come through the importer.
private let contentSizeUnknown = UInt64.max
private let contentSizeError = UInt64.max - 1
