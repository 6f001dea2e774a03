import Format
import Model

// What leaves the head: chunks older than a time, and series that have nothing left. Memory follows.
extension Head {
  /// The numbers of series and chunks that a truncation has removed.
  package struct Truncation: Sendable, Equatable {
    package var seriesRemoved = 0
    package var chunksRemoved = 0
  }

  /// Drops all data before `time` and the series without any left.
  package func truncate(before time: Int64) -> Truncation {
    let truncation = leave { state, slot, record, left in state.truncate(slot, record, before: time, &left) }
    oldestTime.max(time, ordering: .relaxed)
    return truncation
  }

  /// The result of one walk through the shards: counts of what it removed, and the series that it ended.
  struct Leaving {
    var truncation = Truncation()
    var ids: [UInt32] = []
    /// Their references.
    var references: [UInt64] = []
    /// Slots of the present shard.
    var slots: [UInt32] = []
  }

  /// Walks all series in short steps and takes out of the index and the tables what `body` has retired.
  func leave(
    _ body: (inout HeadShard, UInt32, UnsafeMutablePointer<HeadSeries>, inout Leaving) -> Void
  ) -> Truncation {
    removals.withLock { _ in remove(body) }
  }

  private func remove(
    _ body: (inout HeadShard, UInt32, UnsafeMutablePointer<HeadSeries>, inout Leaving) -> Void
  ) -> Truncation {
    var leaving = Leaving()
    var retired: [[UInt32]] = []
    for shard in shards {
      leaving.slots.removeAll()
      forEachTurn(of: shard) { state, slot, record in body(&state, slot, record, &leaving) }
      if !leaving.slots.isEmpty { shard.state.withLock { $0.forgetCompleted() } }
      retired.append(leaving.slots)
    }
    leaving.ids.sort()
    index.remove(leaving.ids)
    if !leaving.ids.isEmpty {
      recycle(retired)
      index.sweepSymbols()
    }
    if files.wal.isHeld {
      // Of a body that was on its way when its series ended, the record may come a segment later.
      let segment = files.wal.position.segment + 1
      endedSeries.withLock { $0.note(leaving.references, segment: segment) }
    }
    seriesEnded.add(leaving.truncation.seriesRemoved, ordering: .releasing)
    metrics.seriesRemoved.add(leaving.truncation.seriesRemoved)
    metrics.chunksRemoved.add(leaving.truncation.chunksRemoved)
    return leaving.truncation
  }

  /// Takes the names of ended series out of every shard, and only then lets their slots be used again: a name must never
  /// lead to somebody else's series.
  private func recycle(_ retired: [[UInt32]]) {
    var locations = Set<UInt32>()
    for (number, slots) in retired.enumerated() {
      for slot in slots { locations.insert(SeriesLocation(shard: number, slot: slot).raw) }
    }
    for shard in shards {
      shard.state.withLock { state in
        state.spellings.removeAll { locations.contains($0.raw) || $0 == .unplaced }
      }
    }
    // Whoever looked a name up before this and has not used it yet, looks again.
    slotsRecycled.add(1, ordering: .releasing)
    for (number, slots) in retired.enumerated() where !slots.isEmpty {
      shards[number].state.withLock { $0.records.recycle(slots) }
    }
  }

  /// Closes the chunks of series that have not been written to since `time`, so that they go to a file and no longer
  /// hold the log back.
  func completeIdleChunks(lastBefore time: Int64) {
    for shard in shards {
      shard.state.withLock { state in
        for slot in 0..<UInt32(state.records.slotCount) {
          let record = state.records.pointer(slot)
          guard !record.pointee.has(HeadSeries.isFree), record.pointee.tail.count > 0,
            record.pointee.tail.lastTime < time
          else { continue }
          // Where memory is exhausted the chunk stays open, and the next round tries again.
          _ = state.completeChunk(record, slot)
        }
      }
    }
  }

  /// Makes chunks of all late samples.
  func completeLateSamples() {
    for shard in shards {
      shard.state.withLock { state in
        for slot in 0..<UInt32(state.records.slotCount) {
          let record = state.records.pointer(slot)
          if record.pointee.has(HeadSeries.isFree) || record.pointee.history == 0 { continue }
          // Where memory is exhausted they stay, and `hasUnfiledLateSamples` says so.
          if state.completeLate(record, slot) { state.freeLateCell(record) }
        }
      }
    }
  }

