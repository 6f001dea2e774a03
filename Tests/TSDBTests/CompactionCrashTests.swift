import Format
import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import TSDB

@Suite struct CompactionCrashTests {
  private let hour = BlockBench.hour

  private func data(_ from: Int64, _ to: Int64, value: UInt64) -> SeriesMap {
    var data: SeriesMap = [:]
    for number in 0..<2 {
      let labels = Labels([("__name__", "metric"), ("number", "\(number)")])
      for time in stride(from: from, to: to, by: 600_000) { data[labels, default: [:]][time] = value }
    }
    return data
  }

  /// Two blocks that overlap, and three that fill a range.
  private func bench() throws -> BlockBench {
    let bench = try BlockBench()
    for start in [0, 2, 4, 6] as [Int64] {
      try bench.write(
        data(start * hour, (start + 2) * hour, value: UInt64(start)), from: start * hour, to: (start + 2) * hour)
    }
    bench.clock.advance(milliseconds: 1)
    try bench.write(data(hour, 2 * hour, value: 0), from: hour, to: 2 * hour)
    return bench
  }

  private var options: CompactionOptions {
    var options = CompactionOptions()
    options.longestBlockMilliseconds = 6 * hour
    return options
  }

  /// Runs `work` on a fresh bench, once with each number of operations after which the machine goes down, and looks at what
  /// a start finds.
  private func crashEverywhere(
    _ kinds: [SimulatedCrash], _ work: (BlockBench, BlockSet, Compactor) throws -> Void,
    _ check: (BlockBench, BlockSet, _ message: String) throws -> Void
  ) throws {
    for kind in kinds {
      var step = 0
      while true {
        let bench = try bench()
        let (blocks, compactor) = try bench.open()
        let before = bench.disk.operationCount
        bench.disk.stop(afterOperation: before + step)
        // What it says is of no interest: the machine is on its way down.
        try? work(bench, blocks, compactor)
        let isOver = !bench.disk.isStopped
        bench.disk.crash(kind, seed: UInt64(step))
        let message = "\(kind) after \(step) operations"
        try check(bench, try bench.open().blocks, message)
        if isOver { break }
        step += 1
      }
      #expect(step > 20, "the work has steps to crash between")
    }
  }

  private func expectWhole(_ bench: BlockBench, _ blocks: BlockSet, _ expected: SeriesMap, _ message: String) throws {
    var found: SeriesMap = [:]
    for block in blocks.current.blocks {
      for (labels, samples) in try samples(of: block) { found[labels, default: [:]].merge(samples) { one, _ in one } }
    }
    let names = try bench.folders
    let isSame = found == expected
    #expect(isSame, "\(message)")
    #expect(names == blocks.current.blocks.map { "\($0.meta.ulid)" }.sorted(), "\(message)")
  }

  private var everything: SeriesMap {
    var all: SeriesMap = [:]
    for start in [0, 2, 4, 6] as [Int64] {
      for (labels, samples) in data(start * hour, (start + 2) * hour, value: UInt64(start)) {
        all[labels, default: [:]].merge(samples) { first, _ in first }
      }
    }
    return all
  }

  @Test("whenever the machine goes down within compactions, a start finds every sample and no rubbish")
  func compaction() throws {
    let expected = everything
    try crashEverywhere([.processOnly, .allLost, .prefixKept, .scattered]) { bench, _, compactor in
      while compactor.round(options, now: bench.now) {}
    } _: { bench, blocks, message in
      try expectWhole(bench, blocks, expected, message)
      // Only the overlap of the beginning may be left, never a block beside its child.
      #expect(blocks.current.blocks.count <= 5, "\(message)")
    }
  }

  @Test("whenever the machine goes down within a deletion, a start finds what was there, or less of what was to go")
  func deletion() throws {
    let all = everything
    let range = (hour / 2)...(5 * hour)
    let matchers = [try CompiledMatcher(Matcher(.equal, "number", "1"))]
    try crashEverywhere([.processOnly, .allLost, .scattered]) { _, blocks, _ in
      try blocks.delete(matchers, in: range)
    } _: { _, blocks, message in
      for (labels, samples) in all {
        var found: SampleMap = [:]
        for block in blocks.current.blocks {
          found.merge(try TSDBTests.samples(of: block)[labels] ?? [:]) { one, _ in one }
        }
        let isUntouched = samples.allSatisfy { time, value in
          found[time] == value || range.contains(time) && labels["number"] == "1" && found[time] == nil
        }
        #expect(isUntouched && found.count <= samples.count, "\(message)")
      }
    }
  }
}
