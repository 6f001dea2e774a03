import Format
import Platform

/// A data directory into which blocks are to come: the blocks that are there already, and the names under which others
/// may come. One thread.
struct RestoreTarget {
  /// Attempts to find a name that no block has or knows.
  private static let namesMax = 64
  /// Names that a file system puts into its top directory, and the lock that the restore itself holds.
  private static let ignoredNames = ["lost+found", DirectoryLock.fileName]

  private let root: String
  private let disk: any Disk
  private var present: [ULID: Block] = [:]
  /// Blocks that a present block was made of: a start removes them.
  private var replaced: Set<ULID> = []
  /// Folders with a block's name, whether or not they can be opened.
  private var taken: Set<ULID> = []

  init(_ root: String, _ disk: any Disk) {
    self.root = root
    self.disk = disk
  }

  /// Refuses a directory that holds anything but blocks of the same snapshot, which an earlier run has brought; removes what
  /// unfinished runs have left.
  mutating func checkEmptiness(merges: Bool, _ source: BlockSource) throws(BackupError) {
    let folder = BlockFolder(root: root, disk: disk)
    let journal = DiskPath.name(DatabaseLayout(root: root).restore)
    let names = Set(source.folders.map(DiskPath.name))
    let others = try BackupError.disk { () throws(DiskError) in
      _ = try folder.removeRubbish()
      return try disk.list(root).filter { name in
        !RestoreTarget.ignoredNames.contains(name) && !names.contains(name) && !name.hasPrefix(journal)
          && !isEmptyFolder(name)
      }
    }
    if !merges, let first = others.first {
      let more = others.count == 1 ? "" : " and \(others.count - 1) more"
      throw .refused(
        "\(root) is not empty (\(first)\(more)): nothing was restored. Name an empty directory, or say --merge to add to "
          + "what is there")
    }
    for ulid in try BackupError.disk({ () throws(DiskError) in try folder.blocks() }) {
      taken.insert(ulid)
      // One that cannot be opened keeps its name, and the server says what is the matter with it.
      guard let block = try? Block(folder.path(ulid), on: disk) else { continue }
      present[ulid] = block
      replaced.formUnion(block.meta.compaction.parents.map(\.ulid))
    }
  }

  private func isEmptyFolder(_ name: String) -> Bool {
    (try? disk.list(DiskPath.join(root, name)).isEmpty) ?? false
  }

  func holds(_ ulid: ULID) -> Bool { taken.contains(ulid) || replaced.contains(ulid) }

  /// The place of a block: it is there already with the same deletions, or it comes as it is (no description), or under a
  /// description with another name. That is so where its own name is that of another block, or of one that a start removes
  /// since it was made into another, or where its coming would remove blocks that are there.
  mutating func place(
    for meta: BlockMeta, tombstones: Tombstones
  ) throws(BackupError) -> (isPresent: Bool, meta: BlockMeta?) {
    var ulid = meta.ulid
    for attempt in 1...RestoreTarget.namesMax {
      if let block = present[ulid], isSame(block, meta, tombstones), !replaced.contains(ulid) { return (true, nil) }
      let wouldReplace = meta.compaction.parents.contains { taken.contains($0.ulid) }
      if !holds(ulid) && (!wouldReplace || ulid != meta.ulid) {
        taken.insert(ulid)
        return (false, ulid == meta.ulid ? nil : RestoreTarget.renamed(meta, ulid))
      }
      // The same in every run, so that a second one finds what the first has brought.
      ulid = ULID(high: meta.ulid.high, low: meta.ulid.low &+ UInt64(attempt) &* 0x9e37_79b9_7f4a_7c15)
    }
    throw .refused("\(root) has too many blocks that were made of \(meta.ulid): restore into an empty directory")
  }

  private func isSame(_ block: Block, _ meta: BlockMeta, _ tombstones: Tombstones) -> Bool {
    var (one, other) = (block.meta.stats, meta.stats)
    (one.tombstones, other.tombstones) = (0, 0)
    return one == other && block.meta.minTime == meta.minTime && block.meta.maxTime == meta.maxTime
      && block.tombstones == tombstones
  }

  /// As a block of its own: it was made of nothing that is known here.
  private static func renamed(_ meta: BlockMeta, _ ulid: ULID) -> BlockMeta {
    var renamed = meta
    renamed.ulid = ulid
    renamed.compaction.parents = []
    renamed.compaction.sources = [ulid]
    return renamed
  }
}
