import Format
import Model

/// Chunks to be written together, encoded outside of any lock. The caller's scratch, reused by `removeAll`.
package struct HeadChunkBatch: ~Copyable, Sendable {
  /// Data of one chunk: more would not leave room for others in a file.
  package static let chunkBytesMax = 1 << 20

  struct Entry: Sendable {
    var end: Int
    var maxTime: Int64
  }

  private(set) var bytes = ByteBuffer(capacity: 64 * 1024)
  private(set) var entries: [Entry] = []
  /// The place of each chunk, in the order they were appended; filled by `HeadChunks.append`.
  package internal(set) var refs: [HeadChunkRef] = []

  package init() {}

  package var count: Int { entries.count }
  package var isEmpty: Bool { entries.isEmpty }

  package mutating func removeAll() {
    bytes.removeAll()
    entries.removeAll(keepingCapacity: true)
    refs.removeAll(keepingCapacity: true)
  }

  /// Adds a chunk. `encoding` is the chunk's own number (1 is XOR), `series` is never 0.
  package mutating func append(
    series: UInt64, minTime: Int64, maxTime: Int64, encoding: UInt8, isOutOfOrder: Bool = false,
    data: LentBytes
  ) {
    precondition(series != 0 && encoding & HeadChunkLayout.outOfOrderBit == 0 && !data.isEmpty)
    precondition(data.count <= HeadChunkBatch.chunkBytesMax, "a chunk above the limit")
    HeadChunkLayout.appendChunk(
      series: series, minTime: minTime, maxTime: maxTime, encoding: encoding, isOutOfOrder: isOutOfOrder,
      data: data.raw, to: &bytes)
    entries.append(Entry(end: bytes.count, maxTime: maxTime))
  }
}
