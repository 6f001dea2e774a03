import Format
import Model
import Platform
import PlatformSimulation
import Synchronization
import TestKit
import Testing

@testable import TSDB

@Suite struct CompactionRoundTests {
  private let hour = BlockBench.hour

  private func series(_ number: Int, _ more: [(name: String, value: String)] = []) -> Labels {
    Labels([("__name__", "metric"), ("number", "\(number)")] + more)
  }

  /// One sample a minute of a few series.
  private func data(_ from: Int64, _ to: Int64, series count: Int = 3, value: UInt64 = 7) -> SeriesMap {
    var data: SeriesMap = [:]
    for number in 0..<count {
      for time in stride(from: from, to: to, by: 60_000) {
        data[series(number), default: [:]][time + Int64(number)] = value &+ UInt64(time % 5)
      }
    }
    return data
  }

  private func union(_ maps: [SeriesMap]) -> SeriesMap {
    maps.reduce(into: [:]) { all, map in
      for (labels, samples) in map { all[labels, default: [:]].merge(samples) { first, _ in first } }
    }
  }

  private var options: CompactionOptions {
    var options = CompactionOptions()
    options.longestBlockMilliseconds = 100 * hour
    return options
  }

  private func settle(_ compactor: Compactor, _ options: CompactionOptions, _ bench: BlockBench) {
    for _ in 0..<50 where !compactor.round(options, now: bench.now) { return }
    Issue.record("compaction does not end")
  }

  @Test("a day of two-hour blocks becomes aligned ones with the same samples and a true description")
  func day() throws {
    let bench = try BlockBench()
    var parts: [SeriesMap] = []
    var sources: [ULID] = []
    for start in stride(from: 0, to: 24 * hour, by: Int(2 * hour)) {
      parts.append(data(Int64(start), Int64(start) + 2 * hour))
      sources.append(try bench.write(parts[parts.count - 1], from: Int64(start), to: Int64(start) + 2 * hour).ulid)
    }
    let (blocks, compactor) = try bench.open()
    settle(compactor, options, bench)
    let metas = blocks.current.blocks.map(\.meta)
    #expect(metas.map { $0.minTime / hour } == [0, 18, 20, 22] && metas.map { $0.maxTime / hour } == [18, 20, 22, 24])
    #expect(metas[0].compaction.level == 3 && metas[0].compaction.sources == Array(sources[0..<9]))
    #expect(metas[0].compaction.parents.map { $0.minTime / hour } == [0, 6, 12])
    #expect(metas[0].stats.samples == 3 * 18 * 60 && metas[0].stats.series == 3)
    // Of three chunks of 120 minutes in a row two become one.
    #expect(metas[0].stats.chunks == 18)
    #expect(try samples(of: blocks.current) == union(parts))
    #expect(try bench.folders == metas.map { "\($0.ulid)" }.sorted())
    // A restart finds the same.
    let again = try bench.open().blocks
    #expect(again.current.blocks.map(\.meta) == metas)
    #expect(try samples(of: again.current) == union(parts))
  }

  @Test("blocks that overlap become one, each time once, late ones too")
  func overlap() throws {
    let bench = try BlockBench()
    let one = data(0, 2 * hour)
    let two = data(hour, 3 * hour, series: 5, value: 99)
    try bench.write(one, from: 0, to: 2 * hour)
    bench.clock.advance(milliseconds: 1)
    try bench.write(two, from: hour, to: 3 * hour, hints: [BlockMeta.lateHint])
    let (blocks, compactor) = try bench.open()
    #expect(compactor.round(options, now: bench.now))
    #expect(blocks.current.blocks.count == 1)
    #expect(blocks.current.blocks[0].meta.compaction.hints == [])
    #expect(try samples(of: blocks.current) == union([one, two]))
    #expect(blocks.metrics.overlapsCompacted.value == 1 && blocks.metrics.compactions.value == 1)
  }

