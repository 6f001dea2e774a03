import Format
import Platform

// The steps of the maintenance. Each may fail; then it is logged and tried again in its next round.
extension Database {
  /// Syncs the logs if that is due. False if a power cut may lose what was committed: after a failed sync the system
  /// forgets what it could not write.
  func syncLogsIfDue() -> Bool {
    var isSynced = true
    for log in [head.files.wal, head.files.wbl] {
      do throws(WALError) {
        try log.syncIfDue()
      } catch {
        isSynced = false
        self.log.error(
          "The write-ahead log could not be synced; a snapshot of the head is written instead", ["err": "\(error)"])
      }
    }
    return isSynced
  }

  /// Refuses writes while fewer bytes are free than the limit, and allows them again once there is room. Queries go on.
  func watchSpace(_ space: inout FreeSpaceGuard, _ freeBytesMin: Int) {
    let free: Int
    do throws(DiskError) {
      free = try disk.freeSpace(layout.root).freeBytes
    } catch {
      // Where the disk cannot be asked, its own errors say what is wrong.
      return
    }
    let isScarce = freeBytesMin > 0 && free < 2 * freeBytesMin
    isSpaceScarce.store(isScarce, ordering: .relaxed)
    if isScarce { truncateHeld() }
    guard let change = space.update(freeBytes: free, freeBytesMin: freeBytesMin) else { return }
    isDiskFull.store(space.isClosed, ordering: .relaxed)
    switch change {
    case .closed:
      log.error("The disk is nearly full: writes are refused until there is room", ["free": "\(free)"])
    case .opened: log.info("The disk has room again: writes are taken", ["free": "\(free)"])
    }
  }

  func writeCompletedChunks() {
    do throws(HeadChunksError) {
      try head.writeCompletedChunks()
    } catch {
      metrics.chunkWritesFailed.add()
      log.error("Complete chunks could not be written; they stay in memory and in the log", ["err": "\(error)"])
    }
  }

  /// Drops what is older than the retention from the head. Under the `BlockChangeLock`: one walk through the head at a time
  /// takes data out.
  func enforceRetention(_ options: DatabaseOptions, now: Int64) {
    let kept = options.compaction.rules.longestMilliseconds
    guard kept > 0, let range = head.timeRange else { return }
    let before = now - kept
    // A quarter of an hour at a time, so that a minute's round usually finds nothing to do.
    let step: Int64 = 900_000
    guard range.lowerBound < before - step else { return }
    let truncation = head.files.moves.withLock { _ in
      let truncation = head.truncate(before: before)
      do throws(HeadChunksError) {
        try head.files.chunks.truncate(before: before)
      } catch {
        log.error("Expired head chunk files could not be removed", ["err": "\(error)"])
      }
      return truncation
    }
    log.info(
      "Expired data dropped",
      ["series": "\(truncation.seriesRemoved)", "chunks": "\(truncation.chunksRemoved)", "before": "\(before)"])
  }

  /// Shortens the logs: what lies durably in head-chunk files need not be in them. Closes chunks that nobody has written
  /// to for an hour first, since the oldest open chunk holds the log.
  func truncateLogs(now: Int64) {
    truncateHeld()
    head.completeIdleChunks(lastBefore: now - 3_600_000)
    do {
      try head.writeCompletedChunks()
      try head.files.chunks.sync()
      try verifyChunkFiles()
      try truncateWAL()
      try truncateWBL()
    } catch {
      log.error("The write-ahead log could not be shortened", ["err": "\(error)"])
    }
  }

  /// Reads the chunks written since the last call once more, and recovers those that cannot be read as long as the log
  /// has them.
  private func verifyChunkFiles() throws {
    let damaged = try head.files.chunks.verify()
    if !damaged.isEmpty {
      try blocks.changeLock.withLock {
        while true {
          let unreadable = head.chunks(in: damaged)
          if unreadable.isEmpty { break }
          // Ends: each round brings back or gives up all chunks that it was given.
          try recover(unreadable)
        }
      }
      try head.writeCompletedChunks()
      try head.files.chunks.sync()
    }
    head.files.chunks.noteVerified()
  }

  private func truncateWAL() throws(WALError) {
    let wal = head.files.wal
    let segments: [Int]
    do throws(DiskError) {
      // Those before the last checkpoint are only held.
      let covered = try wal.directory.checkpoints().last ?? -1
      segments = try wal.directory.segments().filter { $0 > covered }
    } catch {
      throw .disk(error)
    }
    let present = try wal.cutSegment()
    guard let first = segments.first else { return }
    // As Prometheus does: two thirds of the finished segments, so that what is young is not copied again and again.
    let last = first + (present - 1 - first) * 2 / 3
    guard last > first || segments.count > 2, last < present else { return }
    let started = clock.monotonicNanoseconds()
    // What ended before this run is not known any more: it is named until nobody reads what that run wrote.
    let held = wal.holders.oldest ?? .max
    let forgetsNames = hasSnapshotOfLiveSeries() && held >= wal.firstSegment
    let named = held == .max ? head.liveReferences() : head.namedReferences(held: held)
    let oldest = head.oldestUnfiledTime()
    let choice = Checkpoint.Choice(
      minTime: oldest, histogramMinTime: head.oldestHistogramTime() ?? .max,
      exemplarMinTime: head.oldestExemplarTime() ?? .max
    ) { !forgetsNames || named.contains($0) }
    let statistics = try checkpoint(through: last, choice)
    try wal.truncate(before: last + 1, heldBytesMax: heldLogBytesMax)
    log.info(
      "Write-ahead log shortened",
      [
        "through": "\(last)", "kept_series": "\(statistics.keptSeries)",
        "dropped_samples": "\(statistics.droppedSamples)",
        "kept_samples": "\(statistics.keptSamples)",
        "duration": "\((clock.monotonicNanoseconds() - started) / 1_000_000)ms",
      ])
  }

