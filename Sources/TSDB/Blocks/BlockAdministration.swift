import Format
import Model
import Platform

/// Deletes, cleans and copies: the administration of a database's blocks and, through `HeadAdmin`, of its head. Any thread;
/// each action takes the change lock for itself and may wait for a compaction to make way.
package final class BlockAdministration: BlockAdmin {
  private let blocks: BlockSet
  private let compactor: Compactor
  private let head: any HeadAdmin
  private let clock: any Clock
  private let directory: String
  private let random: RandomNumbers

  /// - Parameter directory: where snapshots go, `snapshots` in the data directory.
  package init(
    _ blocks: BlockSet, compactor: Compactor, head: any HeadAdmin, directory: String, clock: any Clock,
    random: RandomNumbers = RandomNumbers()
  ) {
    self.blocks = blocks
    self.compactor = compactor
    self.head = head
    self.directory = directory
    self.random = random
    self.clock = clock
  }

  package var blockMetas: [BlockMeta] { blocks.current.blocks.map(\.meta) }
  package var damagedBlocks: [ULID] { blocks.current.damaged.map(\.meta.ulid) }
  package var missingBlocks: [MissingBlock] { blocks.current.missing }

  package func delete(_ matchers: [CompiledMatcher], in range: ClosedRange<Int64>) throws(BlockError) {
    try blocks.changeLock.withLock { () throws(BlockError) in
      try blocks.delete(matchers, in: range)
      try head.delete(matchers, in: range)
      try blocks.checkReached(range)
    }
  }

  package func cleanTombstones() throws(BlockError) {
    let started = clock.monotonicNanoseconds()
    try blocks.changeLock.withLock { () throws(BlockError) in
      for block in blocks.current.blocks where !block.tombstones.isEmpty { try compactor.rewrite(block) }
    }
    blocks.metrics.tombstoneCleanupSeconds.observe(Double(clock.monotonicNanoseconds() - started) / 1e9)
  }

  /// Makes the copy in a folder whose name says that it is rubbish, and gives it its own name when all of it is
  /// durable: neither a failure nor a crash leaves something that looks like a snapshot.
  package func snapshot(skipsHead: Bool) throws(BlockError) -> TakenSnapshot {
    let name = SnapshotName.make(milliseconds: clock.nowMilliseconds(), number: random.next())
    let path = DiskPath.join(directory, name)
    let unfinished = path + BlockFolder.creationSuffix
    let disk = blocks.disk
    return try blocks.changeLock.withLock { () throws(BlockError) in
      do throws(BlockError) {
        try BlockError.wrap { () throws(DiskError) in
          try disk.makeDirectories(directory)
          try removeUnfinished()
          try disk.makeDirectory(unfinished)
        }
        var snapshot = TakenSnapshot(name: name, path: DiskPath.absolute(path))
        let served = blocks.current.blocks
        for block in served {
          try blocks.link(block, into: unfinished)
          snapshot.blocks.append(try held(block.meta, in: unfinished))
          snapshot.warnings += BlockAdministration.warnings(block)
        }
        let head = skipsHead ? HeadCopy() : try head.writeBlock(into: unfinished)
        if let meta = head.meta { snapshot.blocks.append(try held(meta, in: unfinished)) }
        try BlockError.wrap { () throws(DiskError) in
          // Empty: promtool does not dump a directory without it.
          try disk.makeDirectory(unfinished + "/wal")
          try disk.syncDirectory(unfinished)
          try disk.rename(unfinished, to: path)
          try disk.syncDirectory(directory)
        }
        snapshot.warnings += BlockAdministration.warnings(head)
        snapshot.warnings += missingBlocks.map { block in
          "block \(block.ulid) is not served (\(block.reason)) and not in the snapshot"
        }
        if served.isEmpty && head.meta == nil {
          snapshot.warnings.append(
            skipsHead
              ? "the snapshot is empty: there are no blocks, and the head was left out (skip_head)"
              : "the snapshot is empty: the database holds no samples")
        }
        return snapshot
      } catch {
        // A copy that has its name but may not keep it after a power loss is none. What cannot be removed here is removed by
        // the next snapshot, and is told by its name until then.
        try? disk.removeTree(unfinished)
        try? disk.rename(path, to: unfinished)
        try? disk.removeTree(unfinished)
        throw error
      }
    }
  }

  private func held(_ meta: BlockMeta, in snapshot: String) throws(BlockError) -> HeldBlock {
    try BlockError.wrap { () throws(DiskError) in
      HeldBlock(meta, bytes: try BlockCopy.bytes(of: DiskPath.join(snapshot, "\(meta.ulid)"), on: blocks.disk))
    }
  }

  /// Removes what unfinished snapshots have left.
  private func removeUnfinished() throws(DiskError) {
    for name in try blocks.disk.list(directory) where name.hasSuffix(BlockFolder.creationSuffix) {
      try blocks.disk.removeTree(DiskPath.join(directory, name))
    }
  }

  private static func warnings(_ block: Block) -> [String] {
    if block.unreadable.value == 0 { return [] }
    return ["block \(block.meta.ulid) is damaged, and so is its copy: apus tsdb verify says where"]
  }

  private static func warnings(_ head: HeadCopy) -> [String] {
    if head.unreadableChunks == 0 { return [] }
    return ["\(head.unreadableChunks) chunks of the head could not be read and are not in the snapshot"]
  }
}