  @Test("a reader that holds the old blocks reads on when their folders are gone")
  func oldSnapshot() throws {
    let bench = try BlockBench()
    let one = data(0, 2 * hour)
    try bench.write(one, from: 0, to: 2 * hour)
    try bench.write(one, from: 0, to: 2 * hour)
    let (blocks, compactor) = try bench.open()
    let old = blocks.current
    #expect(compactor.round(options, now: bench.now))
    #expect(try bench.folders.count == 1 && old.blocks.count == 2)
    for block in old.blocks { #expect(try samples(of: block) == one) }
  }

  @Test("deleted samples are gone at once, after a restart, and from the files once the blocks are rewritten")
  func deletion() throws {
    let bench = try BlockBench()
    let all = data(0, 2 * hour)
    try bench.write(all, from: 0, to: 2 * hour)
    try bench.write(data(2 * hour, 4 * hour), from: 2 * hour, to: 4 * hour)
    let head = TestHead()
    let (blocks, compactor) = try bench.open()
    let admin = BlockAdministration(
      blocks, compactor: compactor, head: head, directory: "/data/snapshots", clock: bench.clock)
    let old = blocks.current
    try admin.delete([try CompiledMatcher(Matcher(.equal, "number", "1"))], in: (hour / 2)...(3 * hour))
    var expected = union([all, data(2 * hour, 4 * hour)])
    expected[series(1)] = expected[series(1)]?.filter { $0.key < hour / 2 || $0.key > 3 * hour }
    #expect(try samples(of: blocks.current) == expected)
    #expect(try samples(of: old) == union([all, data(2 * hour, 4 * hour)]))
    #expect(head.deletions == [(hour / 2)...(3 * hour)])
    #expect(blocks.current.blocks.map(\.meta.stats.tombstones) == [1, 1])
    let again = try bench.open().blocks
    #expect(try samples(of: again.current) == expected)

    try admin.cleanTombstones()
    #expect(try samples(of: blocks.current) == expected)
    #expect(blocks.current.blocks.allSatisfy { $0.tombstones.isEmpty && $0.meta.compaction.level == 1 })
    #expect(
      blocks.current.blocks.map(\.meta.stats.samples).reduce(0, +) == Int64(expected.values.map(\.count).reduce(0, +)))
    // What is deleted whole leaves no block behind.
    try admin.delete([try CompiledMatcher(Matcher(.regex, "number", ".*"))], in: .min ... .max)
    try admin.cleanTombstones()
    #expect(blocks.current.blocks.isEmpty)
    #expect(try bench.folders == [])
  }

  @Test("a snapshot shares the files, keeps what it had, and opens as a database of its own")
  func snapshot() throws {
    let bench = try BlockBench()
    let all = data(0, 2 * hour)
    try bench.write(all, from: 0, to: 2 * hour)
    let head = TestHead()
    let (blocks, compactor) = try bench.open()
    let admin = BlockAdministration(
      blocks, compactor: compactor, head: head, directory: "/data/snapshots", clock: bench.clock)
    let used = bench.disk.usedBytes
    let name = try admin.snapshot(skipsHead: true).name
    #expect(name.count == 33 && name.hasPrefix("1970") && name.dropFirst(15).hasPrefix("Z-"))
    #expect(bench.disk.usedBytes == used && head.written.isEmpty)
    let second = try admin.snapshot(skipsHead: false).name
    #expect(head.written == ["/data/snapshots/" + second + ".tmp-for-creation"])
    try admin.delete([try CompiledMatcher(Matcher(.equal, "__name__", "metric"))], in: .min ... .max)
    try admin.cleanTombstones()
    #expect(try samples(of: blocks.current) == [:])
    let copy = BlockSet(
      "/data/snapshots/" + name, quarantine: "/data/q", disk: bench.disk,
      log: Log(level: .error, format: .json) { _ in },
      registry: MetricsRegistry())
    try copy.load()
    #expect(try samples(of: copy.current) == all)
  }

  @Test("time and size decide which blocks leave, and the files leave with them")
  func retention() throws {
    let bench = try BlockBench()
    for start in [0, 20, 40, 60] as [Int64] {
      try bench.write(data(start * hour, (start + 2) * hour), from: start * hour, to: (start + 2) * hour)
    }
    let (blocks, compactor) = try bench.open()
    var options = options
    options.rules = RetentionRules(otherMilliseconds: 39 * hour)
    compactor.round(options, now: bench.now)
    #expect(blocks.current.blocks.map { $0.meta.minTime / hour } == [40, 60])
    #expect(blocks.metrics.timeRetentions.value == 1)
    options.limits.sizeBytes = blocks.current.sizeBytes - 1
    compactor.round(options, now: bench.now)
    #expect(blocks.current.blocks.map { $0.meta.minTime / hour } == [60])
    #expect(blocks.metrics.sizeRetentions.value == 1)
    options.headBytes = blocks.current.sizeBytes
    compactor.round(options, now: bench.now)
    #expect(try bench.folders == [])
  }

  @Test("a rule takes its series out of a block once all of them there have expired, and longer rules keep theirs")
  func rules() throws {
    let bench = try BlockBench()
    func part(_ start: Int64) -> SeriesMap {
      var part: SeriesMap = [:]
      for env in ["dev", "gold", "prod"] {
        for labels in [series(0, [("env", env)]), series(1, [("env", env)])] {
          for time in stride(from: start * hour, to: (start + 2) * hour, by: 600_000) {
            part[labels, default: [:]][time] = 1
          }
        }
      }
      return part
    }
    for start in [0, 10, 20, 30] as [Int64] { try bench.write(part(start), from: start * hour, to: (start + 2) * hour) }
    let (blocks, compactor) = try bench.open()
    var options = options
    options.longestBlockMilliseconds = 2 * hour
    func rule(_ env: String, _ hours: Int64) throws -> RetentionRules.Rule {
      RetentionRules.Rule([try CompiledMatcher(Matcher(.equal, "env", env))], milliseconds: hours * hour)
    }
    options.rules = RetentionRules([try rule("dev", 15), try rule("gold", 1000)], otherMilliseconds: 25 * hour)
    for _ in 0..<10 { compactor.round(options, now: bench.now) }
    // The newest sample is at 31:50. dev keeps what ends after 16:50, the others after 6:50, gold everything.
    let left = try #require(try samples(of: blocks.current))
    func starts(_ env: String) -> [Int64] {
      Set((left[series(0, [("env", env)])] ?? [:]).keys.map { $0 / (10 * hour) * 10 }).sorted()
    }
    #expect(starts("dev") == [20, 30] && starts("prod") == [10, 20, 30] && starts("gold") == [0, 10, 20, 30])
    #expect(blocks.metrics.rewrittenByRule.value == 2)
    // Nothing is rewritten twice.
    let before = blocks.current.blocks.map(\.meta.ulid)
    for _ in 0..<5 { compactor.round(options, now: bench.now) }
    #expect(blocks.current.blocks.map(\.meta.ulid) == before)
  }

