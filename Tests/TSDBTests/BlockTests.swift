import Format
import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import TSDB

@Suite struct BlockTests {
  private static let root = "/blocks"
  private static let ulid = ULID(high: 1 << 60, low: 7)

  private func random(_ random: inout RandomSource, series: Int) -> PlainSamples {
    var all: PlainSamples = [:]
    for number in 0..<series {
      var pairs = [("__name__", "m\(random.below(4))"), ("host", "h\(number)")]
      if random.below(2) == 0 { pairs.append(("job", ["a", "b", "web", "öl"][random.below(4)])) }
      if random.below(3) == 0 { pairs.append(("zone", "z\(random.below(90))")) }
      var time = Int64(random.below(1_000_000)) - 500_000
      for _ in 0...random.below(200) {
        all[Labels(pairs), default: [:]][time] = Double(random.below(50)).bitPattern
        time += 1 + Int64(random.below(30_000))
      }
    }
    return all
  }

  private func written(_ samples: PlainSamples) throws -> SimulatedDisk {
    let disk = SimulatedDisk()
    try disk.makeDirectory(BlockTests.root)
    let meta = try BlockFixture.write(samples, to: BlockTests.root, on: disk, ulid: BlockTests.ulid)
    #expect(meta != nil)
    return disk
  }

  private func open(_ disk: SimulatedDisk) throws -> Block {
    try Block("\(BlockTests.root)/\(BlockTests.ulid)", on: disk)
  }

  /// What a block gives for matchers, read to the end.
  private func read(_ block: Block, _ matchers: [CompiledMatcher], _ range: ClosedRange<Int64>) throws -> PlainSamples {
    var all: PlainSamples = [:]
    var series = DecodedSeries()
    var samples = SeriesSamples()
    for reference in try block.select(matchers) {
      guard block.index.read(reference, into: &series), let labels = block.labels(series.labels) else { continue }
      samples.removeAll()
      block.read(series, reference, from: range.lowerBound, through: range.upperBound, into: &samples)
      var found: [Int64: UInt64] = [:]
      for index in 0..<samples.count where range.contains(samples.times[index]) {
        found[samples.times[index]] = samples.values[index]
      }
      all[labels] = found
    }
    return all
  }

  @Test("a block is read as it was written, whatever the matchers and the times")
  func roundTrip() throws {
    var source = RandomSource(for: "blocks")
    for _ in 0..<8 {
      let all = random(&source, series: 1 + source.below(150))
      let block = try open(try written(all))
      #expect(block.meta.stats.series == Int64(all.count))
      for _ in 0..<60 {
        let matchers = try (0...source.below(3)).map { _ in
          let name = ["__name__", "host", "job", "zone", "none"][source.below(5)]
          let value = ["", "m1", "h3", "a", "a|b", "h.*", ".*", ".+", "h1.?", "z8|", "öl", "[^a]*b", "m[0-2]"][
            source.below(13)]
          return try CompiledMatcher(
            Matcher([.equal, .notEqual, .regex, .notRegex][source.below(4)], name, value))
        }
        let first = Int64(source.below(4_000_000)) - 1_000_000
        let range = first...(first + Int64(source.below(3_000_000)))
        var wanted: PlainSamples = [:]
        for (labels, samples) in all where matchers.allSatisfy({ $0.matches(labels) }) {
          wanted[labels] = samples.filter { range.contains($0.key) }
        }
        let found = try read(block, matchers, range)
        let isSame = found == wanted
        #expect(isSame, "\(matchers.map(\.matcher))")
      }
    }
  }

  @Test("label names and values come in order, from any start")
  func values() throws {
    var source = RandomSource(seed: 11)
    let all = random(&source, series: 500)
    let block = try open(try written(all))
    var values: [String] = []
    block.forEachValue(of: "zone") {
      values.append(String(decoding: $0, as: UTF8.self))
      return true
    }
    var wanted: Set<String> = []
    for labels in all.keys {
      labels.withValue(of: "zone") { if let text = $0 { wanted.insert(String(decoding: text, as: UTF8.self)) } }
    }
    #expect(values == wanted.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
    for value in values {
      let name = try #require(Array("zone".utf8).withUnsafeBytes { block.index.table.place(of: $0) })
      #expect(Array(value.utf8).withUnsafeBytes { block.index.table.postings(name, $0) } != nil)
      #expect(Array((value + "x").utf8).withUnsafeBytes { block.index.table.postings(name, $0) } == nil)
    }
  }