  /// True if any late sample, alone or in a chunk, is not in a file yet.
  var hasUnfiledLateSamples: Bool {
    shards.contains { shard in
      shard.state.withLock { state in
        var found = false
        state.records.forEach { _, record in
          guard !found, let history = state.history(of: record) else { return }
          found = history.pointee.lateCount > 0
          state.forEachChunk(of: record) { chunk in
            found = found || chunk.pointee.isInMemory && chunk.pointee.flags & SeriesChunk.isLate != 0
            return !found
          }
        }
        return found
      }
    }
  }

  /// The log references of all series, those of second records included.
  func liveReferences() -> Set<UInt64> {
    var references = secondReferences.withLock { Set($0.keys) }
    for shard in shards {
      shard.state.withLock { state in
        state.records.forEach { _, record in references.insert(record.pointee.reference) }
      }
    }
    return references
  }

  /// The same, and those of ended series of which segments from `held` on may have samples.
  func namedReferences(held: Int) -> Set<UInt64> {
    // A series on its way out is in neither.
    removals.withLock { _ in liveReferences().union(endedSeries.withLock { $0.references(from: held) }) }
  }

  /// The first time of any chunk that is not in a file yet: what is older need not be in the log.
  func oldestUnfiledTime() -> Int64 {
    var oldest = Int64.max
    for shard in shards {
      shard.state.withLock { state in
        state.records.forEach { _, record in
          if record.pointee.tail.count > 0 { oldest = min(oldest, record.pointee.chunkStart) }
          if let history = state.history(of: record), history.pointee.lateCount > 0 {
            oldest = min(oldest, state.lateSamples(history)[0].time)
          }
        }
        for chunk in state.completed {
          let record = state.records.pointer(chunk.slot)
          state.forEachChunk(of: record) { candidate in
            if candidate.pointee.isInMemory { oldest = min(oldest, candidate.pointee.start) }
            return true
          }
        }
      }
    }
    return oldest
  }
}

extension HeadShard {
  fileprivate mutating func truncate(
    _ slot: UInt32, _ record: UnsafeMutablePointer<HeadSeries>, before time: Int64, _ leaving: inout Head.Leaving
  ) {
    // A chunk about to be written to a file stays for one more round.
    histograms.update(slot) { $0.remove(before: time) }
    leaving.truncation.chunksRemoved += removeChunks(of: record) {
      $0.end < time && $0.flags & SeriesChunk.isBeingWritten == 0
    }
    dropLate(before: time, record)
    guard record.pointee.tail.count == 0 || record.pointee.tail.lastTime < time else { return }
    retire(slot, record, &leaving)
  }

  /// Ends a series, unless it has complete chunks or late samples. What it has else goes with it.
  mutating func retire(
    _ slot: UInt32, _ record: UnsafeMutablePointer<HeadSeries>, _ leaving: inout Head.Leaving
  ) {
    if let history = history(of: record), history.pointee.chunkCount > 0 || history.pointee.lateCount > 0 { return }
    if histograms.has(slot) { return }
    // A series that another thread is creating has no number yet; it is looked at next time.
    if record.pointee.id == 0 { return }
    leaving.ids.append(record.pointee.id)
    leaving.references.append(record.pointee.reference)
    if record.pointee.tail.count > 0 { leaving.truncation.chunksRemoved += 1 }
    freeMemory(of: record)
    records.retire(slot)
    leaving.slots.append(slot)
    leaving.truncation.seriesRemoved += 1
  }

  /// Drops waiting chunks whose series has ended.
  fileprivate mutating func forgetCompleted() {
    completed.removeAll { records.pointer($0.slot).pointee.reference != $0.reference }
  }

  private mutating func dropLate(before time: Int64, _ record: UnsafeMutablePointer<HeadSeries>) {
    guard let history = history(of: record), history.pointee.lateCount > 0 else { return }
    let samples = lateSamples(history)
    let count = Int(history.pointee.lateCount)
    let dropped = (0..<count).first { samples[$0].time >= time } ?? count
    if dropped == 0 { return }
    samples.update(from: samples + dropped, count: count - dropped)
    history.pointee.lateCount = UInt16(count - dropped)
  }
}
