import Format
import Model
import Platform
import PlatformSimulation
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
        let folder = "\(BlockBench.root)/\(meta.ulid)"
        change(&meta)
        for name in ["meta.json", "apus.meta"] {
          let file = try bench.disk.open("\(folder)/\(name)", .truncate)
          try meta.json.withUnsafeBytes { bytes throws in try file.write(bytes, at: 0) }
          try file.close()
        }
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

  /// Changes the byte at a place of a file; negative places count from its end.
  private func flip(_ path: String, _ place: Int, on disk: SimulatedDisk) throws {
    var bytes = try disk.readFile(path)
    bytes[place < 0 ? bytes.count + place : place] ^= 0x10
    let file = try disk.open(path, .truncate)
    try bytes.withUnsafeBytes { bytes throws in try file.write(bytes, at: 0) }
    try file.close()
  }

  private func chunks(_ block: BlockMeta) -> String { "/data/\(block.ulid)/chunks/000001" }

  @Test("a damaged block is written anew with what the log has, and set aside when the new one is served")
  func repair() throws {
    let setup = DatabaseSetup()
    var database = try setup.open()
    let writer = HeadWriter()
    var told = DatabaseScript.Told()
    let histogramWriter = HistogramWriter()
    var histograms: PlainHistograms = [:]
    for minute in stride(from: 2, through: 220, by: 2) as StrideThrough<Int64> {
      told.time = DatabaseSetup.epoch + minute * 60_000
      setup.clock.advance(milliseconds: 120_000)
      var body = (0..<8).map { SentSeries("m", $0, [(told.time, Double((minute * Int64($0 + 3)) % 89))]) }
      if minute % 10 == 0 { body.append(SentSeries("m", 9, [(told.time, 1)])) }
      try writer.write(body, to: database.head, now: told.time)
      told.note(body, acknowledged: true)
      let late = [SentSeries("m", 9, [(told.time - 30_000, Double(minute))])]
      try writer.write(late, to: database.head, now: told.time)
      told.note(late, acknowledged: true)
      let one = SentHistograms(3, [(told.time, grownHistogram(Int(minute)))])
      let outcomes = try histogramWriter.write([one], to: database.head, now: told.time)
      #expect(outcomes == [.accepted])
      histograms[one.identity, default: [:]][told.time] = one.histograms[0].histogram
    }
    #expect(database.flushHead { false })
    let block = try #require(database.blocks.current.blocks.first).meta
    // In the middle of all chunks, and in the last one.
    let size = try setup.disk.readFile(chunks(block)).count
    for place in [20, size / 2, size - 9] { try flip(chunks(block), place, on: setup.disk) }
    database = try setup.open()
    #expect(try BlockVerification("/data/\(block.ulid)", on: setup.disk).findingCount >= 3)
    #expect(DatabaseScript.fault(told, try database.everything()) != nil)
    #expect(database.blocks.current.damaged.map(\.meta.ulid) == [block.ulid])

    database.repairDamaged()
    #expect(database.blocks.metrics.repaired.value == 1, "\(setup.kept.lines)")
    #expect(database.blocks.current.damaged.isEmpty)
    #expect(DatabaseScript.fault(told, try database.everything()) == nil)
    let found = try database.allHistograms()
    #expect(fault(acknowledged: histograms, sent: histograms, found: found) == nil)
    #expect(try setup.disk.list("/data/quarantine") == ["\(block.ulid)"])
    for served in database.blocks.current.blocks {
      #expect(try BlockVerification(served.directory, on: setup.disk).findings == [])
    }
    database = try setup.open()
    #expect(DatabaseScript.fault(told, try database.everything()) == nil)
  }

  @Test("a damaged block whose samples are nowhere else stays as it is, which is told once with what is missing")
  func beyondRepair() throws {
    let setup = DatabaseSetup()
    let database = try database(setup) { ($0.postings + 3) / 4 * 4 + 9 }
    let block = try #require(database.blocks.current.blocks.first)
    // The list of all series is damaged, so that nobody knows what the block held.
    let none = [try CompiledMatcher(Matcher(.equal, "zone", ""))]
    _ = try database.select(none, from: .min, through: .max)
    for _ in 0..<3 { database.repairDamaged() }
    #expect(database.blocks.metrics.repairsFailed.value == 1)
    #expect(database.blocks.current.blocks.map(\.meta.ulid) == [block.meta.ulid])

    let other = DatabaseSetup()
    try other.disk.makeDirectories("/data")
    let ulid = ULID(high: 1 << 60, low: 7)
    let samples: PlainSamples = [Labels([("__name__", "m")]): [DatabaseSetup.epoch: 1, DatabaseSetup.epoch + 5: 2]]
    let meta = try #require(try BlockFixture.write(samples, to: "/data", on: other.disk, ulid: ulid))
    try flip(chunks(meta), 20, on: other.disk)
    let damaged = try other.open()
    let notes = DamageNotes()
    let all = [try CompiledMatcher(Matcher(.equal, "__name__", "m"))]
    var scratch = DatabaseReadScratch()
    var read = SeriesSamples()
    let selection = try damaged.select(all, from: .min, through: .max, notes: notes)
    #expect(notes.isEmpty)
    selection.read(0, from: .min, through: .max, &scratch, into: &read)
    #expect(
      notes.warnings.count == 1 && notes.warnings[0].hasPrefix("block \(ulid): 1 chunk of 1 series cannot be read"))
    for _ in 0..<3 { damaged.repairDamaged() }
    #expect(damaged.blocks.metrics.repairsFailed.value == 1 && damaged.blocks.metrics.repaired.value == 0)
    let lines = other.kept.lines.filter { $0.contains("could not be repaired") }
    #expect(lines.count == 1 && lines[0].contains("samples=2") && lines[0].contains("found=0"), "\(lines)")
    #expect(damaged.blocks.current.blocks.map(\.meta.ulid) == [ulid])
  }

  @Test("a block that a crash left beside its parents replaces them only where it is whole")
  func parents() throws {
    let hour = BlockBench.hour
    for isDamaged in [false, true] {
      let bench = try BlockBench()
      var opened: [Block] = []
      for start in [0, 2] as [Int64] {
        let data: SeriesMap = [Labels([("__name__", "metric")]): [start * hour: 1, start * hour + 5: 2]]
        let meta = try bench.write(data, from: start * hour, to: (start + 2) * hour)
        opened.append(try Block("\(BlockBench.root)/\(meta.ulid)", on: bench.disk))
      }
      let child = try #require(try BlockMerge(opened, now: bench.now).run(in: BlockBench.root, on: bench.disk))
      if isDamaged { try flip("\(BlockBench.root)/\(child.ulid)/chunks/000001", -6, on: bench.disk) }
      let (blocks, _) = try bench.open()
      let served = Set(blocks.current.blocks.map(\.meta.ulid))
      #expect(served == (isDamaged ? Set(opened.map(\.meta.ulid)) : [child.ulid]))
      #expect(try samples(of: blocks.current)?.values.first?.count == 4)
      #expect(blocks.current.missing.isEmpty && blocks.metrics.setAside.value == (isDamaged ? 1 : 0))
    }
  }

  @Test("a question about the time of a block that could not be opened is told so, and one about another time is not")
  func missing() throws {
    let setup = DatabaseSetup()
    let database = try database(setup) { _ in 0 }
    let all = [try CompiledMatcher(Matcher(.equal, "__name__", "m"))]
    for (first, last, count) in [(Int64.min, Int64.max, 1), (DatabaseSetup.epoch - 9, DatabaseSetup.epoch - 5, 0)] {
      let notes = DamageNotes()
      _ = try database.select(all, from: first, through: last, notes: notes)
      #expect(notes.warnings.count == count, "\(notes.warnings)")
      let listed = DamageNotes()
      _ = try database.labelNames(matching: [], from: first, through: last, limit: 0, notes: listed)
      #expect(listed.warnings.count == count)
    }
    let snapshot = try database.administration.snapshot(skipsHead: false)
    #expect(snapshot.warnings.contains { $0.contains("is not served") })
  }

  private enum DescriptionDamage: CaseIterable {
    case time, text, empty, removed, removedWithCopy, foreign

    var isHarmless: Bool { self == .foreign }
  }

  private func apply(_ damage: DescriptionDamage, _ block: String, on disk: SimulatedDisk) throws {
    let path = "\(block)/meta.json"
    var text = String(decoding: try disk.readFile(path), as: UTF8.self)
    switch damage {
    case .time:
      // One bit of a digit of the last time: the block would end before its last sample.
      let place = try #require(text.firstRange(of: "\"maxTime\": ")).upperBound
      let digit = text[place...].prefix { $0.isNumber }.count - 4
      let index = text.index(place, offsetBy: digit)
      let flipped = UInt8(text[index].asciiValue ?? 0) ^ 1
      text.replaceSubrange(index...index, with: String(decoding: [flipped], as: UTF8.self))
    case .text: text = text.replacing("\"minTime\"", with: "\"minTile\"")
    case .empty: text = ""
    case .removed, .removedWithCopy:
      try disk.removeFile(path)
      if damage == .removedWithCopy { try disk.removeFile("\(block)/apus.meta") }
      return
    case .foreign:
      // Another program has written it anew.
      text = text.split(separator: "\n").filter { !$0.contains("apusChecksum") }.joined(separator: "\n")
    }
    try AtomicReplace.write(Array(text.utf8), to: path, on: disk)
  }

  @Test("a block whose description is damaged has the times that its copy says; it is told and mended")
  func description() throws {
    for damage in DescriptionDamage.allCases {
      let setup = DatabaseSetup()
      let ulid = ULID(high: 1 << 60, low: 7)
      let labels = Labels([("__name__", "m")])
      let times = (0..<4).map { DatabaseSetup.epoch + $0 * 1_000 }
      try setup.disk.makeDirectories("/data")
      _ = try BlockFixture.write(
        [labels: Dictionary(uniqueKeysWithValues: times.map { ($0, 1) })], to: "/data", on: setup.disk, ulid: ulid)
      try apply(damage, "/data/\(ulid)", on: setup.disk)
      let isServed = damage != .removedWithCopy

      for isMended in [false, true] {
        let database = try setup.open()
        let context = Comment("\(damage), mended: \(isMended): \(setup.kept.lines)")
        #expect(try count(database) == (isServed ? 4 : 0), context)
        let isTold = isServed && !isMended && !damage.isHarmless
        #expect(setup.damaged("meta.json") == (isTold ? 1 : 0), context)
        guard isServed else { continue }
        #expect(try BlockVerification("/data/\(ulid)", on: setup.disk).findings.isEmpty, context)
      }
    }
  }

  private enum ListDamage: CaseIterable { case removed, flipped, empty, removedWithCopy, flippedWithCopy }

  private func apply(_ damage: ListDamage, _ block: String, on disk: SimulatedDisk) throws {
    let names = damage == .removedWithCopy || damage == .flippedWithCopy ? BlockDeletions.fileNames : ["tombstones"]
    for name in names {
      let path = "\(block)/\(name)"
      guard (try? disk.status(path)) != nil else { continue }
      switch damage {
      case .removed, .removedWithCopy: try disk.removeFile(path)
      case .flipped, .flippedWithCopy: try flip(path, -2, on: disk)
      case .empty: try disk.open(path, .truncate).close()
      }
    }
  }

  private func count(_ database: Database) throws -> Int {
    try database.everything().values.reduce(0) { $0 + $1.count }
  }

  @Test("a block whose list of deletions is damaged or gone is served; what was deleted stays deleted, or it is told")
  func deletions() throws {
    for damage in ListDamage.allCases {
      for deletes in [false, true] {
        let setup = DatabaseSetup()
        let ulid = ULID(high: 1 << 60, low: 7)
        var samples: PlainSamples = [:]
        for number in 0..<4 {
          samples[Labels([("__name__", "m"), ("host", "h\(number)")])] = [DatabaseSetup.epoch: 1]
        }
        try setup.disk.makeDirectories("/data")
        _ = try BlockFixture.write(samples, to: "/data", on: setup.disk, ulid: ulid)
        var database = try setup.open()
        if deletes {
          try database.administration.delete([try CompiledMatcher(Matcher(.equal, "host", "h1"))], in: .min ... .max)
        }
        let wanted = deletes ? 3 : 4
        #expect(try count(database) == wanted)
        try apply(damage, "/data/\(ulid)", on: setup.disk)
        let isNoticed = deletes || damage != .removed && damage != .removedWithCopy
        let isLost = deletes && (damage == .removedWithCopy || damage == .flippedWithCopy)
        #expect(try BlockVerification("/data/\(ulid)", on: setup.disk).findings.isEmpty == !isNoticed)

        database = try setup.open()
        let context = Comment("\(damage), deletes: \(deletes): \(setup.kept.lines)")
        #expect(try count(database) == (isLost ? 4 : wanted), context)
        #expect(setup.damaged("tombstones") == (isNoticed ? 1 : 0), context)
        #expect(setup.logged("delete them again") == isLost, context)
        let notes = DamageNotes()
        let all = [try CompiledMatcher(Matcher(.equal, "__name__", "m"))]
        _ = try database.select(all, from: .min, through: .max, notes: notes)
        #expect(notes.warnings.count == (isLost ? 1 : 0) && notes.error == nil, context)
        // Mended: the next start finds nothing, and what was deleted can be deleted again.
        database = try setup.open()
        #expect(setup.damaged("tombstones") == 0)
        #expect(try BlockVerification("/data/\(ulid)", on: setup.disk).findings.isEmpty)
        if isLost {
          try database.administration.delete([try CompiledMatcher(Matcher(.equal, "host", "h1"))], in: .min ... .max)
        }
        #expect(try count(setup.open()) == wanted)
      }
    }
  }
}
