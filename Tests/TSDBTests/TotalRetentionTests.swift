import Format
import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import TSDB

@Suite struct TotalRetentionTests {
  private func limits(_ size: Int, spared: Int = 0) -> TotalRetention {
    var limits = TotalRetention()
    (limits.sizeBytes, limits.sparedBytes) = (size, spared)
    return limits
  }

  /// A database of blocks that end at these times and have these sizes.
  private func member(_ blocks: [(Int64, Int)], other: Int = 0) -> TotalRetentionPlan.Member {
    TotalRetentionPlan.Member(
      blocks.map { maxTime, size in
        var block = PlannedBlock(minTime: maxTime - 1, maxTime: maxTime)
        block.sizeBytes = size
        return block
      }, otherBytes: other)
  }

  @Test("the oldest blocks of all databases go until the rest fits, and none while all fits") func oldest() {
    let members = [
      member([(100, 10), (200, 10), (300, 10)]), member([(150, 10), (250, 10)]), member([(50, 10)], other: 5),
    ]
    #expect(TotalRetentionPlan.make(members, limits(0)).dropped == [[], [], []])
    #expect(TotalRetentionPlan.make(members, limits(65)).dropped == [[], [], []])
    #expect(TotalRetentionPlan.make(members, limits(64)).dropped == [[], [], [0]])
    #expect(TotalRetentionPlan.make(members, limits(35)).dropped == [[0], [0], [0]])
    let all = TotalRetentionPlan.make(members, limits(4))
    #expect(all.dropped == [[0, 1, 2], [0, 1], [0]] && all.bytes == 65 && all.bytesLeft == 5)
  }

  @Test("of equally old blocks the one of the database that takes the most goes") func ties() {
    let members = [member([(100, 10)]), member([(100, 10), (200, 40)]), member([(100, 10), (200, 30)])]
    #expect(TotalRetentionPlan.make(members, limits(99)).dropped == [[], [0], []])
    #expect(TotalRetentionPlan.make(members, limits(89)).dropped == [[], [0], [0]])
  }

  @Test("a database that takes no more than what is spared loses nothing") func spared() {
    let members = [member([(100, 10), (110, 10)]), member([(200, 30), (300, 30)])]
    #expect(TotalRetentionPlan.make(members, limits(50, spared: 20)).dropped == [[], [0]])
    let stuck = TotalRetentionPlan.make(members, limits(10, spared: 20))
    #expect(stuck.dropped == [[], [0, 1]] && stuck.bytesLeft == 20)
  }

