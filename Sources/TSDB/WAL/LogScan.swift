import Format
import Model
import Platform

/// Reads a log that may be written to meanwhile, from its last checkpoint to where it ends now, and changes nothing: damage is
/// stepped over. One use, one thread.
struct LogScan: ~Copyable {
  private var reader = SegmentReader()
  private var columns = RecordColumns()
  private var unpacker = RecordUnpacker()

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
          guard let record = unpacker.unpack(bytes, compression), columns.append(record: record) == .decoded else {
            continue
          }
          try body(columns)
        case .damage: continue
        case .end: isAtEnd = true
        }
      }
    }
  }
}
