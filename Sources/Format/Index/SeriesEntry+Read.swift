/// A series of an index, decoded into memory that is used again for the next.
package struct DecodedSeries: Sendable {
  /// Symbol numbers of names and values by turns.
  package var labels: [UInt32] = []
  package var chunks: [ChunkMeta] = []

  package init() {}
}

extension IndexFile {
  /// Reads the series with a reference; false where none lies there whole, or its checksum is wrong.
  package func read(_ reference: UInt32, into series: inout DecodedSeries) -> Bool {
    series.labels.removeAll(keepingCapacity: true)
    series.chunks.removeAll(keepingCapacity: true)
    let offset = Int(reference) * IndexLayout.seriesAlignment
    guard seriesRange.contains(offset) else { return false }
    var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[offset..<seriesRange.upperBound]))
    guard let length = reader.uvarint(), let body = reader.take(Int(clamping: length)),
      reader.bigEndian(UInt32.self) == checksum(body)
    else { return false }
    return IndexFile.decode(body, into: &series, symbolCount: symbolCount)
  }

  private static func decode(
    _ body: UnsafeRawBufferPointer, into series: inout DecodedSeries, symbolCount: Int
  ) -> Bool {
    var reader = ByteReader(body)
    guard let labelCount = reader.uvarint(), labelCount <= UInt64(body.count) else { return false }
    for _ in 0..<(2 * labelCount) {
      guard let symbol = reader.uvarint(), symbol < UInt64(symbolCount) else { return false }
      series.labels.append(UInt32(symbol))
    }
    guard let chunkCount = reader.uvarint(), chunkCount <= UInt64(body.count) else { return false }
    var previous = ChunkMeta(minTime: 0, maxTime: 0, reference: 0)
    for place in 0..<chunkCount {
      var chunk = previous
      if place == 0 {
        guard let minTime = reader.varint(), let span = reader.uvarint(), let reference = reader.uvarint() else {
          return false
        }
        chunk = ChunkMeta(minTime: minTime, maxTime: minTime &+ Int64(bitPattern: span), reference: reference)
      } else {
        guard let distance = reader.uvarint(), let span = reader.uvarint(), let step = reader.varint() else {
          return false
        }
        chunk.minTime = previous.maxTime &+ Int64(bitPattern: distance)
        chunk.maxTime = chunk.minTime &+ Int64(bitPattern: span)
        chunk.reference = previous.reference &+ UInt64(bitPattern: step)
      }
      if chunk.maxTime < chunk.minTime { return false }
      series.chunks.append(chunk)
      previous = chunk
    }
    return reader.isAtEnd
  }
}
