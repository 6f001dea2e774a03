/// A chunk as a block's index names it.
package struct ChunkMeta: BitwiseCopyable, Equatable, Sendable {
  package var minTime: Int64
  /// Of the last sample.
  package var maxTime: Int64
  package var reference: UInt64

  package init(minTime: Int64, maxTime: Int64, reference: UInt64) {
    self.minTime = minTime
    self.maxTime = maxTime
    self.reference = reference
  }
}

/// Writes one series of an index (layout: `IndexLayout`).
package enum SeriesEntry {
  /// `labels`: numbers of name and value symbols in alternation. Chunks must follow each other in time.
  package static func append(
    labels: Span<UInt32>, chunks: Span<ChunkMeta>, scratch: inout ByteBuffer, to output: inout ByteBuffer
  ) {
    scratch.removeAll()
    scratch.appendUvarint(UInt64(labels.count / 2))
    for place in labels.indices { scratch.appendUvarint(UInt64(labels[place])) }
    scratch.appendUvarint(UInt64(chunks.count))
    var previous: ChunkMeta?
    for place in chunks.indices {
      let chunk = chunks[place]
      if let previous {
        scratch.appendUvarint(UInt64(bitPattern: chunk.minTime &- previous.maxTime))
        scratch.appendUvarint(UInt64(bitPattern: chunk.maxTime &- chunk.minTime))
        scratch.appendVarint(Int64(bitPattern: chunk.reference &- previous.reference))
      } else {
        scratch.appendVarint(chunk.minTime)
        scratch.appendUvarint(UInt64(bitPattern: chunk.maxTime &- chunk.minTime))
        scratch.appendUvarint(chunk.reference)
      }
      previous = chunk
    }
    output.appendUvarint(UInt64(scratch.count))
    output.append(scratch.bytes)
    output.appendBigEndian(checksum(scratch.bytes))
  }
}