  @Test("deleted times are not read")
  func deletions() throws {
    var source = RandomSource(seed: 12)
    let all = random(&source, series: 20)
    let block = try open(try written(all))
    let every = [try CompiledMatcher(Matcher(.regex, "host", ".+"))]
    var tombstones = Tombstones()
    for reference in try block.select(every) { tombstones.add(0...200_000, to: UInt64(reference)) }
    let found = try read(block.with(meta: block.meta, tombstones: tombstones), every, .min ... .max)
    #expect(found == all.mapValues { $0.filter { !(0...200_000).contains($0.key) } })
    #expect(try read(block, every, .min ... .max) == all)
  }

  @Test(
    "a file with any byte changed or cut off is refused, or read without harm",
    arguments: ["index", "meta.json", "tombstones", "chunks/000001"])
  func damage(name: String) throws {
    var source = RandomSource(seed: 13)
    let all = random(&source, series: 8)
    let disk = try written(all)
    let path = "\(BlockTests.root)/\(BlockTests.ulid)/\(name)"
    let whole = try disk.readFile(path)
    let every = [try CompiledMatcher(Matcher(.regex, "host", ".+"))]
    let some = [
      try CompiledMatcher(Matcher(.regex, "job", "a|web")), try CompiledMatcher(Matcher(.notEqual, "zone", "z1")),
    ]
    var refused = 0
    let steps = max(1, whole.count / 400)
    for place in Swift.stride(from: 0, to: whole.count, by: steps) {
      for isCut in [false, true] {
        var bytes = whole
        if isCut { bytes.removeLast(bytes.count - place) } else { bytes[place] ^= UInt8(1 << source.below(8)) }
        let file = try disk.open(path, .truncate)
        try bytes.withUnsafeBytes { bytes throws in try file.write(bytes, at: 0) }
        try file.close()
        do {
          let block = try open(disk)
          let found = try read(block, every, .min ... .max)
          _ = try read(block, some, -5...900_000)
          if block.foundDeletions.damage != nil || block.foundDescriptionDamage != nil { refused += 1 }
          if name == "chunks/000001" {
            // What is there is what was written.
            for (labels, samples) in found { for (time, bits) in samples { #expect(all[labels]?[time] == bits) } }
          }
        } catch is BlockError {
          refused += 1
        }
      }
    }
    #expect(refused > (name == "chunks/000001" ? 1 : 10))
  }

  @Test("a crash at any operation leaves no block or a whole one")
  func crashes() throws {
    var source = RandomSource(seed: 14)
    let all = random(&source, series: 30)
    let every = [try CompiledMatcher(Matcher(.regex, "host", ".+"))]
    var operations = 0
    do {
      let disk = SimulatedDisk()
      try disk.makeDirectory(BlockTests.root)
      try disk.syncDirectory("/")
      _ = try BlockFixture.write(all, to: BlockTests.root, on: disk, ulid: BlockTests.ulid)
      operations = disk.operationCount
    }
    #expect(operations > 10)
    var whole = 0
    for stop in 0...operations {
      for (number, kind) in SimulatedCrash.allCases.enumerated() {
        let disk = SimulatedDisk()
        disk.stop(afterOperation: stop)
        do {
          try disk.makeDirectory(BlockTests.root)
          try disk.syncDirectory("/")
          _ = try BlockFixture.write(all, to: BlockTests.root, on: disk, ulid: BlockTests.ulid)
        } catch is BlockError {
        } catch is DiskError {}
        disk.crash(kind, seed: UInt64(stop * 7 + number))
        guard (try? disk.list(BlockTests.root).contains("\(BlockTests.ulid)")) == true else { continue }
        whole += 1
        #expect(try read(try open(disk), every, .min ... .max) == all, "\(kind) after \(stop)")
      }
    }
    #expect(whole > 0)
  }
}
