import Format
import Platform

// Complete chunks move from memory to files: copied out under the shard's lock, written without it, then their places
// are noted and their memory freed.
extension Head {
  /// Chunks copied out of a shard at a time.
  private static var chunksPerWriteMax: Int { 4096 }

  /// Whether so many complete chunks wait in memory that they should be written now.
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

  /// True where none is left.
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
    for waiting in completed[..<count] {
      let record = records.pointer(waiting.slot)
      guard record.pointee.reference == waiting.reference else { continue }
      forEachChunk(of: record) { chunk in
        guard chunk.pointee.isInMemory, chunk.pointee.offset == waiting.slab else { return true }
        // Another chunk waited here, was dropped, and this one got its cell: it is in the list twice.
        if chunk.pointee.flags & SeriesChunk.isBeingWritten != 0 { return false }
        chunk.pointee.flags |= SeriesChunk.isBeingWritten
        batch.append(
          series: waiting.reference, minTime: chunk.pointee.start, maxTime: chunk.pointee.end,
          encoding: XORChunk.encoding, isOutOfOrder: chunk.pointee.flags & SeriesChunk.isLate != 0,
          data: UnsafeRawBufferPointer(start: slabs.pointer(waiting.slab), count: Int(chunk.pointee.byteCount)))
        taken.append(waiting)
        return false
      }
    }
    completed.removeFirst(count)
    return taken
  }

  /// The file could not be written: the chunks wait again.
  mutating func putBack(_ taken: [CompletedChunk]) {
    for waiting in taken {
      withChunk(waiting) { $0.pointee.flags &= ~SeriesChunk.isBeingWritten }
    }
    completed.insert(contentsOf: taken, at: 0)
  }

  mutating func noteWritten(_ taken: [CompletedChunk], _ places: [HeadChunkRef]) {
    for (waiting, place) in zip(taken, places) {
      var freed: UInt8?
      withChunk(waiting) { chunk in
        freed = chunk.pointee.sizeClass
        chunk.pointee.file = UInt32(place.file)
        chunk.pointee.offset = UInt32(place.offset)
        chunk.pointee.flags &= ~SeriesChunk.isBeingWritten
      }
      if let freed { slabs.free(waiting.slab, freed) }
    }
  }

  private func withChunk(_ waiting: CompletedChunk, _ body: (UnsafeMutablePointer<SeriesChunk>) -> Void) {
    let record = records.pointer(waiting.slot)
    guard record.pointee.reference == waiting.reference else { return }
    forEachChunk(of: record) { chunk in
      guard chunk.pointee.isInMemory, chunk.pointee.offset == waiting.slab else { return true }
      body(chunk)
      return false
    }
  }
}
