import Format
import Platform
import Synchronization

extension Database {
  /// Batches on their way from the reading thread to the applying one.
  private static let batchesInFlightMax = 4

  /// Brings the head back: the snapshot, the chunks in files, and the log behind the snapshot; all of the log if
  /// anything of the others is damaged or missing. It takes each sample from whatever still has it. It sets damaged
  /// files aside, logs and counts them; damage never keeps the server from starting.
  package func restore() throws(DatabaseError) {
    let started = clock.monotonicNanoseconds()
    let found = foundChunks.withLock { found in
      defer { found = [:] }
      return found
    }
    let restorer = HeadRestorer(head, chunks: found)
    let (snapshot, isSnapshotDamaged) = loadSnapshot(restorer)
    let losesChunks = !findChunkLosses(snapshot).isEmpty
    let start = RestoreStart(
      snapshot, losesChunks: losesChunks, logEnd: replayLimits, lastFound: head.files.wal.lastFound)
    if start.lacksLog { reportLostLog(snapshot) }
    if snapshot == nil { reportMissingLog() }
    if snapshot != nil { endedAtSnapshot.store(-1, ordering: .relaxed) }
    do throws(WALError) {
      let wal = try WALReplay(
        head.files.wal.directory, from: start.wal, before: replayLimits.wal, passesOver: true,
        quarantine: layout.quarantine, log: log, metrics: metrics.wal)
      progress.withLock { $0 = wal.progress }
      try replay(wal) { batch in restorer.apply(batch) }
      let wbl = try WALReplay(
        head.files.wbl.directory, from: lateStart(start), before: replayLimits.wbl, passesOver: true,
        quarantine: layout.quarantine, log: log, metrics: metrics.wbl)
      try replay(wbl) { batch in restorer.applyLate(batch) }
      hasReplayed.store(wal.progress.snapshot.records + wbl.progress.snapshot.records > 0, ordering: .relaxed)
    } catch {
      throw .log(error)
    }
    restorer.finish()
    restoreDeletions()
    head.dropInOrder(before: flushMark.withLock { $0 })
    beginSteadyTime()
    tellRestored(restorer.counts, since: started, hasSnapshot: snapshot != nil)
    if start.wal != nil || start.lacksLog { mendLogGaps(isTold: start.lacksLog) }
    // What was brought together from several places is in one again, and the next start is an ordinary one.
    if isSnapshotDamaged || losesChunks || start.lacksLog { writeSnapshot() }
  }

  private func tellRestored(_ counts: HeadRestorer.Counts, since started: Int64, hasSnapshot: Bool) {
    let seconds = Double(clock.monotonicNanoseconds() - started) / 1e9
    metrics.replaySeconds.set(seconds)
    log.info(
      "Head restored",
      [
        "series": "\(counts.series)", "replayed_samples": "\(counts.samples)", "chunks": "\(counts.chunks)",
        "snapshot": "\(hasSnapshot)", "duration": "\((seconds * 1000).rounded() / 1000)s",
      ])
    metrics.unknownReferences.add(counts.unknownReferences)
    if counts.unknownReferences > 0 {
      log.warn("The log holds samples of series it does not name", ["samples": "\(counts.unknownReferences)"])
    }
  }

  /// Starts `steadyTime` from the clock and the newest sample that head and blocks hold.
  private func beginSteadyTime() {
    let newest = [head.timeRange?.upperBound, blocks.current.maxTime.map { $0 - 1 }].compactMap { $0 }.max()
    let time = SteadyTime(
      wall: clock.nowMilliseconds(), monotonic: clock.monotonicNanoseconds() / 1_000_000, newest: newest)
    steadyTime.withLock { $0 = time }
    _ = steadyNow()
  }

  /// The position from which a start reads the log of late samples; nil: from its beginning. Once its samples are in
  /// files, that log begins anew, also past the position that the snapshot names; then the start reads all that is left
  /// of it.
  private func lateStart(_ start: RestoreStart) -> WALPosition? {
    guard let position = start.wbl else { return nil }
    do throws(DiskError) {
      let first = try head.files.wbl.directory.segments().first
      return first.map { $0 <= position.segment } == true ? position : nil
    } catch {
      return nil
    }
  }

