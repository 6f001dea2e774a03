import Format
import Model

// How data leaves the head for a block: a time is closed to in-order samples, what lies before it is made complete chunks,
// these are lent to the block's writer, and once the block is readable they go. Late samples may come at any moment: those
// that come after their series was lent stay for the next flush. One flush at a time.
extension Head {
  /// Series looked at under one lock; keeps appends waiting for a fraction of a millisecond.
  private static var slotsPerTurn: UInt32 { 1024 }

  /// The border up to which data can be flushed now; nil if there is none before it. It stays an hour behind the newest
  /// sample and behind the clock: what comes for a time that has been flushed is late, and costs a block of its own.
  func flushBorder(after flushed: Int64, now: Int64) -> Int64? {
    let newest = newestTime.load(ordering: .relaxed)
    let oldest = oldestTime.load(ordering: .relaxed)
    if newest == .min || oldest == .max { return nil }
    let range = HeadShard.chunkRangeMilliseconds
    let border = HeadShard.rangeEnd(of: min(newest, now) - range / 2) - range
    // What comes late for a time that was flushed waits for the next border, so that it does not make a block by itself.
    return border > flushed && oldest < border ? border : nil
  }

  /// Late samples of flushed times that have come since the last flush.
  var lateSinceFlush: Int { shards.reduce(0) { $0 + $1.state.withLock { $0.lateSinceFlush } } }

  /// Closes the time before `border` to in-order samples and completes all chunks that lie there. Returns the starts of the
  /// two-hour ranges that hold data, ascending, and up to where they can be written: mostly the border.
  func beginFlush(before border: Int64) -> (starts: [Int64], end: Int64) {
    var end = border
    var starts: Set<Int64> = []
    for shard in shards {
      // Under the lock, where appends look at it too.
      shard.state.withLock { state in
        state.flushedBefore = max(state.flushedBefore, border)
        state.lateSinceFlush = 0
        state.histograms.updateAll { $0.complete(before: border) }
        for series in state.histograms.series.values {
          for entry in series.complete {
            HeadShard.addRanges(entry.chunk.minTime, entry.chunk.maxTime, before: border, to: &starts)
          }
        }
      }
      forEachTurn(of: shard) { state, slot, record in
        if record.pointee.tail.count > 0 && record.pointee.tail.lastTime < border {
          // Where memory is exhausted the chunk stays open and is left for the next flush, with all that comes behind it.
          if !state.completeChunk(record, slot) {
            end = min(end, HeadShard.rangeEnd(of: record.pointee.chunkStart) - HeadShard.chunkRangeMilliseconds)
          }
        }
        if let history = state.history(of: record), history.pointee.lateCount > 0,
          state.lateSamples(history)[0].time < border
        {
          if state.completeLate(record, slot) { state.freeLateCell(record) }
        }
        state.forEachChunk(of: record) { chunk in
          HeadShard.addRanges(chunk.pointee.start, chunk.pointee.end, before: border, to: &starts)
          return true
        }
      }
    }
    return (starts.filter { $0 < end }.sorted(), end)
  }

  /// Keeps what lies at `time` and behind it in the head: the flush has failed from there on.
  func abandonFlush(from time: Int64) {
    for shard in shards {
      shard.state.withLock { $0.histograms.updateAll { $0.unmark(from: time) } }
      forEachTurn(of: shard) { state, _, record in
        state.forEachChunk(of: record) { chunk in
          if chunk.pointee.end >= time { chunk.pointee.flags &= ~SeriesChunk.isFlushed }
          return true
        }
      }
    }
  }

  /// Raises `oldestTime` to `border` after a flush, then lowers it to the oldest sample that the head still holds: late
  /// samples may have come meanwhile.
  func settleOldestTime(_ border: Int64) {
    oldestTime.max(border, ordering: .relaxed)
    if let oldest = oldestHistogramTime() { oldestTime.min(oldest, ordering: .relaxed) }
    for shard in shards {
      forEachTurn(of: shard) { state, _, record in
        state.forEachChunk(of: record) { chunk in
          self.oldestTime.min(chunk.pointee.start, ordering: .relaxed)
          return true
        }
        if let history = state.history(of: record), history.pointee.lateCount > 0 {
          self.oldestTime.min(state.lateSamples(history)[0].time, ordering: .relaxed)
        }
      }
    }
  }

