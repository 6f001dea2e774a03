import Format
import Model
import Platform

/// Writes what the head holds of a time into a block. Used by one thread; appends and queries go on.
///
/// Chunks that lie within the time and stand alone are copied as they are; where late samples overlap others, or a chunk
/// crosses the border, they are decoded, merged and written anew.
struct HeadFlush: ~Copyable {
  private let head: Head
  /// The times that go into the block.
  private let range: Range<Int64>
  /// Whether what was copied is marked, so that it can leave the head.
  private let marks: Bool
  private var merge = SeriesMerge()
  private var bytes = ByteBuffer(capacity: 4096)
  private var parts: [Part] = []
  private var pieces: [ChunkPiece] = []
  /// Chunks in files, which must stay mapped while they are copied.
  private var mapped: [HeadChunk] = []
  /// Mostly none.
  private var histograms: [EncodedHistogramChunk] = []
  /// Where they are in `bytes`, which does not grow any more once there are pieces.
  private var histogramStarts: [Int] = []
  /// The times that do not go into the block.
  private let outside: DeletedTimes
  private var reference: UInt64 = 0

  private struct Part {
    var chunk: SeriesChunk
    /// Where it is in `bytes`; nil: in a file.
    var copied: Range<Int>?
  }

  init(_ head: Head, _ range: Range<Int64>, marks: Bool) {
    self.head = head
    self.range = range
    self.marks = marks
    var outside = DeletedTimes()
    outside.add(before: range.lowerBound)
    if range.upperBound < .max { outside.add(range.upperBound ... .max) }
    self.outside = outside
  }

  /// Writes the block; nil, and no block, where there is nothing in the range.
  mutating func write(
    _ meta: BlockMeta, in root: String, on disk: any Disk, shouldStop: () -> Bool
  ) throws(BlockFault) -> BlockMeta? {
    var writer = try BlockWriter(disk, root: root, ulid: meta.ulid)
    do throws(BlockFault) {
      let order = FlushOrder(seriesInRange(), of: head.index)
      try writeSymbols(order.symbols, into: &writer)
      for entry in order.entries {
        if shouldStop() { throw .stopped }
        try writeSeries(entry, order.labels(of: entry), into: &writer)
      }
      return try writer.finish(meta)
    } catch {
      writer.abandon()
      throw error
    }
  }

  private func seriesInRange() -> [(id: UInt32, location: UInt32)] {
    var found: [(id: UInt32, location: UInt32)] = []
    for (number, shard) in head.shards.enumerated() {
      head.forEachTurn(of: shard) { state, slot, record in
        if record.pointee.id == 0 { return }
        var isIn = false
        state.forEachChunk(of: record) { chunk in
          isIn = chunk.pointee.start < range.upperBound && chunk.pointee.end >= range.lowerBound
          return !isIn
        }
        if !isIn && !state.histograms.isEmpty {
          isIn = !state.histograms.chunks(slot, from: range.lowerBound, through: range.upperBound - 1).isEmpty
        }
        if isIn { found.append((record.pointee.id, SeriesLocation(shard: number, slot: slot).raw)) }
      }
    }
    return found
  }

  private func writeSymbols(_ symbols: SortedSymbols, into writer: inout BlockWriter) throws(BlockFault) {
    var failure: BlockFault?
    for id in symbols.ids {
      symbols.reader.withBytes(of: id) { bytes in
        do throws(BlockFault) { try writer.addSymbol(bytes) } catch { failure = error }
      }
      if let failure { throw failure }
    }
  }