  private func loadSnapshot(_ restorer: HeadRestorer) -> (snapshot: HeadSnapshotReader?, isDamaged: Bool) {
    do {
      try disk.checkReadable(layout.snapshot)
      var reader = try HeadSnapshotReader(try disk.map(layout.snapshot))
      reader.restore(with: restorer)
      if let damage = reader.damage {
        reportSnapshot(damage, instead: "its whole parts and all of the write-ahead log")
      } else {
        log.info(
          "Head snapshot loaded",
          ["series": "\(reader.seriesCount)", "position": reader.wal.map { "\($0)" } ?? "unknown"])
      }
      return (reader, reader.damage != nil)
    } catch let error as DiskError where error.isNotFound {
      return (nil, false)
    } catch {
      reportSnapshot("it cannot be read: \(error)", instead: "all of the write-ahead log")
      return (nil, true)
    }
  }

  private func reportSnapshot(_ damage: String, instead: String) {
    damaged.report(
      layout.snapshot, as: "apus.head", damage: damage, instead: instead,
      meaning: "nothing is lost as long as the log is whole; this start takes longer")
  }

  /// Finds and reports the head-chunk files that have gone, or lost chunks, since the snapshot was written.
  private func findChunkLosses(_ snapshot: HeadSnapshotReader?) -> HeadChunkInventory.Losses {
    let retention = options.withLock { $0.retentionMilliseconds }
    let expired = retention > 0 ? clock.nowMilliseconds() - retention : .min
    let losses = (snapshot?.inventory ?? HeadChunkInventory([])).losses(
      chunkReport, ends: head.files.chunks.fileEnds, from: max(expired, flushMark.withLock { $0 }))
    reportLost(losses.missing, "the file is missing", keepsOriginal: false)
    reportLost(losses.shortened, "the file ends before chunks that it had", keepsOriginal: true)
    return losses
  }

  private func reportLost(_ numbers: [Int], _ damage: String, keepsOriginal: Bool) {
    guard let first = numbers.first else { return }
    damaged.report(
      head.files.chunks.directory.filePath(first), as: HeadChunkRepair.damagedName,
      damage: numbers.count == 1 ? damage : damage + "; so it is with \(numbers.count - 1) files behind it",
      instead: "the snapshot and all of the write-ahead log",
      meaning: "samples of what is missing that the log no longer has are missing", keepsOriginal: keepsOriginal)
  }

  /// Reports that the log ends before the position from which the snapshot needs it.
  private func reportLostLog(_ snapshot: HeadSnapshotReader?) {
    damaged.report(
      layout.wal, as: "wal",
      damage:
        "the log that follows on the snapshot is missing: it should reach to \(snapshot?.wal.map { "\($0)" } ?? "")",
      instead: "the snapshot and all of the log that is there",
      meaning: "samples that were taken after the snapshot was written are missing", keepsOriginal: false)
  }

  /// Reads the log on a thread of its own while this thread applies it, so that both cores work. Memory is bounded by
  /// the number of batches, and by writing complete chunks to their files on the way.
  private func replay(_ replay: WALReplay, _ apply: (DecodedBatch) -> Void) throws(WALError) {
    let full = BoundedQueue<DecodedBatch>(limit: Database.batchesInFlightMax)
    let empty = BoundedQueue<DecodedBatch>(limit: Database.batchesInFlightMax)
    for _ in 0..<Database.batchesInFlightMax { _ = empty.tryPush(DecodedBatch()) }
    let failure = Mutex<WALError?>(nil)
    let reader: NamedThread
    do throws(ThreadError) {
      reader = try NamedThread(name: "log-reader") {
        do throws(WALError) {
          while let batch = empty.pop(), try replay.next(into: batch) {
            if !full.push(batch) { break }
          }
        } catch {
          failure.withLock { $0 = error }
        }
        full.close()
      }
    } catch {
      // Without a thread the work is done here, one batch after the other.
      let batch = DecodedBatch()
      while try replay.next(into: batch) { apply(batch) }
      return
    }
    var lastProgress = clock.monotonicNanoseconds()
    while let batch = full.pop() {
      apply(batch)
      _ = empty.tryPush(batch)
      if head.hasManyCompletedChunks { writeCompletedChunks() }
      lastProgress = logProgress(replay.progress, since: lastProgress)
    }
    empty.close()
    reader.join()
    if let error = failure.withLock({ $0 }) { throw error }
  }

  private func logProgress(_ progress: ReplayProgress, since last: Int64) -> Int64 {
    let now = clock.monotonicNanoseconds()
    if now - last < 5_000_000_000 { return last }
    let numbers = progress.snapshot
    log.info(
      "Replaying the write-ahead log",
      ["segment": "\(numbers.current)", "last": "\(numbers.last)", "records": "\(numbers.records)"])
    return now
  }
}
