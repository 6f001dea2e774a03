import Model
import Platform

/// The work of one sync of the head chunk files. The caller takes it from the writer, does it without the writer's
/// lock, and gives back what is left of it.
struct HeadChunkSyncWork {
  /// Files that are full: to be closed once synced.
  var full: [any DiskFile] = []
  /// The file being written. It stays the writer's.
  var current: (any DiskFile)?
  /// Files that an earlier process wrote, and may not have synced: it may have been killed.
  var inherited: [String] = []
  /// Files whose fsync failed. The kernel may have dropped their bytes, and a later fsync would say nothing of it: they
  /// are written once more.
  var doubtful: [String] = []
  /// Ends of the chunks of these files; behind them may be what a failed write has left.
  var ends: [String: Int] = [:]
  var isDirectoryDirty = false
  /// Files that were written once more.
  private(set) var rewritten: [String] = []

  /// Does what can be done and leaves the rest; throws the first error. `isRemoved` is true for the number of a file
  /// that has been taken away on purpose, which may happen at any moment.
  mutating func perform(on directory: HeadChunkDirectory, isRemoved: (Int) -> Bool) throws(DiskError) {
    var failure: DiskError?
    rewritten = []
    let doubted = doubtful
    doubtful = []
    for path in doubted {
      let end = ends[path]
      if attempt(
        &failure,
        { () throws(DiskError) in try HeadChunkSyncWork.rewrite(path, through: end, directory.disk, isRemoved) })
      {
        rewritten.append(path)
        ends[path] = nil
      } else {
        doubtful.append(path)
      }
    }
    let inherited = inherited
    self.inherited = []
    for path in inherited {
      if !attempt(&failure, { () throws(DiskError) in try HeadChunkSyncWork.sync(path, directory.disk) }) {
        doubtful.append(path)
      } else {
        ends[path] = nil
      }
    }
    for file in full {
      let end = ends[file.path]
      let isDone = attempt(&failure) { () throws(DiskError) in
        try HeadChunkSyncWork.finish(file, at: end, directory.disk)
      }
      if isDone { ends[file.path] = nil } else { doubtful.append(file.path) }
      // What is on stable storage stays there however the closing ends.
      try? file.close()
    }
    full = []
    if let file = current, !attempt(&failure, { () throws(DiskError) in try file.sync() }) {
      doubtful.append(file.path)
    } else {
      current = nil
    }
    if isDirectoryDirty {
      isDirectoryDirty = !attempt(&failure) { () throws(DiskError) in
        try directory.disk.syncDirectory(directory.path)
      }
    }
    if let failure { throw failure }
  }

  /// True if the current file could not be synced: nothing may be written behind what is lost.
  var isCurrentLost: Bool { current != nil }

  private func attempt(_ failure: inout DiskError?, _ body: () throws(DiskError) -> Void) -> Bool {
    do throws(DiskError) {
      try body()
      return true
    } catch {
      // Removed meanwhile: its chunks have expired.
      if error.isNotFound { return true }
      if failure == nil { failure = error }
      return false
    }
  }

  /// Takes away what a failed write has left behind the chunks, and the file where there are none.
  private static func finish(_ file: any DiskFile, at end: Int?, _ disk: any Disk) throws(DiskError) {
    if let end, try file.size() > end { try file.truncate(to: end) }
    if end == 0 { return try disk.removeFile(file.path) }
    try file.sync()
  }

  /// Syncs a file. It never makes one: a file that is gone has been removed on purpose.
  private static func sync(_ path: String, _ disk: any Disk) throws(DiskError) {
    let file = try disk.open(path, .read)
    defer { try? file.close() }
    try file.sync()
  }

  /// Writes the same chunks once more under the same name, durably. The system may have dropped them after the failed
  /// fsync: then the file stays doubtful, and the log that has them is not shortened.
  private static func rewrite(
    _ path: String, through end: Int?, _ disk: any Disk, _ isRemoved: (Int) -> Bool
  ) throws(DiskError) {
    let old = try disk.map(path)
    let end = end ?? old.bytes.count
    guard end <= old.bytes.count else { throw DiskError(operation: "read back", path: path, code: inputOutputError) }
    let chunks = LentBytes(old.bytes).part(0..<end)
    if end > 0 {
      let scan = HeadChunkScan(chunks, number: 0) { _ in }
      guard scan.hasHeader, scan.damages.isEmpty, scan.end == end else {
        throw DiskError(operation: "read back", path: path, code: inputOutputError)
      }
    }
    let replacement = try AtomicReplace(path, on: disk, bufferBytes: 0)
    _ = try replacement.file.append(chunks.raw)
    // Not before: the bytes above are those of the mapping.
    withExtendedLifetime(old) {}
    try replacement.commit()
    // Whoever removes a file says so first: seen here, or else it removes the new one.
    if let number = Int(DiskPath.name(path)), isRemoved(number) { try disk.removeFile(path) }
  }

  private static let inputOutputError: Int32 = 5
}
