import Format
import Platform

// The part of a database in the retention over all databases of a server (`TotalRetentionPlan`): it says what it has, is told what
// to drop, and drops it in its own next round.
extension Database {
  /// The blocks that are served, and their description for the plan. Touches no file: the bytes of logs and head chunks are those of
  /// the last round.
  func retentionMember() -> (blocks: [Block], member: TotalRetentionPlan.Member) {
    let served = blocks.current.blocks
    let planned = served.map { PlannedBlock($0.meta, sizeBytes: $0.sizeBytes) }
    return (served, TotalRetentionPlan.Member(planned, otherBytes: filesBytesKnown.load(ordering: .relaxed)))
  }

  /// Takes the place of what it was told before.
  func setDoomed(_ ulids: Set<ULID>) { doomed.withLock { $0 = ulids } }

  /// Drops what is to be dropped. Blocks that meanwhile became part of another stay: the next plan has that one.
  func dropDoomed() {
    if doomed.withLock({ $0.isEmpty }) { return }
    blocks.changeLock.withLock {
      let ulids = doomed.withLock { doomed in
        defer { doomed = [] }
        return doomed
      }
      let dropped = blocks.current.blocks.filter { ulids.contains($0.meta.ulid) }
      for block in dropped {
        log.warn(
          "A block leaves, one of the oldest of all workspaces, which together take more than apus.total_retention.size",
          [
            "block": "\(block.meta.ulid)", "bytes": "\(block.sizeBytes)", "mint": "\(block.meta.minTime)",
            "maxt": "\(block.meta.maxTime)",
          ])
      }
      blocks.metrics.totalRetentions.add(dropped.count)
      if !dropped.isEmpty { blocks.drop(dropped) }
    }
  }
}
