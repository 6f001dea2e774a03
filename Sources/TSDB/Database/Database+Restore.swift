import Format
import Platform
import Synchronization

extension Database {
  /// Batches on their way from the reading thread to the applying one.
  private static let batchesInFlightMax = 4

  /// Brings the head back: the snapshot if there is a usable one, then the log behind it. What is damaged is set aside,
  /// logged and counted; it never keeps the server from starting.
  package func restore() throws(DatabaseError) {
    let started = clock.monotonicNanoseconds()
    let found = foundChunks.withLock { found in
      defer { found = [:] }
      return found
    }
    let restorer = HeadRestorer(head, chunks: found)
    let snapshot = loadSnapshot(restorer)
    do throws(WALError) {
      let wal = try WALReplay(
        head.files.wal.directory, from: snapshot?.wal, before: replayLimits.wal, quarantine: layout.quarantine,
        log: log, metrics: metrics.wal)
      progress.withLock { $0 = wal.progress }
      try replay(wal) { batch in restorer.apply(batch) }
      let wbl = try WALReplay(
        head.files.wbl.directory, from: lateStart(snapshot), before: replayLimits.wbl, quarantine: layout.quarantine,
        log: log, metrics: metrics.wbl)
      try replay(wbl) { batch in restorer.applyLate(batch) }
    } catch {
      throw .log(error)
    }
    restorer.finish()
    restoreDeletions()
    head.dropInOrder(before: flushMark.withLock { $0 })
    beginSteadyTime()
    let seconds = Double(clock.monotonicNanoseconds() - started) / 1e9
    metrics.replaySeconds.set(seconds)
    let counts = restorer.counts
    log.info(
      "Head restored",
      [
        "series": "\(counts.series)", "replayed_samples": "\(counts.samples)", "chunks": "\(counts.chunks)",
        "snapshot": "\(snapshot != nil)", "duration": "\((seconds * 1000).rounded() / 1000)s",
      ])
    if counts.unknownReferences > 0 {
      log.warn("The log holds samples of series it does not name", ["samples": "\(counts.unknownReferences)"])
    }
  }

  /// From here on time is believed as it passes.
  private func beginSteadyTime() {
    let newest = [head.timeRange?.upperBound, blocks.current.maxTime.map { $0 - 1 }].compactMap { $0 }.max()
    let time = SteadyTime(
      wall: clock.nowMilliseconds(), monotonic: clock.monotonicNanoseconds() / 1_000_000, newest: newest)
    steadyTime.withLock { $0 = time }
    _ = steadyNow()
  }

  /// Where the log of late samples is to be read from. It begins anew when its samples are in files, also behind what a
  /// snapshot says; then all that is left of it is read.
  private func lateStart(_ snapshot: HeadSnapshotReader?) -> WALPosition? {
    guard let position = snapshot?.wbl else { return nil }
    do throws(DiskError) {
      let first = try head.files.wbl.directory.segments().first
      return first.map { $0 <= position.segment } == true ? position : nil
    } catch {
      return nil
    }
  }

  private func loadSnapshot(_ restorer: HeadRestorer) -> HeadSnapshotReader? {
    if !chunksAreWhole {
      // It does not repeat what was in the chunk files; the log has it, unless it was shortened meanwhile.
      log.warn("Head snapshot not used since head chunks are missing, the log is read instead")
      return nil
    }
    do {
      let reader = try HeadSnapshotReader(try disk.map(layout.snapshot))
      try reader.restore(with: restorer)
      log.info("Head snapshot loaded", ["series": "\(reader.seriesCount)", "position": "\(reader.wal)"])
      return reader
    } catch let error as DiskError where error.isNotFound {
      return nil
    } catch {
      log.warn("Head snapshot not used, the log is read instead", ["err": "\(error)"])
      return nil
    }
  }

  /// Reads on a thread of its own while this one applies, so that both cores work. Memory is bounded by the number of
  /// batches, and by writing complete chunks to their files on the way.
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