  /// Makes sure that the head snapshot on disk names no series that has ended. A start brings the ended series of an
  /// older snapshot back, so that their new samples are logged under their old names: a checkpoint must not have
  /// dropped these. False if there is no such snapshot and none can be written.
  private func hasSnapshotOfLiveSeries() -> Bool {
    let ended = head.seriesEnded.load(ordering: .acquiring)
    return ended == endedAtSnapshot.load(ordering: .relaxed) || writeSnapshot() > 0
  }

  /// Bytes of a log that may be kept for those who hold it.
  private var heldLogBytesMax: Int {
    if isSpaceScarce.load(ordering: .relaxed) { return 0 }
    let options = options.withLock { $0 }
    return options.retentionBytes > 0
      ? min(options.heldLogBytesMax, options.retentionBytes / 2) : options.heldLogBytesMax
  }

  /// Removes what was held of the logs and is not any more.
  private func truncateHeld() {
    for log in [head.files.wal, head.files.wbl] {
      do throws(WALError) {
        try log.truncateHeld(heldBytesMax: heldLogBytesMax)
      } catch {
        self.log.error("Write log segments that nobody needs could not be removed", ["err": "\(error)"])
      }
    }
  }

  /// Writes a checkpoint. One over a segment that cannot be read completely waits: the page may be readable the next
  /// time. If it is not, a snapshot writes down all that memory has of the segment; only then the segment is set aside
  /// and mended, so that damage does not keep the log from being shortened for good.
  private func checkpoint(through last: Int, _ choice: Checkpoint.Choice) throws(WALError) -> Checkpoint.Statistics {
    let wal = head.files.wal
    do throws(WALError) {
      let statistics = try wal.checkpoint(through: last, choice, damage: .refused, quarantine: layout.quarantine)
      refusedSegment.withLock { $0 = nil }
      return statistics
    } catch {
      guard case .damaged(let path) = error else { throw error }
      let isKnown = refusedSegment.withLock { refused in
        defer { refused = path }
        return refused == path
      }
      guard isKnown, logAgain(), writeSnapshot() > 0 else { throw error }
      log.warn(
        "A damaged write log segment is set aside; what is in memory of its records was logged again",
        ["segment": path])
      return try wal.checkpoint(through: last, choice, damage: .mended, quarantine: layout.quarantine)
    }
  }

  /// The log of late samples has no checkpoints: once all its samples are in files, it begins anew.
  private func truncateWBL() throws(WALError) {
    let wbl = head.files.wbl
    if wbl.position.segment == wbl.firstSegment && wbl.position.offset == 0 { return }
    let present = try wbl.cutSegment()
    head.completeLateSamples()
    do throws(HeadChunksError) {
      try head.writeCompletedChunks()
      try head.files.chunks.sync()
    } catch {
      log.error("Late samples stay in their log", ["err": "\(error)"])
      return
    }
    if head.hasUnfiledLateSamples { return }
    // Late histograms are in no file before they are in a block.
    if try head.logHistograms(late: true) { try wbl.sync() }
    try wbl.truncate(before: present, heldBytesMax: heldLogBytesMax)
  }

  /// Writes a snapshot of the head; returns its size, 0 where it could not be written. One at a time: the maintenance writes
  /// them, and so does a flush behind deletions.
  @discardableResult
  func writeSnapshot() -> Int { snapshotTurn.withLock { _ in writeSnapshotInTurn() } }

  private func writeSnapshotInTurn() -> Int {
    let started = clock.monotonicNanoseconds()
    let ended = head.seriesEnded.load(ordering: .acquiring)
    var writer = HeadSnapshotWriter(head)
    do throws(DiskError) {
      try writer.write(to: layout.snapshot, on: disk)
    } catch {
      log.error("The head snapshot could not be written; a start will read more of the log", ["err": "\(error)"])
      return 0
    }
    endedAtSnapshot.store(ended, ordering: .relaxed)
    log.info(
      "Head snapshot written",
      [
        "series": "\(writer.seriesCount)", "bytes": "\(writer.bytes)",
        "duration": "\((clock.monotonicNanoseconds() - started) / 1_000_000)ms",
      ])
    return writer.bytes
  }
}
