import Format
import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import TSDB

/// A block written from plain samples.
enum BlockFixture {
  /// Writes a block of `samples` for the whole range they span, chunks of at most 120 samples.
  static func write(
    _ samples: PlainSamples, to root: String, on disk: any Disk, ulid: ULID = ULID(high: 1 << 60, low: 7)
  ) throws -> BlockMeta? {
    var writer = try BlockWriter(disk, root: root, ulid: ulid)
    let order = samples.keys.sorted {
      BlockFixture.flat($0).lexicographicallyPrecedes(BlockFixture.flat($1)) { $0 < $1 }
    }
    let symbols = Set(order.flatMap { BlockFixture.flat($0) }).sorted {
      Array($0.utf8).lexicographicallyPrecedes($1.utf8)
    }
    for symbol in symbols { try Array(symbol.utf8).withUnsafeBytes { try writer.addSymbol($0) } }
    let numbers = Dictionary(uniqueKeysWithValues: symbols.enumerated().map { ($1, UInt32($0)) })
    var first = Int64.max
    var last = Int64.min
    for labels in order {
      let pairs = BlockFixture.flat(labels).compactMap { numbers[$0] }
      pairs.withUnsafeBufferPointer { writer.beginSeries($0) }
      let times = (samples[labels] ?? [:]).keys.sorted()
      for start in stride(from: 0, to: times.count, by: 120) {
        let part = times[start..<min(start + 120, times.count)]
        let bytes = XORFixture.chunk(part.map { ($0, samples[labels]?[$0] ?? 0) })
        try bytes.withUnsafeBytes {
          try writer.addChunk(
            minTime: part[start], maxTime: part[part.endIndex - 1], encoding: XORChunk.encoding,
            sampleCount: part.count, $0)
        }
        first = min(first, part[start])
        last = max(last, part[part.endIndex - 1])
      }
      try writer.endSeries()
    }
    var meta = BlockMeta(ulid: ulid, minTime: first, maxTime: last == .min ? first : last + 1)
    meta.compaction.sources = [ulid]
    return try writer.finish(meta)
  }

  static func flat(_ labels: Labels) -> [String] {
    var texts: [String] = []
    labels.forEach { name, value in
      texts += [String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)]
    }
    return texts
  }
}

enum XORFixture {
  static func chunk(_ samples: [(Int64, UInt64)]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 64 + samples.count * 20)
    var tail = XORTail()
    return bytes.withUnsafeMutableBytes { room in
      guard let base = room.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return [] }
      XORChunk.start(time: samples[0].0, value: samples[0].1, tail: &tail, at: base, capacity: room.count)
      for sample in samples.dropFirst() {
        _ = XORChunk.append(time: sample.0, value: sample.1, to: &tail, at: base, capacity: room.count)
      }
      return Array(room[..<tail.byteCount])
    }
  }
}

@Suite struct BlockWriterTests {
  private func samples(_ series: Int, _ count: Int) -> PlainSamples {
    var all: PlainSamples = [:]
    var random = RandomSource(seed: 3)
    for number in 0..<series {
      let labels = Labels([
        ("__name__", "metric_\(number % 3)"), ("instance", "host-\(number)"), ("job", number % 2 == 0 ? "a" : "b"),
      ])
      for sample in 0..<count {
        all[labels, default: [:]][Int64(1_699_999_200_000 + sample * 15_000)] =
          (Double(random.below(1000)) / 8).bitPattern
      }
    }
    return all
  }

  /// As `promtool tsdb dump` prints a sample.
  private func line(_ labels: Labels, _ time: Int64, _ value: Double) -> String {
    "\(labels) " + (value == value.rounded() ? String(Int64(value)) : "\(value)") + " \(time)"
  }

  @Test(
    "promtool lists, analyzes and dumps a block, sample for sample", .enabled(if: WALPeers.isExpected, WALPeers.absence)
  )
  func promtool() throws {
    let directory = try TemporaryDirectory()
    // The tool wants a log, too.
    _ = try directory.makeFolder("wal")
    let all = samples(50, 300)
    let meta = try BlockFixture.write(all, to: directory.path, on: LinuxDisk())
    #expect(meta?.stats.series == 50 && meta?.stats.samples == 15_000 && meta?.stats.chunks == 150)
    func run(_ words: String...) throws -> [String] {
      try WALPeers.run(["promtool", "tsdb"] + words + [directory.path], output: directory.path + ".txt")
    }
    #expect(try run("list").contains { $0.contains("15000") })
    #expect(try run("analyze").contains { $0.contains("Series: 50") })
    var wanted: Set<String> = []
    for (labels, values) in all {
      for (time, bits) in values { wanted.insert(line(labels, time, Double(bitPattern: bits))) }
    }
    #expect(Set(try run("dump")) == wanted)
  }

