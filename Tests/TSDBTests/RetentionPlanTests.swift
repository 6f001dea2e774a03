import Model
import TestKit
import Testing

@testable import TSDB

@Suite struct RetentionPlanTests {
  private func blocks(_ rows: [(Int64, Int64, Int)]) -> [PlannedBlock] {
    rows.map { row in
      var block = PlannedBlock(minTime: row.0, maxTime: row.1)
      block.sizeBytes = row.2
      return block
    }
  }

  private func expired(_ rows: [(Int64, Int64, Int)], newest: Int64, kept: Int64) -> [Int] {
    RetentionPlan.make(blocks(rows), newestTime: newest, keptMilliseconds: kept, bytesMax: 0, otherBytes: 0).expired
  }

  private func oversized(_ rows: [(Int64, Int64, Int)], bytesMax: Int, otherBytes: Int) -> [Int] {
    RetentionPlan.make(
      blocks(rows), newestTime: 1000, keptMilliseconds: 0, bytesMax: bytesMax, otherBytes: otherBytes
    ).oversized
  }

  @Test("a block leaves when its youngest sample is too old, not earlier")
  func time() {
    let rows: [(Int64, Int64, Int)] = [(0, 100, 1), (100, 200, 1), (200, 300, 1)]
    #expect(expired(rows, newest: 300, kept: 0) == [])
    #expect(expired(rows, newest: 300, kept: 201) == [])
    #expect(expired(rows, newest: 300, kept: 200) == [0])
    #expect(expired(rows, newest: 300, kept: 100) == [0, 1])
    #expect(expired(rows, newest: 1000, kept: 100) == [0, 1, 2])
    #expect(expired(rows, newest: .min, kept: 100) == [])
  }

  @Test("the newest blocks stay while they fit beside the log; from the first that does not, all older ones leave")
  func size() {
    let rows: [(Int64, Int64, Int)] = [(200, 300, 10), (0, 100, 10), (100, 200, 30)]
    #expect(oversized(rows, bytesMax: 0, otherBytes: 99) == [])
    #expect(oversized(rows, bytesMax: 55, otherBytes: 5) == [])
    #expect(oversized(rows, bytesMax: 54, otherBytes: 5) == [1])
    #expect(oversized(rows, bytesMax: 44, otherBytes: 5) == [1, 2])
    #expect(oversized(rows, bytesMax: 14, otherBytes: 5) == [0, 1, 2])
    // Prometheus's rule, too: the small oldest one does not stay where a larger one before it had to go.
    #expect(oversized(rows, bytesMax: 25, otherBytes: 0) == [1, 2])
  }

  @Test("a percentage of the disk comes before a number of bytes, where the disk's size is known")
  func percentage() {
    let limits = RetentionLimits(sizeBytes: 7, diskPercentage: 12.5)
    #expect(limits.bytesMax(diskBytes: 1000) == 125)
    #expect(limits.bytesMax(diskBytes: 0) == 7)
    #expect(RetentionLimits(sizeBytes: 7).bytesMax(diskBytes: 1000) == 7)
    #expect(RetentionLimits().bytesMax(diskBytes: 1000) == 0)
  }

  private func rules(_ rows: [(Matcher, Int64)], other: Int64) throws -> RetentionRules {
    RetentionRules(
      try rows.map { RetentionRules.Rule([try CompiledMatcher($0.0)], milliseconds: $0.1) }, otherMilliseconds: other)
  }

  @Test("the first rule that matches a series decides, else the database's retention")
  func firstRule() throws {
    let rules = try rules(
      [
        (Matcher(.equal, "env", "dev"), 100), (Matcher(.regex, "env", "d.*"), 200),
        (Matcher(.equal, "env", "gold"), 900),
      ],
      other: 500)
    #expect(rules.milliseconds(of: Labels([("env", "dev")])) == 100)
    #expect(rules.milliseconds(of: Labels([("env", "demo")])) == 200)
    #expect(rules.milliseconds(of: Labels([("env", "gold")])) == 900)
    #expect(rules.milliseconds(of: Labels([("env", "prod")])) == 500)
    #expect(rules.longestMilliseconds == 900)
    #expect(rules.firstKeptTime(of: Labels([("env", "dev")]), newestTime: 1000) == 900)
    #expect(rules.expiredScopes(maxTime: 900, newestTime: 1000) == [.rule(0)])
    #expect(rules.expiredScopes(maxTime: 901, newestTime: 1000) == [])
    #expect(rules.expiredScopes(maxTime: 500, newestTime: 1000) == [.rule(0), .rule(1), .others])
  }

  @Test("without an end to the retention nothing expires but by a rule")
  func forEver() throws {
    let rules = try rules([(Matcher(.equal, "env", "dev"), 100)], other: 0)
    #expect(rules.longestMilliseconds == 0)
    #expect(rules.firstKeptTime(of: Labels([("env", "prod")]), newestTime: 1000) == .min)
    #expect(rules.firstKeptTime(of: Labels([("env", "dev")]), newestTime: 1000) == 900)
    #expect(rules.firstKeptTime(of: Labels([("env", "dev")]), newestTime: .min + 5) == .min)
    #expect(rules.expiredScopes(maxTime: 0, newestTime: 1000) == [.rule(0)])
  }

  @Test("the guard closes below its limit, opens a quarter above it, and does not flutter between")
  func freeSpace() {
    var space = FreeSpaceGuard()
    let steps: [(Int, FreeSpaceGuard.Change?)] = [
      (1000, nil), (100, nil), (99, .closed), (0, nil), (100, nil), (124, nil), (125, .opened), (100, nil),
      (99, .closed),
    ]
    for (free, change) in steps { #expect(space.update(freeBytes: free, freeBytesMin: 100) == change, "\(free)") }
    #expect(space.isClosed)
    #expect(space.update(freeBytes: 0, freeBytesMin: 0) == .opened)
    #expect(space.update(freeBytes: 0, freeBytesMin: 0) == nil)
  }
}