  /// Takes flushed chunks out of the head, and the series that have nothing left.
  func removeFlushed() -> Truncation {
    leave { state, slot, record, leaving in
      state.histograms.update(slot) { $0.removeFlushed() }
      state.removeFlushed(slot, record, &leaving)
    }
  }

  /// The oldest head-chunk file that a chunk still needs; nil if none does.
  func oldestChunkFile() -> Int? {
    var oldest = UInt32.max
    for shard in shards {
      forEachTurn(of: shard) { state, _, record in
        state.forEachChunk(of: record) { chunk in
          if chunk.pointee.flags & SeriesChunk.isLost == 0 { oldest = min(oldest, chunk.pointee.file) }
          return true
        }
      }
    }
    return oldest == SeriesChunk.inMemory ? nil : Int(oldest)
  }

  /// Closes the time before `border` to in-order samples, so that a start does not read them back from the log: blocks
  /// have them.
  func skipInOrder(before border: Int64) {
    for shard in shards { shard.state.withLock { $0.flushedBefore = max($0.flushedBefore, border) } }
  }

  /// Drops in-order chunks that lie before `border`: a start finds them in files and in the log, but a block has them.
  func dropInOrder(before border: Int64) {
    skipInOrder(before: border)
    for shard in shards {
      shard.state.withLock { $0.histograms.updateAll { $0.removeInOrder(before: border) } }
      forEachTurn(of: shard) { state, slot, record in
        if record.pointee.tail.count > 0 && record.pointee.tail.lastTime < border {
          _ = state.completeChunk(record, slot)
        }
        state.forEachChunk(of: record) { chunk in
          if chunk.pointee.flags & SeriesChunk.isLate == 0 && chunk.pointee.end < border {
            chunk.pointee.flags |= SeriesChunk.isFlushed
          }
          return true
        }
      }
    }
    _ = removeFlushed()
  }

  func forEachTurn(
    of shard: Shard, _ body: (inout HeadShard, UInt32, UnsafeMutablePointer<HeadSeries>) -> Void
  ) {
    var slot: UInt32 = 0
    while true {
      let isDone = shard.state.withLock { state in
        let end = min(slot + Head.slotsPerTurn, UInt32(state.records.slotCount))
        while slot < end {
          let record = state.records.pointer(slot)
          if !record.pointee.has(HeadSeries.isFree) { body(&state, slot, record) }
          slot += 1
        }
        return slot >= UInt32(state.records.slotCount)
      }
      if isDone { return }
    }
  }
}

extension HeadShard {
  /// Adds the starts of the two-hour ranges that a chunk reaches into.
  fileprivate static func addRanges(
    _ first: Int64, _ last: Int64, before border: Int64, to starts: inout Set<Int64>
  ) {
    var start = rangeEnd(of: first) - chunkRangeMilliseconds
    while start <= last && start < border {
      starts.insert(start)
      start += chunkRangeMilliseconds
    }
  }

  fileprivate mutating func removeFlushed(
    _ slot: UInt32, _ record: UnsafeMutablePointer<HeadSeries>, _ leaving: inout Head.Leaving
  ) {
    leaving.truncation.chunksRemoved += removeChunks(of: record) {
      // One that is on its way to a file goes in the next round.
      $0.flags & SeriesChunk.isFlushed != 0 && $0.flags & SeriesChunk.isBeingWritten == 0
    }
    if record.pointee.tail.count > 0 { return }
    // Its last chunk may have been completed a moment ago.
    if !record.pointee.has(HeadSeries.isEmpty) && record.pointee.tail.lastTime >= flushedBefore { return }
    retire(slot, record, &leaving)
  }
}
