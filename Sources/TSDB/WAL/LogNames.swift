import Format
import Platform

/// Reads the names of series that a log knew at a position: of its checkpoints and segments, the records of series and of
/// metadata. A follower that starts there knows by them what the references mean. One use.
package struct LogNames: ~Copyable {
  private var reader = SegmentReader()
  private var columns = RecordColumns()
  private var unpacker = RecordUnpacker()

  package init() {}

  /// Calls `body` with one such record after the other. A series may be named several times; what damage or a truncation has
  /// taken is missing. Whoever wants to read on from `position` holds its segment before.
  ///
  /// The last checkpoint is read also where it is younger: it names the series that are still in use, so that little is
  /// missing where the segments before the position are gone.
  package mutating func read(
    of log: WriteAheadLog, before position: WALPosition, _ body: (borrowing RecordColumns) -> Void
  ) throws(WALError) {
    do throws(DiskError) {
      let end = min(position, log.position)
      let checkpoints = try log.directory.checkpoints()
      let base = checkpoints.last { $0 < end.segment }
      if let base { try read(checkpoint: base, of: log.directory, body) }
      for number in try log.directory.segments() where number > base ?? -1 && number <= end.segment {
        try read(number, of: log.directory, until: number == end.segment ? end.offset : .max, body)
      }
      if let last = checkpoints.last, last != base { try read(checkpoint: last, of: log.directory, body) }
    } catch {
      throw .disk(error)
    }
  }

  private mutating func read(
    checkpoint number: Int, of directory: WALDirectory, _ body: (borrowing RecordColumns) -> Void
  ) throws(DiskError) {
    let folder = WALDirectory(directory.disk, directory.checkpointPath(number))
    for part in try folder.segments() { try read(part, of: folder, until: .max, body) }
  }

  private mutating func read(
    _ number: Int, of directory: WALDirectory, until limit: Int, _ body: (borrowing RecordColumns) -> Void
  ) throws(DiskError) {
    let file: any DiskFile
    do throws(DiskError) {
      file = try directory.disk.open(directory.segmentPath(number), .read)
    } catch {
      // Shortened meanwhile: a younger checkpoint stands for it.
      if error.isNotFound { return }
      throw error
    }
    defer { try? file.close() }
    try reader.begin(file, from: 0, until: limit)
    while true {
      switch reader.next() {
      case .record(let bytes, let compression):
        columns.removeAll()
        if hasNames(bytes, compression), let record = unpacker.unpack(bytes, compression),
          LogNames.isName(record.first),
          columns.append(record: record) == .decoded
        {
          body(columns)
        }
      case .damage: continue
      case .end: return
      }
    }
  }

  /// False if the record has no names, as far as this can be seen before it is decompressed.
  private func hasNames(_ bytes: UnsafeRawBufferPointer, _ compression: WALCompression) -> Bool {
    switch compression {
    case .none: LogNames.isName(bytes.first)
    case .snappy: LogNames.isName(Snappy.firstByte(of: bytes))
    case .zstd: true
    }
  }

  private static func isName(_ kind: UInt8?) -> Bool {
    kind == RecordKind.series.rawValue || kind == RecordKind.metadata.rawValue
  }
}
