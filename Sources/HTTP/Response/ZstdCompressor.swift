import CZstd

/// One zstd compressor, reused. One owner at a time.
final class ZstdCompressor: Compressor, @unchecked Sendable {
  /// The fastest of the usual levels: answers repeat themselves.
  private static let level: Int32 = 1
  /// 128 KiB, which keeps the working memory below a megabyte and is far more than answers reach back.
  private static let windowLog: Int32 = 17

  private let context: OpaquePointer

  var encoding: ContentEncoding { .zstd }

  /// Nil when the system has no memory.
  init?() {
    guard let context = ZSTD_createCCtx() else { return nil }
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, ZstdCompressor.level)
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, ZstdCompressor.windowLog)
    self.context = context
  }

  deinit { ZSTD_freeCCtx(context) }

  /// The parameters stay.
  func reset() { ZSTD_CCtx_reset(context, ZSTD_reset_session_only) }

  func compress(_ input: UnsafeRawBufferPointer, into output: inout ByteStore, finish: Bool) -> Bool {
    var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    while true {
      let room = output.spare(max(512, min(input.count / 4, 65536)))
      if room.isEmpty { return false }
      var target = ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
      let rest = ZSTD_compressStream2(context, &target, &source, finish ? ZSTD_e_end : ZSTD_e_continue)
      output.commit(target.pos)
      if ZSTD_isError(rest) != 0 { return false }
      if finish ? rest == 0 : source.pos == source.size { return true }
    }
  }
}