  @Test("after an error of the disk everything is served as before, the next attempt waits, and then succeeds")
  func diskError() throws {
    let bench = try BlockBench()
    let all = data(0, 2 * hour)
    try bench.write(all, from: 0, to: 2 * hour)
    try bench.write(all, from: 0, to: 2 * hour)
    let (blocks, compactor) = try bench.open()
    bench.disk.inject(SimulatedFault(code: 5) { operation, path in operation == .sync && path.hasSuffix("/index") })
    #expect(!compactor.round(options, now: bench.now))
    #expect(blocks.current.blocks.count == 2 && blocks.metrics.compactionsFailed.value == 1)
    #expect(try bench.folders.count == 2)
    #expect(blocks.current.blocks.allSatisfy { !$0.meta.compaction.hasFailed })
    bench.disk.removeFaults()
    #expect(!compactor.round(options, now: bench.now + 59_000))
    #expect(compactor.round(options, now: bench.now + 60_000))
    #expect(try samples(of: blocks.current) == all)
  }

  @Test("a compaction that would not fit on the disk is not begun")
  func fullDisk() throws {
    let bench = try BlockBench()
    try bench.write(data(0, 2 * hour), from: 0, to: 2 * hour)
    try bench.write(data(0, 2 * hour), from: 0, to: 2 * hour)
    let (blocks, compactor) = try bench.open()
    bench.disk.setFreeBytes(blocks.current.sizeBytes - 1)
    let count = bench.disk.operationCount
    #expect(!compactor.round(options, now: bench.now))
    #expect(bench.disk.operationCount == count && blocks.metrics.compactionsFailed.value == 1)
  }

  @Test("deletions within chunks that stay whole are kept, and do not make a block be rewritten again and again")
  func keptDeletions() throws {
    let bench = try BlockBench()
    let labels = series(1)
    let times = (0..<100).map { Int64($0) * 3 * hour / 100 }
    // Of an encoding that nothing here decodes; the index alone knows its times.
    try bench.write(
      [labels: Dictionary(uniqueKeysWithValues: times.map { ($0, 1) })], from: 0, to: 100 * hour, encoding: 3)
    try bench.write(data(100 * hour, 102 * hour), from: 100 * hour, to: 102 * hour)
    let (blocks, compactor) = try bench.open()
    try blocks.delete([try CompiledMatcher(Matcher(.equal, "number", "1"))], in: 0...hour)
    settle(compactor, options, bench)
    let first = try #require(blocks.current.blocks.first)
    #expect(first.meta.stats.histogramSamples == 100 && first.tombstones.count == 1)
    #expect(try first.tombstones.intervals(of: UInt64(first.allSeries()[0])) == [0...hour])
    // What has no time left leaves.
    try blocks.delete([try CompiledMatcher(Matcher(.equal, "number", "1"))], in: 0...(50 * hour))
    try compactor.rewrite(first.with(meta: first.meta, tombstones: blocks.current.blocks[0].tombstones))
    #expect(blocks.current.blocks.count == 1)
  }

  @Test("a stop breaks a compaction off without a trace")
  func stopped() throws {
    let bench = try BlockBench()
    try bench.write(data(0, 2 * hour), from: 0, to: 2 * hour)
    try bench.write(data(0, 2 * hour), from: 0, to: 2 * hour)
    let (blocks, _) = try bench.open()
    var asked = 0
    let merge = BlockMerge(blocks.current.blocks, now: bench.now) {
      asked += 1
      return asked == 3
    }
    #expect(throws: BlockError.stopped) { try merge.run(in: BlockBench.root, on: bench.disk) }
    #expect(try bench.folders.count == 2)
  }
}

/// A head that only notes what it is asked to do.
final class TestHead: HeadAdmin {
  private let notes = Mutex<(deletions: [ClosedRange<Int64>], written: [String])>(([], []))

  var deletions: [ClosedRange<Int64>] { notes.withLock { $0.deletions } }
  var written: [String] { notes.withLock { $0.written } }

  func delete(_ matchers: [CompiledMatcher], in range: ClosedRange<Int64>) {
    notes.withLock { $0.deletions.append(range) }
  }
  func writeBlock(into directory: String) -> HeadCopy {
    notes.withLock { $0.written.append(directory) }
    return HeadCopy()
  }
}
