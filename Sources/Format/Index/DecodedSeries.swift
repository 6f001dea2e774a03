import Model

/// A series as an index names it. Reused from series to series.
package struct DecodedSeries: Sendable {
  /// Numbers of name and value symbols in alternation, names ascending.
  package private(set) var labels: [UInt32] = []
  package private(set) var chunks: [ChunkMeta] = []

  package init() {}

  /// The times its chunks span; nil where it has none.
  package var timeRange: ClosedRange<Int64>? {
    var range: ClosedRange<Int64>?
    for chunk in chunks {
      let present = range ?? chunk.minTime...chunk.maxTime
      range = min(present.lowerBound, chunk.minTime)...max(present.upperBound, chunk.maxTime)
    }
    return range
  }

  /// False where the bytes make no sense. A chunk may begin before the one before it has ended, as two kinds of samples in
  /// one series make it, but not before the other's beginning.
  mutating func take(_ body: UnsafeRawBufferPointer, withChunks: Bool, symbolCount: Int) -> Bool {
    labels.removeAll(keepingCapacity: true)
    chunks.removeAll(keepingCapacity: true)
    var reader = ByteReader(body)
    guard let labelCount = reader.uvarint(), labelCount <= UInt64(reader.remaining / 2) else { return false }
    for place in 0..<(2 * Int(labelCount)) {
      guard let symbol = reader.uvarint(), symbol < UInt64(symbolCount) else { return false }
      if place >= 2 && place % 2 == 0 && labels[place - 2] >= UInt32(symbol) { return false }
      labels.append(UInt32(symbol))
    }
    if !withChunks { return true }
    guard let chunkCount = reader.uvarint(), chunkCount <= UInt64(reader.remaining) else { return false }
    for place in 0..<Int(chunkCount) {
      guard let chunk = place == 0 ? firstChunk(&reader) : chunk(&reader, after: chunks[place - 1]) else {
        return false
      }
      chunks.append(chunk)
    }
    return reader.isAtEnd
  }

  private func firstChunk(_ reader: inout ByteReader) -> ChunkMeta? {
    guard let minTime = reader.varint(), let span = reader.uvarint(), let reference = reader.uvarint() else {
      return nil
    }
    let maxTime = minTime &+ Int64(bitPattern: span)
    return maxTime >= minTime ? ChunkMeta(minTime: minTime, maxTime: maxTime, reference: reference) : nil
  }

  private func chunk(_ reader: inout ByteReader, after previous: ChunkMeta) -> ChunkMeta? {
    guard let distance = reader.uvarint(), let span = reader.uvarint(), let step = reader.varint() else { return nil }
    let minTime = previous.maxTime &+ Int64(bitPattern: distance)
    let maxTime = minTime &+ Int64(bitPattern: span)
    if maxTime < minTime || minTime < previous.minTime { return nil }
    return ChunkMeta(
      minTime: minTime, maxTime: maxTime, reference: previous.reference &+ UInt64(bitPattern: step))
  }
}

/// Makes labels of symbol numbers. Remembers where the symbols it met last stand: most series share most of theirs.
/// One owner; 32 KiB.
package struct IndexLabels {
  private static let placeCount = 4096

  private let index: IndexFile
  /// The number of a symbol in the upper half, its start in the lower.
  private var places = [UInt64](repeating: .max, count: IndexLabels.placeCount)
  private var packed: [UInt8] = []

  package init(_ index: IndexFile) { self.index = index }

  /// Nil where a number is that of no symbol.
  package mutating func bytes(of number: UInt32) -> UnsafeRawBufferPointer? {
    let place = Int(number) % IndexLabels.placeCount
    let known = places[place]
    if known >> 32 == UInt64(number) && known != .max {
      return index.symbols.symbol(startingAt: UInt32(truncatingIfNeeded: known))
    }
    guard let start = index.symbols.start(of: number) else { return nil }
    places[place] = UInt64(number) << 32 | UInt64(start)
    return index.symbols.symbol(startingAt: start)
  }

  /// The labels of a series; those without a value are left out, as they mean nothing.
  package mutating func labels(of series: DecodedSeries) -> Labels? {
    packed.removeAll(keepingCapacity: true)
    for place in stride(from: 0, to: series.labels.count - 1, by: 2) {
      guard let name = bytes(of: series.labels[place]), let value = bytes(of: series.labels[place + 1]) else {
        return nil
      }
      if !value.isEmpty && !name.isEmpty { packed.appendPacked(name, value) }
    }
    return Labels(packed: packed)
  }
}
