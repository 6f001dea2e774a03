import Format
import Platform

/// Brings blocks of another directory into this one: copied, looked at, then given their names. Stateless.
package enum BlockCopy {
  private static let pieceBytes = 4 << 20

  /// Copies a block's folder; false where there is a block of this name already. The source stays as it is.
  package static func run(from source: String, into root: String, on disk: any Disk) throws(BlockFault) -> Bool {
    let meta = try Block(source, on: disk).meta
    let folder = BlockFolder(root: root, disk: disk)
    let target = folder.path(meta.ulid)
    if (try? disk.status(target)) != nil { return false }
    let temporary = target + BlockFolder.creationSuffix
    do throws(BlockFault) {
      try BlockFault.wrap { () throws(DiskError) in
        try disk.removeTree(temporary)
        try disk.makeDirectories(temporary + "/chunks")
        for name in try disk.list(source + "/chunks") { try copy("chunks/" + name, source, temporary, disk) }
        for name in ["index", "meta.json"] { try copy(name, source, temporary, disk) }
        for name in BlockDeletions.fileNames where (try? disk.status(DiskPath.join(source, name))) != nil {
          try copy(name, source, temporary, disk)
        }
        try disk.syncDirectory(temporary + "/chunks")
        try disk.syncDirectory(temporary)
      }
      if let finding = try BlockVerification(temporary, on: disk).findings.first {
        throw .corrupt(path: finding.path, reason: finding.reason)
      }
      try BlockFault.wrap { () throws(DiskError) in
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

  private static func copy(_ name: String, _ source: String, _ target: String, _ disk: any Disk) throws(DiskError) {
    let mapped = try disk.map(DiskPath.join(source, name))
    let file = try AppendFile(DiskPath.join(target, name), on: disk, .create)
    var rest = mapped.bytes
    while !rest.isEmpty {
      let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(pieceBytes))
      try file.append(piece)
      rest = UnsafeRawBufferPointer(rebasing: rest[piece.count...])
    }
    try file.sync()
    try file.close()
  }
}
