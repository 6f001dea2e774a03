import Format

/// The records of one commit, compressed and ready to be framed. The caller's scratch: one per worker, filled outside
/// the log's lock, reused by `removeAll`.
package struct WALBody: ~Copyable, Sendable {
  package struct Entry: Sendable {
    var end: Int
    var compression: WALCompression
  }

  package let compression: WALCompression
  /// The stored records, back to back.
  private(set) var stored = ByteBuffer(capacity: 64 * 1024)
  private(set) var entries: [Entry] = []
  /// Bytes that compression spared.
  private(set) var savedBytes = 0
  private var zstd = ZstdEncoder()

  package init(compression: WALCompression = .snappy) { self.compression = compression }

  package var isEmpty: Bool { entries.isEmpty }
  package var storedBytes: Int { stored.count }

  package mutating func removeAll() {
    stored.removeAll()
    entries.removeAll(keepingCapacity: true)
    savedBytes = 0
  }

  /// Adds an encoded record, kind byte first. Records that explain others (series) come before them.
  package mutating func append(_ record: borrowing ByteBuffer) { append(record.bytes) }

  package mutating func append(_ record: UnsafeRawBufferPointer) {
    if record.isEmpty { return }
    precondition(record.count <= WALOptions.recordBytesMax, "a record above the limit")
    let start = stored.count
    let used = compress(record)
    let isSmaller = used != .none && stored.count - start < record.count
    if !isSmaller {
      stored.truncate(to: start)
      stored.append(record)
    }
    savedBytes += start + record.count - stored.count
    entries.append(Entry(end: stored.count, compression: isSmaller ? used : .none))
  }

  /// Appends the compressed form; `.none` where there is none.
  private mutating func compress(_ record: UnsafeRawBufferPointer) -> WALCompression {
    switch compression {
    case .none: return .none
    case .snappy:
      Snappy.encode(record, into: &stored)
      return .snappy
    case .zstd:
      do throws(CompressionError) {
        try zstd.encode(record, into: &stored)
        return .zstd
      } catch {
        // Without memory for the compressor a record is stored as it is, which every reader takes.
        return .none
      }
    }
  }

  /// Appends the fragments of all records to `output`.
  func frame(with framer: inout RecordFramer, into output: inout ByteBuffer) {
    var start = 0
    for entry in entries {
      framer.append(
        UnsafeRawBufferPointer(rebasing: stored.bytes[start..<entry.end]), compression: entry.compression,
        to: &output)
      start = entry.end
    }
  }
}
