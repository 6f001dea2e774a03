import Format
import Model
import Platform
import Synchronization

// From the head to blocks: what is older than an hour behind the newest sample, in ranges of two hours.
extension Database {
  /// Writes blocks of what the head can give away, and lets it go. True where a block was written.
  func flushHead(shouldStop: () -> Bool) -> Bool {
    guard let border = head.flushBorder(after: flushMark.withLock { $0 }) else { return false }
    return blocks.turns.take { flush(before: border, shouldStop) }
  }

  private func flush(before border: Int64, _ shouldStop: () -> Bool) -> Bool {
    let started = clock.monotonicNanoseconds()
    let mark = flushMark.withLock { $0 }
    var written: [BlockMeta] = []
    let (starts, end) = head.beginFlush(before: border)
    var done = end
    for start in starts {
      do throws(BlockFault) {
        // A range that was flushed before has only late samples left.
        if let meta = try writeBlock(start, isLate: start < mark, shouldStop) { written.append(meta) }
      } catch {
        done = start
        head.abandonFlush(from: start)
        if error != .stopped {
          metrics.flushesFailed.add()
          log.error("The head could not be written to a block; it is tried again", ["err": "\(error)"])
        }
        break
      }
    }
    guard finishFlush(before: max(mark, done), shouldStop) else { return false }
    if written.isEmpty { return false }
    metrics.flushSeconds.observe(Double(clock.monotonicNanoseconds() - started) / 1e9)
    log.info(
      "Head written to blocks",
      [
        "blocks": written.map { "\($0.ulid)" }.joined(separator: " "), "before": "\(done)",
        "samples": "\(written.reduce(0) { $0 + $1.stats.samples })",
        "duration": "\((clock.monotonicNanoseconds() - started) / 1_000_000)ms",
      ])
    return true
  }

  private func writeBlock(
    _ start: Int64, isLate: Bool, _ shouldStop: () -> Bool
  ) throws(BlockFault) -> BlockMeta? {
    var random = random
    let end = start + HeadShard.chunkRangeMilliseconds
    let ulid = ULID(milliseconds: clock.nowMilliseconds(), using: &random)
    var meta = BlockMeta(ulid: ulid, minTime: start, maxTime: end)
    meta.compaction.sources = [ulid]
    if isLate { meta.compaction.hints = [BlockMeta.lateHint] }
    while true {
      var flush = HeadFlush(head, start..<end, marks: true)
      do throws(BlockFault) {
        guard let written = try flush.write(meta, in: layout.root, on: disk, shouldStop: shouldStop) else { return nil }
        try blocks.add(written.ulid)
        return written
      } catch {
        if flush.unreadable.isEmpty { throw error }
        // Ends: each round brings back or gives up all chunks that it has met.
        try recover(flush.unreadable)
      }
    }
  }

  /// The blocks are readable: what is in them leaves the head, once nobody reads who does not know them.
  private func finishFlush(before border: Int64, _ shouldStop: () -> Bool) -> Bool {
    var isNoted = false
    do throws(DiskError) {
      try FlushMark.write(border, newestBlockEnd: blocks.current.newestEnd, to: layout.flushMark, on: disk)
      flushMark.withLock { $0 = border }
      isNoted = true
    } catch {
      // After a start the same data would be in the head and in blocks, which only costs space.
      log.warn("What has been flushed could not be noted", ["err": "\(error)"])
    }
    if !awaitReaders(shouldStop) { return false }
    _ = head.removeFlushed()
    head.settleOldestTime(border)
    // What a start might read from the log once more must not come back to life.
    if isNoted { forgetDeletions(before: border) }
    wantsTruncation.store(true, ordering: .releasing)
    do throws(HeadChunksError) {
      try head.removeUnusedChunkFiles()
    } catch {
      log.error("Flushed head chunk files could not be removed", ["err": "\(error)"])
    }
    return true
  }

  /// Waits until everybody is done who took the present epoch; false where the server ends before.
  private func awaitReaders(_ shouldStop: () -> Bool) -> Bool {
    var old = epoch.withLock { epoch in
      let old = epoch
      epoch = ReadEpoch()
      return old
    }
    while !isKnownUniquelyReferenced(&old) {
      if shouldStop() { return false }
      Deadline(milliseconds: Database.readersPollMilliseconds).pause()
    }
    return true
  }

  private static var readersPollMilliseconds: Int64 { 20 }
}
