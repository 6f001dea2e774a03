import Format
import Platform

/// The folders of blocks in a data directory: their names, and how they come and go whole. Stateless.
///
/// A block is written under `<ulid>.tmp-for-creation` and renamed when it is durable; it is renamed to
/// `<ulid>.tmp-for-deletion` before its files are removed. So a crash leaves whole blocks, and folders that say themselves
/// that they are rubbish.
struct BlockFolder: Sendable {
  static let creationSuffix = ".tmp-for-creation"
  static let deletionSuffix = ".tmp-for-deletion"
  /// The suffix of temporary folders of Prometheus before 2.21.
  private static let oldSuffix = ".tmp"

  let root: String
  let disk: any Disk

  func path(_ ulid: ULID) -> String { DiskPath.join(root, "\(ulid)") }

  /// The folders that are named like blocks, in the order of their ids.
  func blocks() throws(DiskError) -> [ULID] { try disk.list(root).compactMap(BlockFolder.ulid).sorted() }

  /// The id that a folder's name is, letter for letter.
  private static func ulid(_ name: String) -> ULID? {
    guard let ulid = ULID(name), "\(ulid)" == name else { return nil }
    return ulid
  }

  /// Removes half-made and half-removed blocks. Returns how many there were.
  func removeRubbish() throws(DiskError) -> Int {
    var count = 0
    for name in try disk.list(root) where BlockFolder.isRubbish(name) {
      try disk.removeTree(DiskPath.join(root, name))
      count += 1
    }
    if count > 0 { try disk.syncDirectory(root) }
    return count
  }

  /// Removes a block's folder; one that is not there is fine.
  func remove(_ ulid: ULID) throws(DiskError) {
    let doomed = path(ulid) + BlockFolder.deletionSuffix
    // What an earlier attempt has left would be in the way of the rename.
    try disk.removeTree(doomed)
    do throws(DiskError) {
      try disk.rename(path(ulid), to: doomed)
    } catch {
      if error.isNotFound { return }
      throw error
    }
    try disk.syncDirectory(root)
    try disk.removeTree(doomed)
  }

  /// Moves a block out of sight, for people to look at.
  func setAside(_ ulid: ULID, into quarantine: String) throws(DiskError) {
    try disk.makeDirectories(quarantine)
    var target = DiskPath.join(quarantine, "\(ulid)")
    var attempt = 1
    while (try? disk.status(target)) != nil {
      attempt += 1
      target = DiskPath.join(quarantine, "\(ulid).\(attempt)")
    }
    try disk.rename(path(ulid), to: target)
    try disk.syncDirectory(quarantine)
    try disk.syncDirectory(root)
  }

  static func isRubbish(_ name: String) -> Bool {
    for suffix in [creationSuffix, deletionSuffix, oldSuffix] where name.hasSuffix(suffix) {
      return ulid(String(name.dropLast(suffix.count))) != nil
    }
    return false
  }
}
