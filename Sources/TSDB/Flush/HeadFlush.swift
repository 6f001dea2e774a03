import Format
import Model
import Platform

/// Writes what the head holds of a time into a block. Used by one thread; appends and queries go on.
///
/// Chunks that lie within the time and stand alone are copied as they are, open ones among them; where late samples overlap
/// others, or a chunk crosses the border, they are decoded, merged and written anew. A block that is made to let data go
/// (`marks`) leaves late samples that are in no chunk yet to the next one; a copy has them too.
///
/// What cannot be read is never taken for written: then there is no block that lets data go, and `unreadable` says what is to
/// be recovered before the next attempt. A copy has the rest, and its maker says what it lacks.
struct HeadFlush: ~Copyable {
  private let head: Head
  /// The times that go into the block.
  private let range: Range<Int64>
  /// True if the flush marks what it has copied, so that it can leave the head.
  private let marks: Bool
  private var merge = ChunkMerge()
  private var bytes = ByteBuffer(capacity: 4096)
  private var parts: [Part] = []
  private var pieces: [ChunkPiece] = []
  /// Chunks in files, which must stay mapped while they are copied.
  private var mapped: [HeadChunk] = []
  /// The series' histograms; mostly none.
  private var histograms: [EncodedHistogramChunk] = []
  /// Offsets of the histograms in `bytes`, which does not grow any more once there are pieces.
  private var histogramStarts: [Int] = []
  /// Late samples that are in no chunk yet, and the chunks that are made of them here.
  private var late: [LateSample] = []
  private var latePieces: [(minTime: Int64, maxTime: Int64, place: Range<Int>)] = []
  /// The times of the chunks written; nil before the first.
  private var writtenTimes: ClosedRange<Int64>?
  /// The times that do not go into the block.
  private let outside: DeletedTimes
  private var reference: UInt64 = 0
  /// Chunks that could not be read, and so are not in the block.
  private(set) var unreadable: [UnreadableHeadChunk] = []

  private struct Part {
    var chunk: SeriesChunk
    /// The chunk's range in `bytes`; nil: it lies in a file, or is `constant`.
    var copied: Range<Int>?
    /// An open chunk of equal values, which owns no bytes until they are written here.
    var constant: XORTail?
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

  /// Writes the block; nil, and no block, where there is nothing in the range. Its times are widened to those of its chunks.
  mutating func write(
    _ meta: BlockMeta, in root: String, on disk: any Disk, shouldStop: () -> Bool
  ) throws(BlockError) -> BlockMeta? {
    var writer = try BlockWriter(disk, root: root, ulid: meta.ulid)
    do throws(BlockError) {
      let order = FlushOrder(seriesInRange(), of: head.index)
      try writeSymbols(order.symbols, into: &writer)
      for entry in order.entries {
        if shouldStop() { throw .stopped }
        try writeSeries(entry, order.labels(of: entry), into: &writer)
        if marks && unreadable.count >= ChunkRecovery.chunksMax { break }
      }
      if marks && !unreadable.isEmpty {
        throw .corrupt(
          path: head.files.chunks.directory.path, reason: "\(unreadable.count) chunks of the head cannot be read")
      }
      var meta = meta
      if let writtenTimes {
        meta.minTime = min(meta.minTime, writtenTimes.lowerBound)
        meta.maxTime = max(meta.maxTime, writtenTimes.upperBound + 1)
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
        var isIn = hasOpen(record, state)
        if !isIn {
          state.forEachChunk(of: record) { chunk in
            isIn = chunk.pointee.start < range.upperBound && chunk.pointee.end >= range.lowerBound
            return !isIn
          }
        }
        if !isIn { isIn = state.histograms.overlap(slot, from: range.lowerBound, through: range.upperBound - 1) }
        if isIn { found.append((record.pointee.id, SeriesLocation(shard: number, slot: slot).raw)) }
      }
    }
    return found
  }

  /// True if an open chunk, or late samples where they are wanted, reach into the range.
  private func hasOpen(_ record: UnsafeMutablePointer<HeadSeries>, _ state: borrowing HeadShard) -> Bool {
    if HeadFlush.isOpen(record, in: range) { return true }
    guard !marks, let history = state.history(of: record), history.pointee.lateCount > 0 else { return false }
    let samples = state.lateSamples(history)
    return samples[0].time < range.upperBound
      && samples[Int(history.pointee.lateCount) - 1].time >= range.lowerBound
  }

  private static func isOpen(_ record: UnsafeMutablePointer<HeadSeries>, in range: Range<Int64>) -> Bool {
    record.pointee.tail.count > 0 && record.pointee.chunkStart < range.upperBound
      && record.pointee.tail.lastTime >= range.lowerBound
  }

  private func writeSymbols(_ symbols: SortedSymbols, into writer: inout BlockWriter) throws(BlockError) {
    var failure: BlockError?
    for id in symbols.ids {
      symbols.reader.withBytes(of: id) { bytes in
        do throws(BlockError) { try writer.addSymbol(bytes) } catch { failure = error }
      }
      if let failure { throw failure }
    }
  }

