import Format
import Platform

/// A source of blocks: a directory of blocks (a snapshot of Apus or Prometheus, folders of a Thanos bucket, a data
/// directory), or the folder of one block. Read only, never changed.
package struct BlockSource: Sendable {
  package let root: String
  /// The folders of its blocks, in the order of their names.
  package let folders: [String]
  /// True if it has a log that may hold samples which are in no block.
  package let hasLog: Bool

  package init(_ root: String, on disk: any Disk) throws(BackupError) {
    self.root = root
    let name = DiskPath.name(root)
    for suffix in [BlockFolder.creationSuffix, BlockFolder.deletionSuffix] where name.hasSuffix(suffix) {
      throw .refused("\(root) is what an unfinished snapshot or removal has left, not a snapshot: take another one")
    }
    let names: [String]
    do throws(DiskError) {
      names = try disk.list(root)
    } catch {
      if error.isNotFound { throw .refused("there is no directory \(root)") }
      throw .disk(error)
    }
    if names.contains("meta.json") && names.contains("chunks") {
      folders = [root]
      hasLog = false
      return
    }
    folders = names.filter { name in ULID(name).map { "\($0)" == name } ?? false }.map { DiskPath.join(root, $0) }
    hasLog = ["wal", "wbl", "chunks_head"].contains { folder in
      names.contains(folder) && ((try? disk.treeBytes(DiskPath.join(root, folder))) ?? 0) > 0
    }
    if folders.isEmpty { throw .refused("there are no blocks in \(root): it is no snapshot, or an empty one") }
  }
}
