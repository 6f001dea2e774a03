import Format
import Model
import Platform

/// Reads a log that may be written to meanwhile, from its last checkpoint to where it ends now, and changes nothing: damage is
/// stepped over. One use, one thread.
struct LogScan: ~Copyable {
  private var reader = SegmentReader()
  private var columns = RecordColumns()
  private var decoded = ByteBuffer(capacity: 256 * 1024)
  private var zstd = ZstdDecoder()

  /// Calls `body` with the rows of one record after the other. A segment that goes meanwhile ends the scan with an error.
  mutating func run(
    _ directory: WALDirectory, shouldStop: () -> Bool, _ body: (borrowing RecordColumns) throws(BlockError) -> Void
  ) throws(BlockError) {
    let plan = try BlockError.wrap { () throws(DiskError) in try ReplayPlan(directory, from: nil, before: .max) }
    for source in plan.sources {
      if shouldStop() { throw .stopped }
      let file = try BlockError.wrap { () throws(DiskError) in try source.directory.disk.open(source.path, .read) }
      defer { try? file.close() }
      do throws(DiskError) { try reader.begin(file, from: source.start) } catch { throw .disk(error) }
      var isAtEnd = false
      while !isAtEnd {
        switch reader.next() {
        case .record(let bytes, let compression):
          columns.removeAll()
          if append(LentBytes(bytes), compression) { try body(columns) }
        case .damage: continue
        case .end: isAtEnd = true
        }
      }
    }
  }

  private mutating func append(_ bytes: LentBytes, _ compression: WALCompression) -> Bool {
    if compression == .none || bytes.isEmpty { return columns.append(record: bytes.raw) == .decoded }
    decoded.removeAll()
    do throws(CompressionError) {
      if compression == .snappy {
        try Snappy.decode(bytes.raw, into: &decoded, decodedBytesMax: WALOptions.recordBytesMax)
      } else {
        try zstd.decode(bytes.raw, into: &decoded, decodedBytesMax: WALOptions.recordBytesMax)
      }
    } catch {
      return false
    }
    return columns.append(record: decoded.bytes) == .decoded
  }
}
