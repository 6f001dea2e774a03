/// From where the logs are read at a start. A snapshot spares the log before its position only where nothing of what it
/// builds on is gone: its own blocks, the chunks in files that it does not repeat, and the log behind it. Pure.
struct RestoreStart: Equatable {
  /// Nil: from the beginning.
  var wal: WALPosition?
  var wbl: WALPosition?
  /// The log ends before the snapshot's position: it is another log, or the end of this one is gone.
  var lacksLog = false

  /// `logEnd`: the numbers of the first segments that are not to be read.
  init(_ snapshot: HeadSnapshotReader?, losesChunks: Bool, logEnd: (wal: Int, wbl: Int)) {
    guard let snapshot, let position = snapshot.wal else { return }
    lacksLog = position > WALPosition(segment: logEnd.wal, offset: 0)
    if snapshot.damage != nil || losesChunks || lacksLog { return }
    wal = position
    if let late = snapshot.wbl, late <= WALPosition(segment: logEnd.wbl, offset: 0) { wbl = late }
  }
}
