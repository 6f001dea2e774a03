/// The positions from which a start reads the logs. A snapshot spares the log before its position only if nothing of
/// what it builds on is gone: its own blocks, the chunks in files that it does not repeat, and the log behind it. Pure.
struct RestoreStart: Equatable {
  /// The position in the log; nil: a start reads it from the beginning.
  var wal: WALPosition?
  var wbl: WALPosition?
  /// True if the log ends before the snapshot's position: it is another log, or the end of this one is gone.
  var lacksLog = false

  /// - Parameters:
  ///   - logEnd: the numbers of the first segments that are not to be read.
  ///   - lastFound: the highest number that the log had; -1: it had none.
  init(_ snapshot: HeadSnapshotReader?, losesChunks: Bool, logEnd: (wal: Int, wbl: Int), lastFound: Int) {
    guard let snapshot, let position = snapshot.wal else { return }
    // At the start of a segment nothing of it is needed, and an empty one may have been given up.
    lacksLog = position.offset > 0 && position.segment > lastFound
    if snapshot.damage != nil || losesChunks || lacksLog { return }
    wal = position
    if let late = snapshot.wbl, late <= WALPosition(segment: logEnd.wbl, offset: 0) { wbl = late }
  }
}