  @Test("what is out of order is refused")
  func order() throws {
    let disk = SimulatedDisk()
    var writer = try BlockWriter(disk, root: "/", ulid: ULID(high: 1, low: 1))
    try Array("b".utf8).withUnsafeBytes { try writer.addSymbol($0) }
    #expect(throws: BlockError.self) { try Array("a".utf8).withUnsafeBytes { try writer.addSymbol($0) } }
    [UInt32](arrayLiteral: 0, 9).withUnsafeBufferPointer { writer.beginSeries($0) }
    let chunk = XORFixture.chunk([(1, 1), (2, 2)])
    try chunk.withUnsafeBytes { try writer.addChunk(minTime: 1, maxTime: 2, encoding: 1, sampleCount: 2, $0) }
    #expect(throws: BlockError.self) {
      try chunk.withUnsafeBytes { try writer.addChunk(minTime: 2, maxTime: 3, encoding: 1, sampleCount: 2, $0) }
    }
    #expect(throws: BlockError.self) { try writer.endSeries() }
    writer.abandon()
    #expect(try disk.list("/").isEmpty)
  }

  @Test("names of blocks are read as they are written, and sort like the time")
  func names() {
    var random = RandomSource(seed: 5)
    var last: ULID?
    for milliseconds in [Int64(0), 1, 1_700_000_000_000, 281_474_976_710_655] {
      let ulid = ULID(milliseconds: milliseconds, using: &random)
      #expect(ULID("\(ulid)") == ulid && ulid.milliseconds == milliseconds)
      if let last { #expect(last < ulid && "\(last)" < "\(ulid)") }
      last = ulid
    }
    #expect(ULID("01ARZ3NDEKTSV4RRFFQ69G5FAV")?.milliseconds == 1_469_922_850_259)
    #expect(ULID("81ARZ3NDEKTSV4RRFFQ69G5FAV") == nil && ULID("01ARZ3NDEKTSV4RRFFQ69G5FAU") == nil)
  }

  @Test("a description of a block is read as it is written")
  func meta() {
    var random = RandomSource(seed: 6)
    var meta = BlockMeta(ulid: ULID(milliseconds: 5, using: &random), minTime: -5, maxTime: BlockMeta.timeMax)
    meta.stats.samples = 3
    meta.stats.series = 1
    meta.compaction.level = 2
    meta.compaction.sources = [ULID(milliseconds: 6, using: &random), meta.ulid]
    meta.compaction.parents = [.init(ulid: meta.ulid, minTime: 1, maxTime: 2)]
    meta.compaction.hints = [BlockMeta.lateHint]
    meta.compaction.hasFailed = true
    #expect(meta.json.lend { BlockMeta(json: $0) } == meta)
    for end in 0..<meta.json.count { #expect(Array(meta.json[..<end]).lend { BlockMeta(json: $0) } == nil) }
  }

  @Test("deleted times are joined where they touch, and read as they are written")
  func tombstones() {
    var tombstones = Tombstones()
    tombstones.add(10...20, to: 7)
    tombstones.add(21...30, to: 7)
    tombstones.add(40...50, to: 7)
    tombstones.add(0...5, to: 7)
    tombstones.add(.min ... .max, to: 9)
    #expect(tombstones.intervals(of: 7) == [0...5, 10...30, 40...50] && tombstones.count == 4)
    var file = ByteBuffer()
    tombstones.encode(into: &file)
    #expect(Tombstones(file: file.lent) == tombstones)
    for end in 0..<file.count {
      #expect(Tombstones(file: file.lent.part(0..<end)) == nil)
    }
  }
}

@Suite struct PostingsGatheringTests {
  @Test("each value gives the series that have it, whether its neighbours are near or far")
  func values() {
    var source = RandomSource(for: "gathered postings")
    for spread in [3, 40, 4_000_000] {
      var gathering = PostingsGathering()
      var wanted: [UInt32: [UInt32: [UInt32]]] = [:]
      for series in UInt32(0)..<3000 {
        var labels: [UInt32] = []
        for name in UInt32(0)..<3 where name == 0 || source.below(40) == 0 {
          let value = 10 + UInt32(source.below(spread))
          labels += [name, value]
          wanted[name, default: [:]][value, default: []].append(series)
        }
        labels.withUnsafeBufferPointer { gathering.add(series, labels: $0) }
      }
      #expect(gathering.names == wanted.keys.sorted() && gathering.everySeries.elementsEqual(0..<3000))
      for name in gathering.names {
        var found: [UInt32: [UInt32]] = [:]
        var last: UInt32 = 0
        gathering.take(name) { value, series in
          #expect(value > last)
          last = value
          found[value] = Array(series)
        }
        let isSame = found == wanted[name]
        #expect(isSame, "name \(name), values within \(spread)")
      }
      #expect(gathering.names.isEmpty)
    }
  }
}
