import Format
import Platform

/// Brings blocks of another directory into this one: copied, looked at, then given their names. Stateless.
package enum BlockCopy {
  private static let pieceBytes = 4 << 20

  /// The way in which the files of a block come to their new place.
  package enum Way: Sendable {
    case bytes
    /// A second name for the same bytes: the same file system, no space, and no second copy.
    case links
  }

  /// Copies a block's folder; false if there is a block of this name already. The source stays as it is.
  package static func run(from source: String, into root: String, on disk: any Disk) throws(BlockError) -> Bool {
    let meta = try Block(source, on: disk).meta
    let folder = BlockFolder(root: root, disk: disk)
    let target = folder.path(meta.ulid)
    if (try? disk.status(target)) != nil { return false }
    let temporary = target + BlockFolder.creationSuffix
    do throws(BlockError) {
      try BlockError.wrap { () throws(DiskError) in try copy(from: source, to: temporary, on: disk) }
      if let finding = try BlockVerification(temporary, on: disk).findings.first {
        throw .corrupt(path: finding.path, reason: finding.reason)
      }
      try BlockError.wrap { () throws(DiskError) in
        try disk.rename(temporary, to: target)
        try disk.syncDirectory(root)
      }
    } catch {
      // What cannot be removed is removed by the next start.
      try? disk.removeTree(temporary)
      throw error
    }
    return true
  }

  /// Makes `folder` hold the files of a block, durably; its own name is not. What was there goes first.
  ///
  /// - Parameter meta: replaces the block's description.
  static func copy(
    from source: String, to folder: String, by way: Way = .bytes, describedAs meta: BlockMeta? = nil, on disk: any Disk
  ) throws(DiskError) {
    try disk.removeTree(folder)
    try disk.makeDirectories(folder + "/chunks")
    for name in try files(of: source, on: disk) {
      let target = DiskPath.join(folder, name)
      if let meta, [BlockDescription.fileName, BlockDescription.copyName].contains(name) {
        try write(meta.json, target, disk)
      } else if way == .links {
        try link(DiskPath.join(source, name), target, disk)
      } else {
        try copy(DiskPath.join(source, name), target, disk)
      }
    }
    try disk.syncDirectory(folder + "/chunks")
    try disk.syncDirectory(folder)
  }

  /// The files that make a block, by their paths in its folder. Others (Thanos keeps notes there) are no part of it.
  static func files(of source: String, on disk: any Disk) throws(DiskError) -> [String] {
    var names = try disk.list(source + "/chunks").map { "chunks/" + $0 }
    names += ["index", BlockDescription.fileName]
    for name in BlockDeletions.fileNames + [BlockDescription.copyName] {
      do throws(DiskError) {
        _ = try disk.status(DiskPath.join(source, name))
        names.append(name)
      } catch {
        // Where nothing was deleted, or another program made the block, they may be absent.
        if !error.isNotFound { throw error }
      }
    }
    return names
  }

  static func bytes(of source: String, on disk: any Disk) throws(DiskError) -> Int {
    var bytes = 0
    for name in try files(of: source, on: disk) { bytes += try disk.status(DiskPath.join(source, name)).size }
    return bytes
  }

  /// Read, not mapped: a sector that the disk cannot read is an error here.
  private static func copy(_ source: String, _ target: String, _ disk: any Disk) throws(DiskError) {
    let original = try disk.open(source, .read)
    // Nothing was written that the close could fail to keep.
    defer { try? original.close() }
    let file = try AppendFile(target, on: disk, .create)
    var window = ByteBuffer(capacity: pieceBytes)
    while try original.read(pieceBytes, at: file.size, into: &window) > 0 {
      try file.append(window.bytes)
      window.removeAll()
    }
    try file.sync()
    try file.close()
  }

  /// Syncs the source first: what was unpacked a moment ago may not be on the disk yet.
  private static func link(_ source: String, _ target: String, _ disk: any Disk) throws(DiskError) {
    let original = try disk.open(source, .read)
    defer { try? original.close() }
    try original.sync()
    try disk.link(source, to: target)
  }

  private static func write(_ bytes: [UInt8], _ target: String, _ disk: any Disk) throws(DiskError) {
    let file = try AppendFile(target, on: disk, .create)
    try file.append(bytes)
    try file.sync()
    try file.close()
  }
}
