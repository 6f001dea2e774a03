/// What a disk is asked to do, as faults and logs of a `SimulatedDisk` see it.
package enum DiskOperation: String, Sendable, CaseIterable {
  // These change what is on the disk, or what would be left of it after a crash; they are counted.
  case create, write, truncate, sync, makeDirectory, rename, link, removeFile, removeDirectory, syncDirectory
  // These do not.
  case open, read, close, map, status, list, freeSpace

  package var isCounted: Bool {
    switch self {
    case .create, .write, .truncate, .sync, .makeDirectory, .rename, .link, .removeFile, .removeDirectory,
      .syncDirectory:
      true
    case .open, .read, .close, .map, .status, .list, .freeSpace: false
    }
  }

  /// The word that errors of a real disk use.
  var systemName: String {
    switch self {
    case .create, .open: "open"
    case .makeDirectory: "mkdir"
    case .removeFile: "unlink"
    case .removeDirectory: "rmdir"
    case .syncDirectory: "sync"
    case .status: "stat"
    case .freeSpace: "statvfs"
    case .write, .truncate, .sync, .rename, .link, .read, .close, .map, .list: rawValue
    }
  }
}
