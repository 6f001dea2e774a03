import Format

// The list of a series' complete chunks.
extension HeadShard {
  func history(of record: UnsafeMutablePointer<HeadSeries>) -> UnsafeMutablePointer<SeriesHistory>? {
    guard record.pointee.history != 0 else { return nil }
    return UnsafeMutableRawPointer(slabs.pointer(record.pointee.history)).assumingMemoryBound(to: SeriesHistory.self)
  }

  mutating func ensureHistory(
    of record: UnsafeMutablePointer<HeadSeries>
  ) -> UnsafeMutablePointer<SeriesHistory>? {
    if let existing = history(of: record) { return existing }
    guard let cell = slabs.allocate(SlabArena.sizeClass(for: MemoryLayout<SeriesHistory>.stride)) else { return nil }
    UnsafeMutableRawPointer(slabs.pointer(cell)).bindMemory(to: SeriesHistory.self, capacity: 1)
      .initialize(to: SeriesHistory())
    record.pointee.history = cell
    return history(of: record)
  }

  private func block(_ reference: UInt32) -> UnsafeMutablePointer<SeriesChunkBlock> {
    UnsafeMutableRawPointer(slabs.pointer(reference)).assumingMemoryBound(to: SeriesChunkBlock.self)
  }

  private func chunks(of reference: UInt32) -> UnsafeMutablePointer<SeriesChunk> {
    UnsafeMutableRawPointer(slabs.pointer(reference) + MemoryLayout<SeriesChunkBlock>.stride)
      .assumingMemoryBound(to: SeriesChunk.self)
  }

  /// Adds a chunk as the newest. False if memory is exhausted; nothing has changed then.
  mutating func addChunk(_ chunk: SeriesChunk, to record: UnsafeMutablePointer<HeadSeries>) -> Bool {
    guard let history = ensureHistory(of: record) else { return false }
    let newest = history.pointee.newest
    if newest == 0 || block(newest).pointee.count == SeriesChunkBlock.chunksMax {
      guard let fresh = slabs.allocate(SlabArena.sizeClass(for: SeriesChunkBlock.bytes)) else { return false }
      UnsafeMutableRawPointer(slabs.pointer(fresh)).bindMemory(to: SeriesChunkBlock.self, capacity: 1)
        .initialize(to: SeriesChunkBlock(older: newest))
      history.pointee.newest = fresh
    }
    let place = history.pointee.newest
    (chunks(of: place) + Int(block(place).pointee.count)).initialize(to: chunk)
    block(place).pointee.count += 1
    history.pointee.chunkCount += 1
    history.pointee.newestTime = max(history.pointee.newestTime, chunk.end)
    return true
  }

  /// Calls `body` for each complete chunk, newest block first, in order of completion within a block. `body` may change
  /// the chunk; it returns false to stop.
  func forEachChunk(
    of record: UnsafeMutablePointer<HeadSeries>, _ body: (UnsafeMutablePointer<SeriesChunk>) -> Bool
  ) {
    guard let history = history(of: record) else { return }
    var place = history.pointee.newest
    while place != 0 {
      let count = Int(block(place).pointee.count)
      for index in stride(from: count - 1, through: 0, by: -1) where !body(chunks(of: place) + index) { return }
      place = block(place).pointee.older
    }
  }

  /// Removes the chunks for which `isGone`; returns how many. Cells of chunks still in memory are freed.
  mutating func removeChunks(
    of record: UnsafeMutablePointer<HeadSeries>, where isGone: (SeriesChunk) -> Bool
  ) -> Int {
    guard let history = history(of: record), history.pointee.chunkCount > 0 else { return 0 }
    var kept: [SeriesChunk] = []
    var gone: [SeriesChunk] = []
    forEachChunk(of: record) { chunk in
      if isGone(chunk.pointee) { gone.append(chunk.pointee) } else { kept.append(chunk.pointee) }
      return true
    }
    if gone.isEmpty { return 0 }
    for chunk in gone where chunk.isInMemory { slabs.free(chunk.offset, chunk.sizeClass) }
    freeBlocks(history)
    // The newest comes first above; re-adding goes from the oldest. Blocks just freed make room for as many.
    for chunk in kept.reversed() {
      let added = addChunk(chunk, to: record)
      precondition(added, "fewer chunks need no more blocks than before")
    }
    chunkCount -= gone.count
    return gone.count
  }

  /// The cells of the list's blocks, newest first.
  func blocks(of history: UnsafeMutablePointer<SeriesHistory>) -> [UInt32] {
    var cells: [UInt32] = []
    var place = history.pointee.newest
    while place != 0 {
      cells.append(place)
      place = block(place).pointee.older
    }
    return cells
  }

  private mutating func freeBlocks(_ history: UnsafeMutablePointer<SeriesHistory>) {
    var place = history.pointee.newest
    while place != 0 {
      let older = block(place).pointee.older
      slabs.free(place, SlabArena.sizeClass(for: SeriesChunkBlock.bytes))
      place = older
    }
    history.pointee.newest = 0
    history.pointee.chunkCount = 0
    history.pointee.newestTime = .min
  }

  /// Frees everything a series owns but its record and names.
  mutating func freeMemory(of record: UnsafeMutablePointer<HeadSeries>) {
    if record.pointee.tail.count > 0 { chunkCount -= 1 }
    if record.pointee.slab != 0 { slabs.free(record.pointee.slab, record.pointee.sizeClass) }
    record.pointee.slab = 0
    record.pointee.tail.count = 0
    guard let history = history(of: record) else { return }
    _ = removeChunks(of: record) { _ in true }
    if history.pointee.late != 0 { slabs.free(history.pointee.late, history.pointee.lateClass) }
    slabs.free(record.pointee.history, SlabArena.sizeClass(for: MemoryLayout<SeriesHistory>.stride))
    record.pointee.history = 0
  }
}