  private mutating func writeSeries(
    _ entry: FlushOrder.Entry, _ labels: UnsafeBufferPointer<UInt32>, into writer: inout BlockWriter
  ) throws(BlockFault) {
    copyOut(entry)
    for chunk in histograms {
      histogramStarts.append(bytes.count)
      bytes.append(chunk.bytes)
    }
    if parts.isEmpty && histograms.isEmpty { return }
    pieces.removeAll(keepingCapacity: true)
    mapped.removeAll(keepingCapacity: true)
    // Chunks were found newest first; of late samples of one time the first to come counts.
    for (place, part) in parts.reversed().enumerated() {
      let isLate = part.chunk.flags & SeriesChunk.isLate != 0
      var piece = ChunkPiece(
        minTime: part.chunk.start, maxTime: part.chunk.end, encoding: XORChunk.encoding,
        bytes: UnsafeRawBufferPointer(start: nil, count: 0), rank: isLate ? 1 : 0,
        sequence: isLate ? UInt32(place) : 0)
      if let copied = part.copied {
        piece.bytes = UnsafeRawBufferPointer(rebasing: bytes.bytes[copied])
      } else {
        guard let chunk = head.files.chunk(part.chunk) else { continue }
        chunk.withData { piece.bytes = $0 }
        mapped.append(chunk)
      }
      if XORChunk.count(of: piece.bytes) ?? 0 > 0 { pieces.append(piece) }
    }
    for (chunk, start) in zip(histograms, histogramStarts) {
      let place = start..<(start + chunk.bytes.count)
      pieces.append(
        ChunkPiece(
          minTime: chunk.minTime, maxTime: chunk.maxTime, encoding: chunk.encoding,
          bytes: UnsafeRawBufferPointer(rebasing: bytes.bytes[place])))
    }
    var deleted = outside
    for interval in head.deletions.times(of: reference)?.intervals ?? [] { deleted.add(interval) }
    do throws(UnreadableChunk) {
      try merge.merge(pieces, deleted: [deleted, deleted])
    } catch {
      // Chunks of the head carry checksums: what does not decode was never right, and holds up nothing else.
      head.log.error("A series with an undecodable chunk is left out of a block", ["series_id": "\(entry.id)"])
      return
    }
    if merge.chunks.isEmpty { return }
    writer.beginSeries(labels)
    for chunk in merge.chunks {
      try writer.addChunk(
        minTime: chunk.minTime, maxTime: chunk.maxTime, encoding: chunk.encoding, sampleCount: chunk.sampleCount,
        chunk.bytes)
    }
    _ = try writer.endSeries()
  }

  /// Under the shard's lock: copies what is in memory, notes what is in files, and marks what goes for good.
  private mutating func copyOut(_ entry: FlushOrder.Entry) {
    parts.removeAll(keepingCapacity: true)
    bytes.removeAll()
    if !histograms.isEmpty { histograms = [] }
    histogramStarts.removeAll(keepingCapacity: true)
    let location = SeriesLocation(raw: entry.location)
    head.shards[location.shard].state.withLock { state in
      let record = state.records.pointer(location.slot)
      guard record.pointee.id == entry.id, !record.pointee.has(HeadSeries.isFree) else { return }
      reference = record.pointee.reference
      if state.histograms.has(location.slot) {
        histograms = state.histograms.chunks(location.slot, from: range.lowerBound, through: range.upperBound - 1)
        if marks {
          state.histograms.update(location.slot) { $0.markFlushed(before: range.upperBound, from: range.lowerBound) }
        }
      }
      state.forEachChunk(of: record) { chunk in
        guard chunk.pointee.start < range.upperBound, chunk.pointee.end >= range.lowerBound else { return true }
        var part = Part(chunk: chunk.pointee, copied: nil)
        if chunk.pointee.isInMemory {
          let start = bytes.count
          bytes.append(
            UnsafeRawBufferPointer(
              start: state.slabs.pointer(chunk.pointee.offset), count: Int(chunk.pointee.byteCount)))
          part.copied = start..<bytes.count
        }
        parts.append(part)
        if marks && chunk.pointee.end < range.upperBound { chunk.pointee.flags |= SeriesChunk.isFlushed }
        return true
      }
    }
  }
}
