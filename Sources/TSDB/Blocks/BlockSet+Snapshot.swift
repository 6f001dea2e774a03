import Format
import Platform

extension BlockSet {
  /// Gives the files of a block a second name in a folder of the same name within `directory`. A block's files are never
  /// written to again: tombstones and `meta.json` are replaced, and the copy keeps the old ones.
  func link(_ block: Block, into directory: String) throws(BlockError) {
    let source = folder.path(block.meta.ulid)
    let target = DiskPath.join(directory, "\(block.meta.ulid)")
    try BlockError.wrap { () throws(DiskError) in
      try disk.makeDirectory(target)
      try disk.makeDirectory(target + "/chunks")
      for name in try disk.list(source + "/chunks") {
        try disk.link(source + "/chunks/" + name, to: target + "/chunks/" + name)
      }
      for name in ["index", BlockDescription.fileName] { try disk.link(source + "/" + name, to: target + "/" + name) }
      for name in BlockDeletions.fileNames + [BlockDescription.copyName] {
        do throws(DiskError) {
          try disk.link(source + "/" + name, to: target + "/" + name)
        } catch {
          // Where nothing was deleted, or another program made the block, they may be absent.
          if !error.isNotFound { throw error }
        }
      }
      try disk.syncDirectory(target + "/chunks")
      try disk.syncDirectory(target)
    }
  }
}
