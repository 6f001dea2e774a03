import Glibc

// Whole directory trees, on any disk.

/// The deepest tree that the server removes or measures. Its own are a handful deep; a deeper one is not its own.
private let treeDepthMax = 64

extension Disk {
  /// Makes the directory and the missing ones above it, durably. Leaves one that exists as it is.
  package func makeDirectories(_ path: String) throws(DiskError) {
    do throws(DiskError) {
      if try status(path).kind == .directory { return }
      throw DiskError(operation: "mkdir", path: path, code: ENOTDIR)
    } catch {
      if !error.isNotFound { throw error }
    }
    let parent = DiskPath.parent(path)
    if parent != path { try makeDirectories(parent) }
    do {
      try makeDirectory(path)
    } catch {
      // Somebody else made it in between.
      if error.code != EEXIST { throw error }
    }
    try syncDirectory(parent)
  }

  /// Removes the file, or the directory with all it holds. A symbolic link goes, not what it points to. Nothing there is
  /// fine. A crash on the way leaves a part of the tree; the caller syncs the parent directory when it matters.
  package func removeTree(_ path: String) throws(DiskError) { try removeTree(path, depth: 0) }

  private func removeTree(_ path: String, depth: Int) throws(DiskError) {
    if depth > treeDepthMax { throw DiskError(operation: "remove", path: path, code: ELOOP) }
    do {
      // Linux says EISDIR for a directory, POSIX EPERM.
      return try removeFile(path)
    } catch {
      if error.isNotFound { return }
      if error.code != EISDIR && error.code != EPERM { throw error }
    }
    for name in try list(path) { try removeTree(DiskPath.join(path, name), depth: depth + 1) }
    try removeDirectory(path)
  }

  /// Bytes of the files in a directory and below it. A file that goes meanwhile counts nothing; so does a directory
  /// that is not there.
  package func treeBytes(_ path: String) throws(DiskError) -> Int { try treeBytes(path, depth: 0) }

  private func treeBytes(_ path: String, depth: Int) throws(DiskError) -> Int {
    if depth > treeDepthMax { throw DiskError(operation: "list", path: path, code: ELOOP) }
    do throws(DiskError) {
      let status = try status(path)
      if status.kind != .directory { return status.size }
      var bytes = 0
      for name in try list(path) { bytes += try treeBytes(DiskPath.join(path, name), depth: depth + 1) }
      return bytes
    } catch {
      if error.isNotFound { return 0 }
      throw error
    }
  }

  /// All bytes of a small file (a manifest, a marker); larger ones are mapped. Read, not mapped: a sector that the disk
  /// cannot read is an error here, and the end of the process where it is mapped.
  package func readFile(_ path: String) throws(DiskError) -> [UInt8] {
    let file = try open(path, .read)
    let read: Result<[UInt8], DiskError>
    do throws(DiskError) { read = .success(try file.bytes(try file.size(), at: 0)) } catch { read = .failure(error) }
    try file.close()
    return try read.get()
  }
}
