import Format

/// Decompresses stored records. One owner; the scratch is reused from record to record.
struct RecordUnpacker: ~Copyable {
  private var scratch = ByteBuffer(capacity: 256 * 1024)
  private var zstd = ZstdDecoder()

  /// The record's own bytes, or the scratch that holds them decompressed, until the next call; nil if they do not
  /// decompress, which the caller reports as a record that does not decode.
  mutating func unpack(_ bytes: UnsafeRawBufferPointer, _ compression: WALCompression) -> UnsafeRawBufferPointer? {
    if compression == .none || bytes.isEmpty { return bytes }
    scratch.removeAll()
    do throws(CompressionError) {
      if compression == .snappy {
        try Snappy.decode(bytes, into: &scratch, decodedBytesMax: WALOptions.recordBytesMax)
      } else {
        try zstd.decode(bytes, into: &scratch, decodedBytesMax: WALOptions.recordBytesMax)
      }
    } catch {
      return nil
    }
    return scratch.bytes
  }
}