  @Test("no plan leaves more than it must, takes from who is spared, or skips an older block") func histories() {
    var random = RandomSource(for: "total retention")
    for _ in 0..<300 {
      let members = (0..<Int.random(in: 1...5, using: &random)).map { _ in
        member(
          (0..<Int.random(in: 0...6, using: &random)).map { _ in
            (Int64.random(in: 1...20, using: &random), Int.random(in: 1...20, using: &random))
          }, other: Int.random(in: 0...10, using: &random))
      }
      let limits = limits(Int.random(in: 1...200, using: &random), spared: Int.random(in: 0...30, using: &random))
      let plan = TotalRetentionPlan.make(members, limits)
      let left = zip(members, plan.dropped).map { member, dropped in
        member.bytes - dropped.reduce(0) { $0 + member.blocks[$1].sizeBytes }
      }
      #expect(left.reduce(0, +) == plan.bytesLeft, "seed \(random.seed)")
      let newestDropped = zip(members, plan.dropped).flatMap { member, dropped in
        dropped.map { member.blocks[$0].maxTime }
      }.max()
      for ((member, dropped), bytes) in zip(zip(members, plan.dropped), left) {
        let kept = member.blocks.indices.filter { !dropped.contains($0) }
        if member.bytes <= limits.sparedBytes { #expect(dropped.isEmpty, "seed \(random.seed)") }
        let oldestKept = kept.map { member.blocks[$0].maxTime }.min()
        if bytes > limits.sparedBytes, let oldestKept, let newestDropped {
          #expect(oldestKept >= newestDropped, "seed \(random.seed)")
        }
        if plan.bytesLeft > limits.sizeBytes { #expect(kept.isEmpty || bytes <= limits.sparedBytes) }
      }
    }
  }

  // MARK: databases

  /// A database with a block for each of these hours. One test's own.
  private struct Site {
    static let freeBytesMin = 4096

    let bench: BlockBench
    let database: Database
    let registry = MetricsRegistry()
    let lines = LoggedLines()

    init(hours: [Int64], series: Int = 1) throws {
      bench = try BlockBench()
      var map: SeriesMap = [:]
      for place in 0..<series { map[Labels([("__name__", "m"), ("n", "\(place)")])] = [:] }
      for hour in hours {
        for labels in map.keys { map[labels] = [hour * BlockBench.hour: 1] }
        try bench.write(map, from: hour * BlockBench.hour, to: (hour + 2) * BlockBench.hour)
      }
      let log = Log(level: .info, format: .logfmt) { [lines] in lines.append($0) }
      var options = DatabaseOptions(directory: BlockBench.root)
      options.retentionMilliseconds = 0
      options.freeBytesMin = Site.freeBytesMin
      database = try Database.open(options, disk: bench.disk, clock: bench.clock, log: log, registry: registry)
      try database.restore()
    }

    var hours: [Int64] { database.blocks.current.blocks.map { $0.meta.minTime / BlockBench.hour } }
    var bytes: Int { database.blocks.current.sizeBytes }
  }

  @Test("three databases together keep to the limit: the oldest blocks of all leave, each told in a line")
  func databases() throws {
    let clock = SimulatedClock(nowMilliseconds: 1000 * BlockBench.hour)
    let work = try SharedWork(clock: clock, databasesMax: 3)
    defer { work.stop() }
    let sites = [
      try Site(hours: [700, 710, 720]), try Site(hours: [690, 715], series: 3), try Site(hours: [600], series: 2),
    ]
    for site in sites { try site.database.start(on: work) }
    defer { for site in sites { site.database.close() } }
    /// Lets the rounds that the shared threads would begin come now.
    func round() {
      work.enforceTotalRetention()
      for site in sites {
        var state = CompactionTask.State()
        CompactionTask.round(site.database, &state)
      }
    }
    round()
    let all = sites.reduce(0) { $0 + $1.bytes }
    #expect(sites.map(\.hours) == [[700, 710, 720], [690, 715], [600]])
    let told = LoggedLines()
    let log = Log(level: .warn, format: .logfmt) { told.append($0) }
    work.reconfigure(limits(all - 1), log: log)
    round()
    #expect(sites.map(\.hours) == [[700, 710, 720], [690, 715], []])
    #expect(work.totalRetention.bytesMax == all - 1 && work.totalRetention.bytes >= all)
    let rest = sites.reduce(0) { $0 + $1.bytes }
    work.reconfigure(limits(rest - sites[1].bytes / 2, spared: sites[0].bytes), log: log)
    round()
    // The first one is spared, though its block is older than the next of the second.
    #expect(sites.map(\.hours) == [[700, 710, 720], [715], []])
    #expect(sites[1].registry.counter("apus_blocks_dropped_by_total_retention_total", "").value == 1)
    let lines = sites[1].lines.all.filter { $0.contains("apus.total_retention.size") }
    #expect(lines.count == 1 && lines[0].contains("bytes="), "\(lines)")
    #expect(told.all.isEmpty)
    #expect(try sites[2].bench.folders.allSatisfy { ULID($0) == nil })
  }

  @Test("a limit that cannot be kept is told once; room that it makes lets a full disk take writes again")
  func limitsOfTheDisk() throws {
    let lines = LoggedLines()
    let log = Log(level: .warn, format: .logfmt) { lines.append($0) }
    let site = try Site(hours: [700, 710], series: 50)
    let work = try SharedWork(clock: site.bench.clock, databasesMax: 1)
    defer { work.stop() }
    var rounds = DatabaseRounds(site.database)
    site.bench.disk.setFreeBytes(Site.freeBytesMin - 100)
    rounds.maintain()
    #expect(!site.database.isWritable)
    let (_, member) = site.database.retentionMember()
    let plan = TotalRetentionPlan.make([member], limits(1))
    #expect(plan.dropped == [[0, 1]])
    site.database.setDoomed(Set(site.database.blocks.current.blocks.map(\.meta.ulid)))
    rounds.compact()
    #expect(site.hours.isEmpty)
    rounds.maintain()
    #expect(site.database.isWritable)

    work.add(site.database)
    site.database.filesBytesKnown.store(5000, ordering: .relaxed)
    work.reconfigure(limits(1000), log: log)
    work.enforceTotalRetention()
    work.enforceTotalRetention()
    site.bench.clock.advance(milliseconds: 61_000)
    work.enforceTotalRetention()
    #expect(lines.all.filter { $0.contains("have no more blocks that may go") && $0.contains("bytes=5000") }.count == 1)
    work.remove(site.database)
  }
}
