/// The plan of which blocks are to become one next, as Prometheus makes it. Pure: the same blocks give the same plan.
///
/// Blocks that overlap come first. Then the oldest aligned range whose blocks can become one, shortest ranges first: it has
/// to be full, or to lie before the newest block, so that nothing more can come into it. Last a large block of which more
/// than a twentieth is deleted. The newest block is left out of the last two: whoever copies new blocks away has one
/// block's length of time for it.
package struct CompactionPlan: Sendable, Equatable {
  package enum Reason: Sendable { case overlap, range, tombstones }

  package var reason: Reason
  /// Positions in the list that was planned for, in the order of time.
  package var members: [Int]

  /// Tombstones per series above which a block is rewritten.
  private static let tombstoneShareMax = 0.05

  /// The next step; nil if there is none.
  package static func next(_ blocks: [PlannedBlock], _ ranges: CompactionRanges) -> CompactionPlan? {
    for view in PlannedBlock.View.allCases {
      let members = blocks.indices.filter { blocks[$0].view == view }
        .sorted { (blocks[$0].minTime, blocks[$0].maxTime, $0) < (blocks[$1].minTime, blocks[$1].maxTime, $1) }
      if let plan = next(members, of: blocks, ranges) { return plan }
    }
    return nil
  }

  private static func next(
    _ sorted: [Int], of blocks: [PlannedBlock], _ ranges: CompactionRanges
  ) -> CompactionPlan? {
    if sorted.isEmpty { return nil }
    if let members = overlapping(sorted, of: blocks) { return CompactionPlan(reason: .overlap, members: members) }
    let settled = Array(sorted.dropLast())
    if let members = fillingRange(settled, of: blocks, ranges) {
      return CompactionPlan(reason: .range, members: members)
    }
    if let member = mostlyDeleted(settled, of: blocks, ranges) {
      return CompactionPlan(reason: .tombstones, members: [member])
    }
    return nil
  }

  /// The first run of blocks each of which begins before all earlier ones have ended. One that cannot be compacted keeps
  /// its run as it is.
  private static func overlapping(_ sorted: [Int], of blocks: [PlannedBlock]) -> [Int]? {
    var run: [Int] = []
    var end = Int64.min
    for member in sorted {
      if !run.isEmpty && blocks[member].minTime >= end {
        if isMergeable(run, of: blocks) { return run }
        run = []
      }
      run.append(member)
      end = run.count == 1 ? blocks[member].maxTime : max(end, blocks[member].maxTime)
    }
    return isMergeable(run, of: blocks) ? run : nil
  }

  private static func fillingRange(_ settled: [Int], of blocks: [PlannedBlock], _ ranges: CompactionRanges) -> [Int]? {
    guard let newest = settled.last else { return nil }
    for range in ranges.milliseconds.dropFirst() {
      for members in split(settled, of: blocks, by: range) where isMergeable(members, of: blocks) {
        let start = blocks[members[0]].minTime
        let end = blocks[members[members.count - 1]].maxTime
        if end - start == range || end <= blocks[newest].minTime { return members }
      }
    }
    return nil
  }

  /// The blocks that lie in each aligned range. One that is longer, or lies across a border, belongs to none.
  private static func split(_ sorted: [Int], of blocks: [PlannedBlock], by range: Int64) -> [[Int]] {
    var groups: [[Int]] = []
    var start: Int64?
    for member in sorted {
      let block = blocks[member]
      if let start, block.maxTime <= start + range {
        groups[groups.count - 1].append(member)
        continue
      }
      let aligned = CompactionRanges.start(of: block.minTime, range: range)
      start = block.maxTime <= aligned + range ? aligned : nil
      if start != nil { groups.append([member]) }
    }
    return groups
  }

  /// The newest large block of which more than `tombstoneShareMax` is deleted. The search ends at the first smaller
  /// block, which it takes only if nothing is left of that.
  private static func mostlyDeleted(_ settled: [Int], of blocks: [PlannedBlock], _ ranges: CompactionRanges) -> Int? {
    let large = ranges.milliseconds[ranges.milliseconds.count / 2]
    for member in settled.reversed() {
      let block = blocks[member]
      if block.duration < large {
        if block.tombstoneCount > 0, block.tombstoneCount >= block.seriesCount, !block.isFailed { return member }
        return nil
      }
      let share = Double(block.tombstoneCount) / Double(block.seriesCount + 1)
      if share > tombstoneShareMax, !block.isFailed { return member }
    }
    return nil
  }

  private static func isMergeable(_ members: [Int], of blocks: [PlannedBlock]) -> Bool {
    members.count > 1 && !members.contains { blocks[$0].isFailed }
  }
}
