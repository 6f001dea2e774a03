import Platform

/// What one sync of the head chunk files has to do. Taken from the writer, done without its lock, and what is left of it
/// given back.
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
  var isDirectoryDirty = false

  /// Does what can be done and leaves the rest; throws the first error. `isRemoved` says of a number whether its file has
  /// been taken away on purpose, which may happen at any moment.
  mutating func perform(on directory: HeadChunkDirectory, isRemoved: (Int) -> Bool) throws(DiskError) {
    var failure: DiskError?
    doubtful = doubtful.filter { path in
      !attempt(&failure) { () throws(DiskError) in try HeadChunkSyncWork.rewrite(path, directory.disk, isRemoved) }
    }
    let inherited = inherited
    self.inherited = []
    for path in inherited {
      if !attempt(&failure, { () throws(DiskError) in try HeadChunkSyncWork.sync(path, directory.disk) }) {
        doubtful.append(path)
      }
    }
    for file in full {
      if !attempt(&failure, { () throws(DiskError) in try file.sync() }) { doubtful.append(file.path) }
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

  /// The current file could not be synced: nothing may be written behind what is lost.
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

  /// Never makes a file: one that is gone has been removed on purpose.
  private static func sync(_ path: String, _ disk: any Disk) throws(DiskError) {
    let file = try disk.open(path, .read)
    defer { try? file.close() }
    try file.sync()
  }

  /// The same bytes under the same name, durable.
  private static func rewrite(_ path: String, _ disk: any Disk, _ isRemoved: (Int) -> Bool) throws(DiskError) {
    let old = try disk.map(path)
    let replacement = try AtomicReplace(path, on: disk, bufferBytes: 0)
    _ = try replacement.file.append(old.bytes)
    try replacement.commit()
    // Whoever removes a file says so first: seen here, or else it removes the new one.
    if let number = Int(DiskPath.name(path)), isRemoved(number) { try disk.removeFile(path) }
  }
}
