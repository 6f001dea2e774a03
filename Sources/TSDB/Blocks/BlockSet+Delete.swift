import Format
import Model
import Platform

extension BlockSet {
  /// Deletes samples of the blocks: tombstones are written, then what is served knows them. Within a turn.
  func delete(_ matchers: [CompiledMatcher], in range: ClosedRange<Int64>) throws(BlockFault) {
    for block in current.overlapping(range) {
      let tombstones = try deletion(matchers, in: range, of: block)
      if tombstones == block.tombstones { continue }
      try write(tombstones, of: block)
    }
  }

  /// The block's tombstones with those of the deletion: for each series that matches, the part of its time that is meant.
  private func deletion(
    _ matchers: [CompiledMatcher], in range: ClosedRange<Int64>, of block: Block
  ) throws(BlockFault) -> Tombstones {
    var tombstones = block.tombstones
    for reference in try block.select(matchers) {
      guard let times = try block.timeRange(of: reference), times.overlaps(range) else { continue }
      tombstones.add(range.clamped(to: times), to: UInt64(reference))
    }
    return tombstones
  }

  private func write(_ tombstones: Tombstones, of block: Block) throws(BlockFault) {
    var meta = block.meta
    meta.stats.tombstones = Int64(tombstones.count)
    let path = folder.path(meta.ulid)
    var file = ByteBuffer()
    tombstones.encode(into: &file)
    let bytes = Array(file.bytes)
    try BlockFault.wrap { () throws(DiskError) in
      try AtomicReplace.write(bytes, to: path + "/tombstones", on: disk)
    }
    // From here on they count, also after a crash; the description only says how many there are.
    update([block.with(meta: meta, tombstones: tombstones)])
    try BlockFault.wrap { () throws(DiskError) in
      try AtomicReplace.write(meta.json, to: path + "/meta.json", on: disk)
    }
  }

  /// Notes in the block's description that it could not be compacted, so that it is left alone.
  func markFailed(_ block: Block) {
    var meta = block.meta
    meta.compaction.hasFailed = true
    update([block.with(meta: meta, tombstones: block.tombstones)])
    do throws(DiskError) {
      try AtomicReplace.write(meta.json, to: folder.path(meta.ulid) + "/meta.json", on: disk)
    } catch {
      log.warn(
        "A block that cannot be compacted could not be marked; it will be tried again after a restart",
        ["block": "\(meta.ulid)", "err": "\(error)"])
    }
  }
}
