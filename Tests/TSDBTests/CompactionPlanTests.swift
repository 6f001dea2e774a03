import TestKit
import Testing

@testable import TSDB

@Suite struct CompactionPlanTests {
  /// Ranges of 20, 60, 240 would not rise threefold; 20, 60, 180, 540 do.
  private let ranges = CompactionRanges(shortest: 20, longest: 600)

  private func blocks(_ times: [(Int64, Int64)]) -> [PlannedBlock] {
    times.map { PlannedBlock(minTime: $0.0, maxTime: $0.1) }
  }

  private func plan(_ times: [(Int64, Int64)]) -> [Int]? { CompactionPlan.next(blocks(times), ranges)?.members }

  @Test("ranges grow threefold from two hours to a tenth of the retention, at most 31 days")
  func growth() {
    let hour: Int64 = 3_600_000
    let cases: [(days: Int64, hours: [Int64])] = [
      (1, [2]), (2, [2]), (3, [2, 6]), (15, [2, 6, 18]), (30, [2, 6, 18, 54]), (90, [2, 6, 18, 54, 162]),
      (0, [2, 6, 18, 54, 162, 486]), (3650, [2, 6, 18, 54, 162, 486]),
    ]
    for (days, hours) in cases {
      let ranges = CompactionRanges(retentionMilliseconds: days * 24 * hour)
      #expect(ranges.milliseconds == hours.map { $0 * hour }, "\(days) days")
    }
  }

  @Test("an aligned range starts at or before its times, also before 1970")
  func alignment() {
    for (time, start) in [(0, 0), (19, 0), (20, 20), (-1, -20), (-20, -20), (-21, -40)] as [(Int64, Int64)] {
      #expect(CompactionRanges.start(of: time, range: 20) == start)
    }
  }

  @Test("the table of plans")
  func table() {
    #expect(plan([]) == nil)
    #expect(plan([(0, 20)]) == nil)
    // Two in an unfinished range.
    #expect(plan([(0, 20), (20, 40), (40, 60)]) == nil)
    // A full range, and something newer.
    #expect(plan([(0, 20), (20, 40), (40, 60), (60, 80)]) == [0, 1, 2])
    // In any order of the list.
    #expect(plan([(60, 80), (40, 60), (0, 20), (20, 40)]) == [2, 3, 1])
    // With a gap, when the newest settled block lies behind the range.
    #expect(plan([(0, 20), (40, 60), (60, 80)]) == [0, 1])
    #expect(plan([(20, 40), (40, 60), (60, 80)]) == nil)
    #expect(plan([(20, 40), (40, 60), (60, 80), (80, 100)]) == [0, 1])
    // The oldest range first, the shortest length first.
    #expect(plan([(0, 60), (60, 120), (120, 180), (180, 200), (200, 220), (220, 240), (240, 260)]) == [3, 4, 5])
    #expect(plan([(0, 60), (60, 120), (120, 180), (180, 200), (200, 220)]) == [0, 1, 2])
    // A block across a border, or a longer one, belongs to no range.
    #expect(plan([(10, 30), (30, 50), (60, 80), (80, 100)]) == [0, 1])
    #expect(plan([(0, 20), (50, 70), (80, 100), (100, 120), (120, 140)]) == nil)
    #expect(plan([(0, 20), (50, 70), (80, 100), (100, 120), (120, 140), (140, 160)]) == [2, 3])
    #expect(plan([(0, 600), (600, 620), (620, 640), (640, 660), (660, 680)]) == [1, 2, 3])
    // Longest blocks stay as they are.
    #expect(plan([(0, 540), (540, 1080), (1080, 1100)]) == nil)
  }

  @Test("blocks that overlap come first, the newest too, the oldest run alone")
  func overlaps() {
    #expect(plan([(0, 20), (19, 40)]) == [0, 1])
    #expect(plan([(0, 20), (20, 40), (30, 50)]) == [1, 2])
    #expect(plan([(0, 100), (10, 20), (30, 40), (100, 120)]) == [0, 1, 2])
    #expect(plan([(0, 20), (10, 30), (25, 40), (50, 60), (55, 70)]) == [0, 1, 2])
    #expect(plan([(0, 20), (0, 20)]) == [0, 1])
  }

