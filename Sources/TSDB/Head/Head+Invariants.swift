import Format
import Model

// What must always be true of a head, walked from end to end; for tests. Nobody may write meanwhile.
extension Head {
  func checkInvariants() {
    exemplars.withLock { $0.checkInvariants() }
    var named = Set<UInt32>()
    for shard in shards {
      shard.state.withLock { state in
        state.checkInvariants()
        state.spellings.forEach { if !$0.isDropped { named.insert($0.raw) } }
      }
    }
    var numbered = 0
    for (number, shard) in shards.enumerated() {
      shard.state.withLock { state in
        state.records.forEach { slot, record in
          let location = SeriesLocation(shard: number, slot: slot)
          precondition(named.remove(location.raw) != nil, "a series without a name")
          if record.pointee.id == 0 { return }
          numbered += 1
          let entry = index.state.withLock { $0.entries[Int(record.pointee.id)] }
          precondition(entry.location == location.raw && entry.labels != 0, "the index knows the series elsewhere")
        }
      }
    }
    precondition(named.isEmpty, "a name leads to no series")
    index.checkInvariants()
    precondition(index.liveCount == numbered, "the index counts \(index.liveCount) of \(numbered) series")
  }
}

extension SeriesIndex {
  func checkInvariants() {
    state.withLock { state in
      state.index.postings.checkInvariants()
      var cells: [SlabCell] = []
      var packed: [UInt8] = []
      for id in 0..<state.entries.count where state.entries[id].labels != 0 {
        let cell = state.entries[id].labels
        let bytes = UnsafeRawPointer(state.cells.pointer(cell)).load(as: UInt16.self)
        cells.append(SlabCell(reference: cell, sizeClass: SlabArena.sizeClass(for: Int(bytes))))
        precondition(state.packedLabels(of: UInt32(id), into: &packed) && !packed.isEmpty, "a series without labels")
      }
      state.cells.checkInvariants(inUse: cells)
      precondition(state.liveCount == cells.count && state.index.postings.seriesCount == cells.count, "a count")
    }
  }
}

extension HeadShard {
  func checkInvariants() {
    records.checkInvariants()
    spellings.checkInvariants()
    var cells: [SlabCell] = []
    var inMemory: [UInt32: UInt32] = [:]
    var chunks = 0
    records.forEach { slot, record in
      checkOpenChunk(record, &cells)
      chunks += record.pointee.tail.count > 0 ? 1 : 0
      chunks += checkHistory(record, slot, &cells, &inMemory)
    }
    precondition(chunks == chunkCount, "\(chunkCount) chunks counted, \(chunks) there")
    slabs.checkInvariants(inUse: cells)
    var waiting = Set<UInt32>()
    for chunk in completed where inMemory[chunk.slab] == chunk.slot {
      precondition(records.pointer(chunk.slot).pointee.reference == chunk.reference, "a chunk of another series waits")
      waiting.insert(chunk.slab)
    }
    precondition(waiting.count == inMemory.count, "a complete chunk in memory does not wait for its file")
  }

  private func checkOpenChunk(_ record: UnsafeMutablePointer<HeadSeries>, _ cells: inout [SlabCell]) {
    let tail = record.pointee.tail
    precondition(record.pointee.reference != 0, "a series without a reference")
    if record.pointee.slab != 0 {
      precondition(tail.count > 0, "bytes without a chunk")
      precondition(tail.byteCount <= SlabArena.bytes(of: record.pointee.sizeClass), "a chunk larger than its cell")
      cells.append(SlabCell(reference: record.pointee.slab, sizeClass: record.pointee.sizeClass))
    }
    if tail.count > 0 {
      precondition(!record.pointee.has(HeadSeries.isEmpty), "an open chunk in an empty series")
      precondition(tail.lastTime >= record.pointee.chunkStart, "a chunk that ends before it starts")
      precondition(
        tail.lastTime - record.pointee.chunkStart < HeadShard.chunkRangeMilliseconds, "a chunk over two ranges")
    }
  }

  /// Returns the number of complete chunks.
  private func checkHistory(
    _ record: UnsafeMutablePointer<HeadSeries>, _ slot: UInt32, _ cells: inout [SlabCell],
    _ inMemory: inout [UInt32: UInt32]
  ) -> Int {
    guard let history = history(of: record) else { return 0 }
    let historyClass = SlabArena.sizeClass(for: MemoryLayout<SeriesHistory>.stride)
    cells.append(SlabCell(reference: record.pointee.history, sizeClass: historyClass))
    for block in blocks(of: history) {
      cells.append(SlabCell(reference: block, sizeClass: SlabArena.sizeClass(for: SeriesChunkBlock.bytes)))
    }
    var count = 0
    forEachChunk(of: record) { chunk in
      count += 1
      let chunk = chunk.pointee
      if chunk.isInMemory {
        precondition(inMemory.updateValue(slot, forKey: chunk.offset) == nil, "two chunks in one cell")
        precondition(Int(chunk.byteCount) <= SlabArena.bytes(of: chunk.sizeClass), "a chunk larger than its cell")
        cells.append(SlabCell(reference: chunk.offset, sizeClass: chunk.sizeClass))
      }
      return true
    }
    precondition(count == Int(history.pointee.chunkCount), "a list of \(count) says \(history.pointee.chunkCount)")
    let lateCount = Int(history.pointee.lateCount)
    if history.pointee.late == 0 {
      precondition(lateCount == 0, "late samples without a cell")
      return count
    }
    cells.append(SlabCell(reference: history.pointee.late, sizeClass: history.pointee.lateClass))
    precondition(
      lateCount <= SeriesHistory.lateSamplesMax && lateCount * 16 <= SlabArena.bytes(of: history.pointee.lateClass),
      "more late samples than fit")
    let late = lateSamples(history)
    for index in 1..<max(lateCount, 1) {
      precondition(late[index - 1].time < late[index].time, "late samples out of order")
    }
    return count
  }
}
