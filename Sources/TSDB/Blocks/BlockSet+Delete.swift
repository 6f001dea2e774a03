import Format
import Model
import Platform

extension BlockSet {
  /// Deletes samples of the blocks: writes tombstones, then serves blocks that know them. Under the change lock.
  func delete(_ matchers: [CompiledMatcher], in range: ClosedRange<Int64>) throws(BlockError) {
    for block in current.overlapping(range) {
      let tombstones = try deletion(matchers, in: range, of: block)
      if tombstones == block.tombstones { continue }
      try write(tombstones, of: block)
    }
  }

  /// The block's tombstones together with those of the deletion: for each series that matches, the part of its time
  /// that lies in the range.
  private func deletion(
    _ matchers: [CompiledMatcher], in range: ClosedRange<Int64>, of block: Block
  ) throws(BlockError) -> Tombstones {
    var tombstones = block.tombstones
    for reference in try block.select(matchers) {
      guard let times = try block.timeRange(of: reference), times.overlaps(range) else { continue }
      tombstones.add(range.clamped(to: times), to: UInt64(reference))
    }
    return tombstones
  }

  private func write(_ tombstones: Tombstones, of block: Block) throws(BlockError) {
    var meta = block.meta
    meta.stats.tombstones = Int64(tombstones.count)
    let path = folder.path(meta.ulid)
    try BlockError.wrap { () throws(DiskError) in try BlockDeletions.write(tombstones, into: path, on: disk) }
    // From here on they count, also after a crash; the description only says how many there are.
    update([block.with(meta: meta, tombstones: tombstones)])
    try BlockError.wrap { () throws(DiskError) in
      try BlockDescription.write(meta, into: path, on: disk)
    }
  }

  /// Reports blocks whose description was found damaged, and mends it from the copy that was read instead.
  func mendDescriptions(_ damaged: DamagedFiles) {
    for block in current.blocks {
      guard let damage = block.foundDescriptionDamage else { continue }
      damaged.report(
        DiskPath.join(block.directory, BlockDescription.fileName), as: BlockDescription.fileName, damage: damage,
        instead: "the copy beside it", meaning: "nothing is lost")
      do throws(DiskError) {
        try BlockDescription.write(block.meta, into: block.directory, on: disk)
      } catch {
        log.error(
          "A block's description could not be mended; the next start tries again",
          ["block": "\(block.meta.ulid)", "err": "\(error)"])
      }
    }
  }

  /// Reports blocks whose list of deletions was found damaged, and mends the list.
  func mendDeletions(_ damaged: DamagedFiles) {
    for block in current.blocks where block.foundDeletions.damage != nil { mendDeletions(of: block, damaged) }
  }

  private func mendDeletions(of block: Block, _ damaged: DamagedFiles) {
    let found = block.foundDeletions
    let instead = found.isLost ? "nothing" : found.tombstones.isEmpty ? "an empty list" : "the copy beside it"
    damaged.report(
      DiskPath.join(block.directory, BlockDeletions.fileName), as: BlockDeletions.fileName, damage: found.damage ?? "",
      instead: instead,
      meaning: found.isLost
        ? "the block's samples are served, and with them those that had been deleted: delete them again"
        : "nothing is lost")
    var meta = block.meta
    meta.stats.tombstones = Int64(block.tombstones.count)
    do throws(DiskError) {
      try BlockDeletions.write(block.tombstones, into: block.directory, on: disk)
      try BlockDescription.write(meta, into: block.directory, on: disk)
      update([block.with(meta: meta, tombstones: block.tombstones)])
    } catch {
      log.error(
        "A block's list of deletions could not be mended; the next start tries again",
        ["block": "\(meta.ulid)", "err": "\(error)"])
    }
  }

  /// Marks the block's description: it could not be compacted, and compaction leaves it alone.
  func markFailed(_ block: Block) {
    var meta = block.meta
    meta.compaction.hasFailed = true
    update([block.with(meta: meta, tombstones: block.tombstones)])
    do throws(DiskError) {
      try BlockDescription.write(meta, into: folder.path(meta.ulid), on: disk)
    } catch {
      log.warn(
        "A block that cannot be compacted could not be marked; it will be tried again after a restart",
        ["block": "\(meta.ulid)", "err": "\(error)"])
    }
  }
}