  @Test("what has failed is left alone, in a range, among overlapping ones and when deleted")
  func failures() {
    var range = blocks([(0, 20), (20, 40), (40, 60), (60, 80), (80, 100), (100, 120), (120, 140)])
    range[1].isFailed = true
    #expect(CompactionPlan.next(range, ranges)?.members == [3, 4, 5])
    var overlapping = blocks([(0, 20), (10, 30), (40, 60), (50, 70)])
    overlapping[0].isFailed = true
    #expect(CompactionPlan.next(overlapping, ranges)?.members == [2, 3])
    var deleted = blocks([(0, 180), (180, 360)])
    deleted[0].tombstoneCount = 50
    deleted[0].seriesCount = 100
    #expect(CompactionPlan.next(deleted, ranges)?.reason == .tombstones)
    deleted[0].isFailed = true
    #expect(CompactionPlan.next(deleted, ranges) == nil)
  }

  @Test("a large block is rewritten when more than a twentieth is deleted, a small one only when all of it is")
  func tombstones() {
    func next(_ times: [(Int64, Int64)], tombstones: Int, series: Int) -> [Int]? {
      var blocks = blocks(times)
      blocks[0].tombstoneCount = tombstones
      blocks[0].seriesCount = series
      return CompactionPlan.next(blocks, ranges)?.members
    }
    #expect(next([(0, 540), (540, 720)], tombstones: 10, series: 10) == [0])
    #expect(next([(0, 540), (540, 720)], tombstones: 6, series: 100) == [0])
    #expect(next([(0, 540), (540, 720)], tombstones: 5, series: 100) == nil)
    #expect(next([(0, 20), (20, 40)], tombstones: 9, series: 10) == nil)
    #expect(next([(0, 20), (20, 40)], tombstones: 10, series: 10) == [0])
    // The newest never.
    #expect(next([(0, 540)], tombstones: 10, series: 10) == nil)
  }

  @Test("blocks of part of the series are merged among themselves only")
  func views() {
    var mixed = blocks([(0, 20), (0, 20), (0, 20), (20, 40)])
    mixed[1].view = .staleSeries
    mixed[2].view = .selectedSeries
    #expect(CompactionPlan.next(mixed, ranges) == nil)
    mixed[2].view = .staleSeries
    #expect(CompactionPlan.next(mixed, ranges)?.members == [1, 2])
  }

  @Test("following the plans ends, keeps every block's time covered, and leaves no overlap")
  func settling() {
    var random = RandomSource(for: "following the plans")
    for round in 0..<400 {
      var blocks = randomBlocks(&random)
      let covered = blocks.map { ($0.minTime, $0.maxTime) }
      var steps = 0
      while let plan = CompactionPlan.next(blocks, ranges) {
        steps += 1
        guard steps < 200, plan.reason == .tombstones || plan.members.count > 1 else {
          Issue.record("seed \(random.seed) round \(round): \(plan)")
          return
        }
        let parents = plan.members.map { blocks[$0] }
        var child = PlannedBlock(
          minTime: parents.map(\.minTime).min() ?? 0, maxTime: parents.map(\.maxTime).max() ?? 0)
        child.seriesCount = parents.map(\.seriesCount).max() ?? 0
        if plan.reason == .range {
          let isOneRange = ranges.milliseconds.contains {
            CompactionRanges.start(of: child.minTime, range: $0) + $0 >= child.maxTime
          }
          #expect(isOneRange, "seed \(random.seed) round \(round)")
        }
        blocks = blocks.indices.filter { !plan.members.contains($0) }.map { blocks[$0] } + [child]
      }
      let sorted = blocks.sorted { $0.minTime < $1.minTime }
      let isDisjoint = zip(sorted, sorted.dropFirst()).allSatisfy { $0.maxTime <= $1.minTime }
      let isCovered = covered.allSatisfy { old in
        blocks.contains { $0.minTime <= old.0 && old.1 <= $0.maxTime }
      }
      #expect(isDisjoint && isCovered, "seed \(random.seed) round \(round)")
    }
  }

  private func randomBlocks(_ random: inout RandomSource) -> [PlannedBlock] {
    (0..<random.below(25)).map { _ in
      let isAligned = random.below(4) > 0
      let start = Int64(random.below(60) - 20) * 20 + (isAligned ? 0 : Int64(random.below(20)))
      let length = isAligned ? ranges.milliseconds[random.below(3)] : Int64(1 + random.below(70))
      var block = PlannedBlock(minTime: start, maxTime: start + length)
      block.seriesCount = random.below(20)
      block.tombstoneCount = random.below(3) == 0 ? random.below(20) : 0
      return block
    }
  }
}
