import Format
import Model
import Platform

// Complete chunks move from memory to files: copied out under the shard's lock, written without it, then their places
// are noted and their memory freed.
extension Head {
  /// Chunks copied out of a shard at a time.
  private static var chunksPerWriteMax: Int { 4096 }

  /// True if a shard has so many complete chunks waiting in memory that they should be written now.
  package var hasManyCompletedChunks: Bool {
    shards.contains { $0.state.withLock { $0.completed.count >= Head.chunksPerWriteMax / 2 } }
  }

  /// Writes the complete chunks that are in memory to files. One caller at a time (the maintenance thread).
  package func writeCompletedChunks() throws(HeadChunksError) {
    var batch = HeadChunkBatch()
    for shard in shards {
      while true {
        let isDone = try files.moves.withLock { _ throws(HeadChunksError) in
          try writeSomeCompleted(of: shard, &batch)
        }
        if isDone { break }
      }
    }
  }

  /// Writes up to `chunksPerWriteMax` complete chunks of the shard; true if none was waiting.
  private func writeSomeCompleted(
    of shard: Shard, _ batch: inout HeadChunkBatch
  ) throws(HeadChunksError) -> Bool {
    batch.removeAll()
    let taken = shard.state.withLock { $0.takeCompleted(Head.chunksPerWriteMax, into: &batch) }
    if taken.isEmpty { return true }
    do throws(HeadChunksError) {
      try files.chunks.append(&batch)
    } catch {
      shard.state.withLock { $0.putBack(taken) }
      throw error
    }
    shard.state.withLock { $0.noteWritten(taken, batch.refs) }
    return false
  }

  /// Removes the files that no chunk needs any more.
  func removeUnusedChunkFiles() throws(HeadChunksError) {
    try files.moves.withLock { _ throws(HeadChunksError) in
      try files.chunks.truncate(beforeFile: oldestChunkFile() ?? .max)
    }
  }
}

extension HeadShard {
  /// Copies up to `limit` waiting chunks into `batch` and marks them; the result names them in the batch's order.
  mutating func takeCompleted(_ limit: Int, into batch: inout HeadChunkBatch) -> [CompletedChunk] {
    var taken: [CompletedChunk] = []
    let count = min(limit, completed.count)
    forEachChunk(of: completed[..<count]) { place, chunk in
      // Another chunk waited here, was dropped, and this one got its cell: it is in the list twice.
      if chunk.pointee.flags & SeriesChunk.isBeingWritten != 0 { return }
      chunk.pointee.flags |= SeriesChunk.isBeingWritten
      let waiting = completed[place]
      batch.append(
        series: waiting.reference, minTime: chunk.pointee.start, maxTime: chunk.pointee.end,
        encoding: XORChunk.encoding, isOutOfOrder: chunk.pointee.flags & SeriesChunk.isLate != 0,
        data: LentBytes(
          UnsafeRawBufferPointer(start: slabs.pointer(waiting.slab), count: Int(chunk.pointee.byteCount))))
      taken.append(waiting)
    }
    completed.removeFirst(count)
    return taken
  }

  /// Makes the chunks wait again: the file could not be written.
  mutating func putBack(_ taken: [CompletedChunk]) {
    forEachChunk(of: taken[...]) { _, chunk in chunk.pointee.flags &= ~SeriesChunk.isBeingWritten }
    completed.insert(contentsOf: taken, at: 0)
  }

  mutating func noteWritten(_ taken: [CompletedChunk], _ places: [HeadChunkRef]) {
    var freed: [SlabCell] = []
    forEachChunk(of: taken[...]) { place, chunk in
      freed.append(SlabCell(reference: chunk.pointee.offset, sizeClass: chunk.pointee.sizeClass))
      chunk.pointee.file = UInt32(places[place].file)
      chunk.pointee.offset = UInt32(places[place].offset)
      chunk.pointee.flags &= ~SeriesChunk.isBeingWritten
    }
    for cell in freed { slabs.free(cell.reference, cell.sizeClass) }
  }

  /// Calls `body` with the place of each waiting chunk in `waiting` and the chunk itself, where it still is there. A series
  /// of which many wait is walked through once for all of them.
  private func forEachChunk(
    of waiting: ArraySlice<CompletedChunk>, _ body: (Int, UnsafeMutablePointer<SeriesChunk>) -> Void
  ) {
    var start = waiting.startIndex
    while start < waiting.endIndex {
      let first = waiting[start]
      var end = start + 1
      while end < waiting.endIndex, waiting[end].slot == first.slot, waiting[end].reference == first.reference {
        end += 1
      }
      let record = records.pointer(first.slot)
      if record.pointee.reference == first.reference {
        forEachChunk(of: record, inCellsOf: waiting[start..<end], body)
      }
      start = end
    }
  }

  private func forEachChunk(
    of record: UnsafeMutablePointer<HeadSeries>, inCellsOf waiting: ArraySlice<CompletedChunk>,
    _ body: (Int, UnsafeMutablePointer<SeriesChunk>) -> Void
  ) {
    if waiting.count == 1 {
      return forEachChunk(of: record) { chunk in
        guard chunk.pointee.isInMemory, chunk.pointee.offset == waiting[waiting.startIndex].slab else { return true }
        body(waiting.startIndex, chunk)
        return false
      }
    }
    var places: [UInt32: Int] = [:]
    for place in waiting.indices { places[waiting[place].slab] = place }
    var found: [(place: Int, chunk: UnsafeMutablePointer<SeriesChunk>)] = []
    forEachChunk(of: record) { chunk in
      guard chunk.pointee.isInMemory, let place = places[chunk.pointee.offset] else { return true }
      found.append((place, chunk))
      return found.count < places.count
    }
    // Newest first is how they are listed; a file has them in the order in which they were completed.
    for (place, chunk) in found.sorted(by: { $0.place < $1.place }) { body(place, chunk) }
  }
}
