import Platform

/// The upkeep of blocks, one round a second. Each round flushes what the head can give away; once a minute, and after
/// each flush, it removes what is past its retention, repairs damaged blocks and compacts until nothing is left to do.
/// A round may take long.
enum CompactionTask {
  struct State: Sendable {
    var lastRound: Int64 = .min
    var flushPausedUntil: Int64 = 0
  }

  private static let roundMilliseconds: Int64 = 60_000
  /// The pause before the next flush after one that failed.
  private static let flushPauseMilliseconds: Int64 = 30_000

  static func round(_ database: Database, _ state: inout State) {
    let now = database.clock.monotonicNanoseconds() / 1_000_000
    database.dropDoomed()
    var flushed = Database.FlushOutcome.nothing
    if now >= state.flushPausedUntil {
      flushed = database.tryFlush { database.stopping.isCancelled }
      if flushed == .failed { state.flushPausedUntil = now + flushPauseMilliseconds }
    }
    guard flushed == .written || state.lastRound == .min || now - state.lastRound >= roundMilliseconds else { return }
    state.lastRound = now
    database.compact()
  }
}

extension Database {
  /// Enforces the retention, repairs damaged blocks, then compacts until nothing is left to do.
  func compact() {
    let current = options.withLock { $0 }
    let now = steadyNow()
    blocks.changeLock.withLock { enforceRetention(current, now: now) }
    var compaction = current.compaction
    compaction.newestHeadTime = head.timeRange?.upperBound
    compaction.headBytes = filesBytes
    filesBytesKnown.store(compaction.headBytes, ordering: .relaxed)
    repairDamaged()
    while !stopping.isCancelled && compactor.round(compaction, now: now) {}
  }

  /// The time by which the database drops and closes data (`SteadyTime`). Also moves `Head.keptFrom` to the oldest time
  /// that the retention keeps by it.
  func steadyNow() -> Int64 {
    let (wall, monotonic) = (clock.nowMilliseconds(), clock.monotonicNanoseconds() / 1_000_000)
    let now = steadyTime.withLock { $0.now(wall: wall, monotonic: monotonic) }
    let kept = options.withLock { $0.compaction.rules.longestMilliseconds }
    let (oldest, overflows) = now.subtractingReportingOverflow(kept)
    head.keptFrom.store(kept == 0 || overflows ? .min : oldest, ordering: .relaxed)
    return now
  }

  /// Bytes on disk of blocks, logs and the head's chunk files: what the size retention limits.
  package var storedBytes: Int { blocks.current.sizeBytes + filesBytes }

  /// Bytes on disk of the logs and of the head's chunk files.
  var filesBytes: Int {
    let logs = [head.files.wal, head.files.wbl].reduce(0) { $0 + ((try? $1.directory.sizeBytes()) ?? 0) }
    return head.files.chunks.sizeBytes + logs
  }
}
