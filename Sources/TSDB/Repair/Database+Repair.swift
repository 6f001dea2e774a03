import Format
import Platform

// What is done about damage that was met in a block: its samples are looked for elsewhere, once for each block.
extension Database {
  /// Tries to repair the blocks in which damage was met. Where all samples of the damaged chunks are found again, the block is
  /// written anew with them, and the damaged one is set aside when its replacement is served. Where some are not, the block
  /// stays as it is: what is answered from it says what is missing, which a block without them would not.
  func repairDamaged() {
    for block in blocks.current.damaged {
      if stopping.isCancelled { return }
      guard repairsTried.withLock({ $0.insert(block.meta.ulid).inserted }) else { continue }
      do throws(BlockError) {
        try repair(block)
      } catch {
        if error == .stopped { return }
        blocks.metrics.repairsFailed.add()
        log.error(
          "A damaged block could not be repaired and is served as before; restore it from a copy",
          ["block": "\(block.meta.ulid)", "err": "\(error)"])
      }
    }
  }

  private func repair(_ block: Block) throws(BlockError) {
    let shouldStop = { [stopping] in stopping.isCancelled }
    var repair = try BlockRepair(block, shouldStop: shouldStop)
    for other in sources(of: block) where !repair.isComplete { try repair.search(other, shouldStop: shouldStop) }
    if !repair.isComplete {
      try repair.search(head.files.wal.directory, head.files.wbl.directory, shouldStop: shouldStop)
    }
    let times = [repair.times?.lowerBound, repair.times?.upperBound].map { TimeText.text(milliseconds: $0 ?? 0) }
    guard repair.isComplete else {
      blocks.metrics.repairsFailed.add()
      return log.error(
        "A damaged block could not be repaired and is served as before: the log and other blocks do not have all of its "
          + "samples; restore it from a copy",
        [
          "block": "\(block.meta.ulid)", "chunks": "\(repair.chunkCount)", "series": "\(repair.seriesCount)",
          "from": times[0], "through": times[1], "samples": "\(repair.missingCount)", "found": "\(repair.foundCount)",
        ])
    }
    let found = repair.chunks()
    let replacement = try blocks.changeLock.withLock { () throws(BlockError) in
      // Retention may have taken it meanwhile.
      guard let present = blocks.current.blocks.first(where: { $0.meta.ulid == block.meta.ulid }) else {
        return BlockMeta?.none
      }
      return try compactor.repair(present, found)
    }
    guard let replacement else { return }
    blocks.metrics.repaired.add()
    log.warn(
      "A damaged block was repaired from other copies of its samples and set aside",
      [
        "block": "\(block.meta.ulid)", "replacement": "\(replacement.ulid)", "chunks": "\(repair.chunkCount)",
        "series": "\(repair.seriesCount)", "samples": "\(repair.missingCount)", "moved_to": layout.quarantine,
      ])
  }

  /// Other blocks that may have the samples of a block: those it was made of, where they are still there, and those that are
  /// served beside it.
  private func sources(of block: Block) -> [Block] {
    var sources: [Block] = []
    for parent in block.meta.compaction.parents {
      if let opened = try? Block(DiskPath.join(layout.root, "\(parent.ulid)"), on: disk) { sources.append(opened) }
    }
    let times = block.meta.minTime...max(block.meta.minTime, block.meta.maxTime - 1)
    return sources + blocks.current.overlapping(times).filter { $0.meta.ulid != block.meta.ulid }
  }
}
