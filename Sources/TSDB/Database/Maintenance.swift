import Platform

/// The upkeep of the head's files, one round a second. A round syncs the logs if that is due; every ten seconds, or
/// when many chunks wait, it writes them to files; at intervals, and when the logs have grown, it shortens the logs; it
/// writes a snapshot when the logs have grown, could not be synced, or were replayed at the start. No round takes long.
enum Maintenance {
  struct State: Sendable {
    var lastTruncation: Int64
    var bytesAtTruncation = 0
    var bytesAtSnapshot = 0
    var snapshotBytes = 0
    var rounds = 0
    /// True if the log may hold records that are on no stable storage, and no snapshot has been written since: an fsync
    /// has failed, in this process or, as far as anybody knows, in the one before.
    var mustWriteSnapshot: Bool
    /// The round in which the maintenance tries that snapshot next.
    var snapshotRound = 0
    var space = FreeSpaceGuard()

    init(_ database: Database) {
      lastTruncation = database.clock.nowMilliseconds()
      mustWriteSnapshot = database.hasReplayed.load(ordering: .relaxed)
    }
  }

  static func round(_ database: Database, _ state: inout State) {
    let options = database.options.withLock { $0 }
    let now = database.clock.nowMilliseconds()
    let isSynced = database.syncLogsIfDue()
    if !isSynced && !state.mustWriteSnapshot { state.snapshotRound = 0 }
    state.mustWriteSnapshot = state.mustWriteSnapshot || !isSynced
    for step in database.upkeep.withLock({ $0 }) { step() }
    database.watchSpace(&state.space, options.freeBytesMin)
    state.rounds += 1
    // Small installations complete a chunk now and then; ten seconds of them go in one write.
    if state.rounds % 10 == 0 || database.head.hasManyCompletedChunks { database.writeCompletedChunks() }
    let logged = database.head.files.wal.writtenBytes + database.head.files.wbl.writtenBytes
    let grown = logged - state.bytesAtTruncation
    if now - state.lastTruncation >= options.truncationIntervalMilliseconds || now < state.lastTruncation
      || grown >= options.logBytesPerTruncationMax
      || database.wantsTruncation.exchange(false, ordering: .acquiringAndReleasing)
    {
      state.lastTruncation = now
      state.bytesAtTruncation = logged
      database.truncateLogs(now: now)
    }
    // What a failed fsync has lost of the log is still in memory: at once, and again every ten seconds where that fails.
    let mustWrite = state.mustWriteSnapshot && state.rounds >= state.snapshotRound
    if mustWrite { state.snapshotRound = state.rounds + 10 }
    if mustWrite || logged - state.bytesAtSnapshot >= max(options.logBytesPerSnapshotMin, 2 * state.snapshotBytes) {
      state.bytesAtSnapshot = logged
      state.snapshotBytes = database.writeSnapshot()
      if state.snapshotBytes > 0 { state.mustWriteSnapshot = false }
    }
  }
}
