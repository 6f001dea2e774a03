import Format
import Model
import Platform

/// Writes what the head holds of a time into a block. Used by one thread; appends and queries go on.
///
/// Chunks that lie within the time and stand alone are copied as they are; where late samples overlap others, or a chunk
/// crosses the border, they are decoded, merged and written anew.
///
/// What cannot be read is never taken for written: then there is no block, and `unreadable` says what is to be recovered
/// before the next attempt.
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
  private(set) var unreadable: [UnreadableHeadChunk] = []

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
        if unreadable.count >= ChunkRecovery.chunksMax { break }
      }
      if !unreadable.isEmpty {
        throw .corrupt(
          path: head.files.chunks.directory.path, reason: "\(unreadable.count) chunks of the head cannot be read")
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
    guard gatherPieces(of: entry) else { return }
    var deleted = outside
    for interval in head.deletions.times(of: reference)?.intervals ?? [] { deleted.add(interval) }
    do throws(UnreadableChunk) {
      try merge.merge(pieces, deleted: [deleted, deleted])
    } catch {
      noteUndecodable(entry)
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

  /// Fills `pieces`. False where a chunk cannot be read; then `unreadable` has it.
  private mutating func gatherPieces(of entry: FlushOrder.Entry) -> Bool {
    pieces.removeAll(keepingCapacity: true)
    mapped.removeAll(keepingCapacity: true)
    let unreadableBefore = unreadable.count
    for part in parts {
      let isLate = part.chunk.flags & SeriesChunk.isLate != 0
      var piece = ChunkPiece(
        minTime: part.chunk.start, maxTime: part.chunk.end, encoding: XORChunk.encoding,
        bytes: UnsafeRawBufferPointer(start: nil, count: 0), rank: isLate ? 1 : 0)
      if let copied = part.copied {
        piece.bytes = UnsafeRawBufferPointer(rebasing: bytes.bytes[copied])
      } else {
        guard let chunk = head.files.chunk(part.chunk) else {
          note(part.chunk, of: entry)
          continue
        }
        chunk.withData { piece.bytes = $0 }
        mapped.append(chunk)
      }
      switch XORChunk.count(of: piece.bytes) {
      case nil: note(part.chunk, of: entry)
      case 0: break
      default: pieces.append(piece)
      }
    }
    for (chunk, start) in zip(histograms, histogramStarts) {
      let place = start..<(start + chunk.bytes.count)
      pieces.append(
        ChunkPiece(
          minTime: chunk.minTime, maxTime: chunk.maxTime, encoding: chunk.encoding,
          bytes: UnsafeRawBufferPointer(rebasing: bytes.bytes[place])))
    }
    return unreadable.count == unreadableBefore
  }

  private mutating func note(_ chunk: SeriesChunk, of entry: FlushOrder.Entry) {
    unreadable.append(
      UnreadableHeadChunk(location: SeriesLocation(raw: entry.location), id: entry.id, chunk: chunk))
  }

  /// One of the pieces does not decode: finds out which.
  private mutating func noteUndecodable(_ entry: FlushOrder.Entry) {
    var samples = SeriesSamples()
    for part in parts {
      var isWhole = true
      if let copied = part.copied {
        isWhole = samples.append(chunk: UnsafeRawBufferPointer(rebasing: bytes.bytes[copied]))
      } else if let chunk = head.files.chunk(part.chunk) {
        isWhole = chunk.withData { samples.append(chunk: $0) }
      }
      samples.removeAll()
      if !isWhole { note(part.chunk, of: entry) }
    }
    head.log.error(
      "A series has chunks in the head that do not decode",
      ["series_id": "\(entry.id)", "chunks": "\(unreadable.count)"])
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
        if marks && chunk.pointee.end < range.upperBound { chunk.pointee.flags |= SeriesChunk.isFlushed }
        if chunk.pointee.flags & SeriesChunk.isLost != 0 { return true }
        var part = Part(chunk: chunk.pointee, copied: nil)
        if chunk.pointee.isInMemory {
          let start = bytes.count
          bytes.append(
            UnsafeRawBufferPointer(
              start: state.slabs.pointer(chunk.pointee.offset), count: Int(chunk.pointee.byteCount)))
          part.copied = start..<bytes.count
        }
        parts.append(part)
        return true
      }
    }
  }
}
