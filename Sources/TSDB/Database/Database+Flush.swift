import Format
import Model
import Platform
import Synchronization

// From the head to blocks: what is older than an hour behind the newest sample, in ranges of two hours. Late samples of
// flushed times wait for the next border, or until there are many; where they spread over a long time, their blocks are
// longer, so that a backlog of years does not become thousands of blocks.
extension Database {
  /// The number of late samples of flushed times, about, that the head holds before it flushes them.
  static let lateSamplesMax = 16 << 20
  /// Late samples wait this long at most, whatever the clock does.
  private static let flushMillisecondsMax: Int64 = 2 * 3_600_000
  /// The most late blocks of one flush, about; a flush that would need more makes longer ones.
  private static let lateBlocksMax = 16

  enum FlushOutcome { case nothing, written, failed }

  /// Writes blocks of what the head can give away, and lets it go. True if a block was written.
  func flushHead(shouldStop: () -> Bool) -> Bool { tryFlush(shouldStop) == .written }

  /// As `flushHead`, but reports failures. `failed`: a part could not be written; the parts before it may have been.
  func tryFlush(_ shouldStop: () -> Bool) -> FlushOutcome {
    let (now, mark) = (steadyNow(), flushMark.withLock { $0 })
    guard let border = head.flushBorder(after: mark, now: now) ?? lateBorder(mark) else { return .nothing }
    return blocks.changeLock.withLock { flush(before: border, shouldStop) }
  }

  /// The border up to which late samples are to be flushed now; nil if they can wait.
  private func lateBorder(_ mark: Int64) -> Int64? {
    let late = head.lateSinceFlush
    if late == 0 || mark == .min { return nil }
    let waited = clock.monotonicNanoseconds() / 1_000_000 - lastFlush.load(ordering: .relaxed)
    return late >= Database.lateSamplesMax || waited >= Database.flushMillisecondsMax ? mark : nil
  }

  private func flush(before border: Int64, _ shouldStop: () -> Bool) -> FlushOutcome {
    let started = clock.monotonicNanoseconds()
    lastFlush.store(started / 1_000_000, ordering: .relaxed)
    let mark = flushMark.withLock { $0 }
    var written: [BlockMeta] = []
    let ranges = options.withLock { $0.compaction.ranges.milliseconds }
    let (starts, end) = head.beginFlush(before: border)
    var (done, hasFailed) = (end, false)
    for range in Database.flushRanges(starts, flushed: mark, ranges) {
      do throws(BlockError) {
        // A range that was flushed before has only late samples left.
        let isLate = range.lowerBound < mark
        if let meta = try writeBlock(range, isLate: isLate, shouldStop) { written.append(meta) }
      } catch {
        done = range.lowerBound
        head.abandonFlush(from: range.lowerBound)
        if error != .stopped {
          hasFailed = true
          metrics.flushesFailed.add()
          log.error("The head could not be written to a block; it is tried again", ["err": "\(error)"])
        }
        break
      }
    }
    let isFinished = finishFlush(before: max(mark, done), shouldStop)
    if !isFinished || written.isEmpty { return hasFailed ? .failed : .nothing }
    metrics.flushSeconds.observe(Double(clock.monotonicNanoseconds() - started) / 1e9)
    log.info(
      "Head written to blocks",
      [
        "blocks": written.map { "\($0.ulid)" }.joined(separator: " "), "before": "\(done)",
        "samples": "\(written.reduce(0) { $0 + $1.stats.samples })",
        "duration": "\((clock.monotonicNanoseconds() - started) / 1_000_000)ms",
      ])
    return hasFailed ? .failed : .written
  }

  /// The times that become a block each, from the starts of the two-hour ranges that hold data, ascending. A range that
  /// lies wholly before `flushed` is late; late ranges have the shortest of `lengths` that makes at most
  /// `lateBlocksMax` of them, or else the last.
  static func flushRanges(_ starts: [Int64], flushed: Int64, _ lengths: [Int64]) -> [Range<Int64>] {
    let shortest = HeadShard.chunkRangeMilliseconds
    var ranges: [Range<Int64>] = []
    for length in lengths {
      ranges = []
      for start in starts where ranges.last.map({ start >= $0.upperBound }) ?? true {
        let aligned = CompactionRanges.start(of: start, range: length)
        let isLate = aligned + length <= flushed
        ranges.append(isLate ? aligned..<(aligned + length) : start..<(start + shortest))
      }
      if ranges.lazy.filter({ $0.upperBound <= flushed }).count <= lateBlocksMax { break }
    }
    return ranges
  }

  private func writeBlock(
    _ range: Range<Int64>, isLate: Bool, _ shouldStop: () -> Bool
  ) throws(BlockError) -> BlockMeta? {
    var random = random
    let ulid = ULID(milliseconds: clock.nowMilliseconds(), using: &random)
    var meta = BlockMeta(ulid: ulid, minTime: range.lowerBound, maxTime: range.upperBound)
    meta.compaction.sources = [ulid]
    if isLate { meta.compaction.hints = [BlockMeta.lateHint] }
    while true {
      var flush = HeadFlush(head, range, marks: true)
      do throws(BlockError) {
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

  /// Ends a flush whose blocks are readable: writes the flush mark, waits for readers that do not know the blocks, then
  /// takes the flushed data out of the head. False if the server ends before.
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
    wantsTruncation.store(true, ordering: .releasing)
    do throws(HeadChunksError) {
      try head.removeUnusedChunkFiles()
    } catch {
      log.error("Flushed head chunk files could not be removed", ["err": "\(error)"])
    }
    // What a start might read from the log once more must not come back to life.
    if isNoted { forgetDeletions(before: border) }
    return true
  }

  /// Puts a new epoch in place and waits until nobody holds the old one; false if the server ends before.
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
