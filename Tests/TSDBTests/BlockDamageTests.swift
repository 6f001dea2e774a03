import Format
import Model
import Platform
import TestKit
import Testing

@testable import TSDB

/// Damage of blocks as a database meets it.
@Suite struct BlockDamageTests {
  @Test("a block whose description has numbers that cannot be is set aside, and the others are compacted")
  func impossibleDescriptions() throws {
    let hour = BlockBench.hour
    let changes: [(inout BlockMeta) -> Void] = [
      { $0.minTime = .min }, { $0.maxTime = .max }, { ($0.minTime, $0.maxTime) = (.min, .min) },
      { ($0.minTime, $0.maxTime) = (.min + 1, .min + 2) }, { ($0.minTime, $0.maxTime) = (.max - 1, .max) },
      { $0.stats.series = .max }, { $0.stats.series = -1 }, { $0.stats.samples = .max }, { $0.stats.tombstones = .max },
    ]
    for (number, change) in changes.enumerated() {
      let bench = try BlockBench()
      for start in [0, 2, 4, 6, 8] as [Int64] {
        let data: SeriesMap = [Labels([("__name__", "metric")]): [start * hour: 1, start * hour + 5: 2]]
        var meta = try bench.write(data, from: start * hour, to: (start + 2) * hour)
        if start != 2 { continue }
        let path = "\(BlockBench.root)/\(meta.ulid)/meta.json"
        change(&meta)
        let file = try bench.disk.open(path, .truncate)
        try meta.json.withUnsafeBytes { bytes throws in try file.write(bytes, at: 0) }
        try file.close()
      }
      let (blocks, compactor) = try bench.open()
      while compactor.round(CompactionOptions(), now: bench.now) {}
      #expect(blocks.metrics.setAside.value == 1, "change \(number)")
      #expect(try samples(of: blocks.current)?.values.first?.count == 8, "change \(number)")
    }
  }

  /// A database over one block of 20 series, with some bytes of the index changed.
  private func database(_ setup: DatabaseSetup, changing place: (IndexContents) -> Int) throws -> Database {
    let root = setup.options.directory
    let ulid = ULID(high: 1 << 60, low: 7)
    var samples: PlainSamples = [:]
    for number in 0..<20 {
      samples[Labels([("__name__", "m"), ("host", "h\(number)")])] = [DatabaseSetup.epoch: 1]
    }
    try setup.disk.makeDirectories(root)
    _ = try BlockFixture.write(samples, to: root, on: setup.disk, ulid: ulid)
    let path = "\(root)/\(ulid)/index"
    var index = try setup.disk.readFile(path)
    index[try index.withUnsafeBytes { place(try IndexContents($0)) }] ^= 1
    let file = try setup.disk.open(path, .truncate)
    try index.withUnsafeBytes { bytes throws in try file.write(bytes, at: 0) }
    try file.close()
    return try setup.open()
  }

  private func told(_ setup: DatabaseSetup) -> Int { setup.kept.lines.count { $0.contains("level=ERROR") } }

  @Test("a damaged series is missing from answers, counted each time and told once")
  func series() throws {
    let setup = DatabaseSetup()
    // The first series begins at the first multiple of 16.
    let database = try database(setup) { ($0.series + 15) / 16 * 16 + 2 }
    let all = [try CompiledMatcher(Matcher(.equal, "__name__", "m"))]
    for round in 1...3 as ClosedRange<UInt64> {
      let selection = try database.select(all, from: .min, through: .max)
      #expect(selection.count == 19)
      #expect(database.blocks.metrics.unreadable.value == round)
      #expect(told(setup) == 1, "\(setup.kept.lines)")
    }
  }

  @Test("a block that cannot be searched is missing from answers, counted each time and told once")
  func lists() throws {
    let setup = DatabaseSetup()
    // Within the list of all series, which is the first.
    let database = try database(setup) { ($0.postings + 3) / 4 * 4 + 9 }
    let none = [try CompiledMatcher(Matcher(.equal, "zone", ""))]
    for round in 1...3 as ClosedRange<UInt64> {
      #expect(try database.select(none, from: .min, through: .max).count == 0)
      #expect(database.blocks.metrics.unreadable.value == round)
      #expect(told(setup) == 1, "\(setup.kept.lines)")
    }
  }
}
