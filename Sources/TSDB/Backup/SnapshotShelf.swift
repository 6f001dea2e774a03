import Format
import Platform

/// A folder of snapshots: the one of a server, or one of backups on another disk. Whoever changes it holds its lock. A
/// server's own folder needs no lock, since nobody writes to a snapshot again once it has its name.
package struct SnapshotShelf: Sendable {
  package let directory: String
  private let disk: any Disk

  package init(_ directory: String, on disk: any Disk) {
    self.directory = directory
    self.disk = disk
  }

  package func path(_ name: String) -> String { DiskPath.join(directory, name) }

  /// The snapshots that are complete, oldest first.
  package func names() throws(DiskError) -> [String] { try disk.list(directory).filter(SnapshotName.isName) }

  /// Removes what unfinished copies and removals have left.
  package func removeUnfinished() throws(DiskError) {
    for name in try disk.list(directory) where SnapshotShelf.isUnfinished(name) { try disk.removeTree(path(name)) }
  }

  private static func isUnfinished(_ name: String) -> Bool {
    [BlockFolder.creationSuffix, BlockFolder.deletionSuffix].contains { suffix in
      name.hasSuffix(suffix) && SnapshotName.isName(String(name.dropLast(suffix.count)))
    }
  }

  /// Removes a snapshot; a crash on the way leaves something that has no snapshot's name.
  package func remove(_ name: String) throws(DiskError) {
    let doomed = path(name) + BlockFolder.deletionSuffix
    try disk.removeTree(doomed)
    try disk.rename(path(name), to: doomed)
    try disk.syncDirectory(directory)
    try disk.removeTree(doomed)
  }

  /// Removes all but the newest `count`, of which the one that was just proven is one whatever its name says. Returns the
  /// names of those that are gone.
  package func keep(_ count: Int, proven: String) throws(DiskError) -> [String] {
    precondition(count > 0, "the proven one stays")
    var gone: [String] = []
    for name in try names().filter({ $0 != proven }).dropLast(count - 1) {
      try remove(name)
      gone.append(name)
    }
    return gone
  }

  /// Copies a snapshot to this folder: under a temporary name, durable, read whole there and compared, then under its own.
  /// Whenever it ends, what has a snapshot's name here is what the original was. Damaged blocks come as they are where they
  /// can be opened.
  package func add(_ check: SnapshotCheck, as name: String) throws(BackupError) {
    precondition(SnapshotName.isName(name))
    let target = path(name)
    let temporary = target + BlockFolder.creationSuffix
    if (try? disk.status(target)) != nil {
      throw .refused("\(target) is there already: it was not touched, and nothing was copied")
    }
    let damaged = check.damaged.filter { $0.meta != nil }
    let needed = check.blocks.byteCount + damaged.compactMap(\.held).byteCount
    let free = try BackupError.disk { () throws(DiskError) in try disk.freeSpace(directory).freeBytes }
    if free < needed {
      throw .refused("the snapshot has \(needed) bytes, but only \(free) are free in \(directory): nothing was copied")
    }
    do throws(BackupError) {
      try BackupError.disk { () throws(DiskError) in
        try disk.removeTree(temporary)
        try disk.makeDirectory(temporary)
        for folder in check.whole.map(\.folder) + damaged.map(\.folder) {
          try BlockCopy.copy(from: folder, to: DiskPath.join(temporary, DiskPath.name(folder)), on: disk)
        }
        // Empty: promtool does not dump a directory without it.
        try disk.makeDirectory(temporary + "/wal")
        try disk.syncDirectory(temporary)
      }
      try compare(check, temporary)
      try BackupError.disk { () throws(DiskError) in
        try disk.rename(temporary, to: target)
        do throws(DiskError) {
          try disk.syncDirectory(directory)
        } catch {
          // A name that may not outlive a power loss is none.
          try? disk.rename(target, to: temporary)
          throw error
        }
      }
    } catch {
      // What cannot be removed here is removed by the next copy, and is told by its name until then.
      try? disk.removeTree(temporary)
      throw error
    }
  }

  private func compare(_ check: SnapshotCheck, _ temporary: String) throws(BackupError) {
    for block in check.whole {
      let folder = DiskPath.join(temporary, DiskPath.name(block.folder))
      try block.held.check(copy: folder, of: block.folder, on: disk)
    }
  }
}