  private mutating func writeSeries(
    _ entry: FlushOrder.Entry, _ labels: UnsafeBufferPointer<UInt32>, into writer: inout BlockWriter
  ) throws(BlockError) {
    copyOut(entry)
    for chunk in histograms {
      histogramStarts.append(bytes.count)
      bytes.append(chunk.bytes)
    }
    encodeOpen()
    if parts.isEmpty && latePieces.isEmpty && histograms.isEmpty { return }
    guard gatherPieces(of: entry) || !marks else { return }
    var deleted = outside
    for interval in head.deletions.times(of: reference)?.intervals ?? [] { deleted.add(interval) }
    do throws(ChunkDamage) {
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
      let times = writtenTimes ?? chunk.range
      writtenTimes = min(times.lowerBound, chunk.minTime)...max(times.upperBound, chunk.maxTime)
    }
    _ = try writer.endSeries()
  }

  /// Writes the bytes of what has none in the head: chunks of equal values, and late samples.
  private mutating func encodeOpen() {
    for place in parts.indices {
      guard var tail = parts[place].constant else { continue }
      let first = parts[place].chunk.start
      let bits = XORChunk.constantBitCount(firstTime: first, timeDelta: tail.timeDelta, count: Int(tail.count))
      let start = bytes.count
      bytes.write(room: max(20, (bits + 7) / 8 + 8)) { room in
        let base = room.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
        let isWritten = XORChunk.writeConstant(tail: &tail, firstTime: first, at: base, capacity: room.count)
        precondition(isWritten, "the room was chosen to hold it")
        return tail.byteCount
      }
      parts[place].copied = start..<bytes.count
    }
    latePieces.removeAll(keepingCapacity: true)
    var start = 0
    while start < late.count { start = encodeLate(from: start) }
  }

  /// Makes a chunk of late samples from `start` on; returns where it ended.
  private mutating func encodeLate(from start: Int) -> Int {
    let late = late
    let place = bytes.count
    let capacity = 32 + (late.count - start) * (XORChunk.sampleBitsMax + 7) / 8
    var tail = XORTail()
    var next = start + 1
    bytes.write(room: capacity) { room in
      let base = room.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
      XORChunk.start(time: late[start].time, value: late[start].value, tail: &tail, at: base, capacity: capacity)
      while next < late.count, late[next].time - late[next - 1].time < Int64(UInt32.max),
        XORChunk.append(time: late[next].time, value: late[next].value, to: &tail, at: base, capacity: capacity)
      {
        next += 1
      }
      return tail.byteCount
    }
    latePieces.append((late[start].time, late[next - 1].time, place..<bytes.count))
    return next
  }

  /// Fills `pieces`. False if a chunk cannot be read; then `unreadable` has it.
  private mutating func gatherPieces(of entry: FlushOrder.Entry) -> Bool {
    pieces.removeAll(keepingCapacity: true)
    mapped.removeAll(keepingCapacity: true)
    let unreadableBefore = unreadable.count
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
    for piece in latePieces {
      // After the late chunks: of two samples of one time the first to come counts.
      pieces.append(
        ChunkPiece(
          minTime: piece.minTime, maxTime: piece.maxTime, encoding: XORChunk.encoding,
          bytes: UnsafeRawBufferPointer(rebasing: bytes.bytes[piece.place]), rank: 1,
          sequence: .max))
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

  /// Finds out which of the pieces does not decode, and notes it.
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

  /// Copies what is in memory, notes what is in files, and marks what goes for good. Takes the shard's lock.
  private mutating func copyOut(_ entry: FlushOrder.Entry) {
    parts.removeAll(keepingCapacity: true)
    bytes.removeAll()
    if !histograms.isEmpty { histograms = [] }
    histogramStarts.removeAll(keepingCapacity: true)
    late.removeAll(keepingCapacity: true)
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
      copyOpen(record, state)
    }
  }

  /// Copies, under the shard's lock, what is in no complete chunk yet.
  private mutating func copyOpen(_ record: UnsafeMutablePointer<HeadSeries>, _ state: borrowing HeadShard) {
    if HeadFlush.isOpen(record, in: range) {
      let tail = record.pointee.tail
      let chunk = SeriesChunk(
        start: record.pointee.chunkStart, span: UInt32(tail.lastTime - record.pointee.chunkStart),
        file: SeriesChunk.inMemory, offset: record.pointee.slab, byteCount: 0, sizeClass: 0, flags: 0)
      var part = Part(chunk: chunk, copied: nil)
      if record.pointee.slab == 0 {
        part.constant = tail
      } else {
        let start = bytes.count
        bytes.append(
          UnsafeRawBufferPointer(start: state.slabs.pointer(record.pointee.slab), count: tail.byteCount))
        part.copied = start..<bytes.count
      }
      parts.append(part)
    }
    guard !marks, let history = state.history(of: record), history.pointee.lateCount > 0 else { return }
    late.append(
      contentsOf: UnsafeBufferPointer(start: state.lateSamples(history), count: Int(history.pointee.lateCount)))
  }
}
