import Format

extension BlockMeta {
  /// Hints of Prometheus's blocks that hold only some of the series of their time.
  static let staleSeriesHint = "from-stale-series"
  static let selectedSeriesHint = "from-selected-series"

  /// The description of a block that is made of others; its numbers are still to be counted.
  ///
  /// A rewrite of one block stays on its level; a block of several is one level above the highest. Only what is made of
  /// late samples alone stays a block of late samples.
  package static func merged(_ parents: [BlockMeta], as ulid: ULID) -> BlockMeta {
    precondition(!parents.isEmpty, "a merged block has parents")
    var meta = BlockMeta(
      ulid: ulid, minTime: parents.map(\.minTime).min() ?? 0, maxTime: parents.map(\.maxTime).max() ?? 0)
    let level = parents.map(\.compaction.level).max() ?? 1
    meta.compaction.level = parents.count == 1 ? level : level + 1
    meta.compaction.sources = Set(parents.flatMap(\.compaction.sources)).sorted()
    meta.compaction.parents = parents.map { Parent(ulid: $0.ulid, minTime: $0.minTime, maxTime: $0.maxTime) }
    var hints: Set<String> = []
    for parent in parents {
      hints.formUnion(parent.compaction.hints.filter { $0 == staleSeriesHint || $0 == selectedSeriesHint })
    }
    if parents.allSatisfy(\.isLate) { hints.insert(lateHint) }
    meta.compaction.hints = hints.sorted()
    return meta
  }
}

extension PlannedBlock {
  package init(_ meta: BlockMeta, sizeBytes: Int = 0) {
    self.init(minTime: meta.minTime, maxTime: meta.maxTime)
    seriesCount = Int(meta.stats.series)
    tombstoneCount = Int(meta.stats.tombstones)
    self.sizeBytes = sizeBytes
    isFailed = meta.compaction.hasFailed
    if meta.compaction.hints.contains(BlockMeta.staleSeriesHint) {
      view = .staleSeries
    } else if meta.compaction.hints.contains(BlockMeta.selectedSeriesHint) {
      view = .selectedSeries
    }
  }
}
