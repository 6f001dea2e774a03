import Format
import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import TSDB

/// Two blocks as a snapshot, and an empty data directory, on a simulated disk.
private final class RestoreBench {
  static let source = "/copy"
  let bench: BlockBench
  var disk: SimulatedDisk { bench.disk }
  private(set) var metas: [BlockMeta] = []
  private(set) var expected: SeriesMap = [:]

  init() throws {
    bench = try BlockBench()
    for start in [0, 2] as [Int64] {
      var data: SeriesMap = [:]
      for number in 0..<2 {
        let labels = Labels([("__name__", "metric"), ("number", "\(number)")])
        for time in stride(from: start * BlockBench.hour, to: (start + 2) * BlockBench.hour, by: 1_800_000) {
          data[labels, default: [:]][time] = UInt64(number)
          expected[labels, default: [:]][time] = UInt64(number)
        }
      }
      metas.append(try bench.write(data, from: start * BlockBench.hour, to: (start + 2) * BlockBench.hour))
    }
    try disk.rename(BlockBench.root, to: RestoreBench.source)
    try disk.makeDirectories(BlockBench.root)
    try disk.syncDirectory("/")
  }

  @discardableResult
  func restore(_ change: (inout SnapshotRestore.Options) -> Void = { _ in }) throws -> SnapshotRestore.Report {
    var options = SnapshotRestore.Options()
    change(&options)
    return try SnapshotRestore(
      from: RestoreBench.source, into: BlockBench.root, options, on: disk, clock: bench.clock
    ).run()
  }

  /// What a server finds at its start.
  func found() throws -> SeriesMap? {
    let blocks = try bench.open().blocks.current
    #expect(blocks.missing.isEmpty)
    var all: SeriesMap = [:]
    for block in blocks.blocks {
      for (labels, samples) in try samples(of: block) { all[labels, default: [:]].merge(samples) { one, _ in one } }
    }
    return all
  }

  func refusal(_ change: (inout SnapshotRestore.Options) -> Void = { _ in }) -> String {
    do {
      try restore(change)
      return "no refusal"
    } catch {
      return "\(error)"
    }
  }

  /// Changes one byte of a file of the snapshot.
  func damage(_ meta: BlockMeta, _ name: String, at offset: Int) throws {
    let path = "\(RestoreBench.source)/\(meta.ulid)/\(name)"
    var bytes = try disk.readFile(path)
    bytes[bytes.count + offset] ^= 1
    let file = try disk.open(path, .truncate)
    try bytes.withUnsafeBytes { try file.write($0, at: 0) }
    try file.sync()
  }
}

@Suite struct SnapshotRestoreTests {
  @Test("a restore brings every block, says what it brought, and may be repeated")
  func whole() throws {
    let bench = try RestoreBench()
    let report = try bench.restore()
    #expect(report.blocks.count == 2 && report.blocks.sampleCount == 16 && report.seriesCount == 2)
    #expect(report.present == 0 && report.renamed.isEmpty)
    #expect(try bench.found() == bench.expected)
    let again = try bench.restore()
    #expect(again.present == 2 && again.blocks.sampleCount == 16)
    #expect(try bench.disk.list(BlockBench.root) == bench.metas.map { "\($0.ulid)" } + ["wal"])
  }

  /// Ends the machine after each operation of the disk. Then a server starts, or not, and the restore is run again.
  @Test(
    "whenever a restore is interrupted, a start finds nothing of it or everything, and a second run finishes",
    arguments: [BlockCopy.Way.bytes, .links])
  func crashes(_ way: BlockCopy.Way) throws {
    let stories: [(kind: SimulatedCrash, isStarted: Bool)] =
      way == .bytes
      ? [(.processOnly, true), (.allLost, true), (.allLost, false), (.scattered, true)] : [(.prefixKept, true)]
    for (kind, isStarted) in stories {
      var (step, none, all) = (0, 0, 0)
      while true {
        let bench = try RestoreBench()
        bench.disk.stop(afterOperation: bench.disk.operationCount + step)
        _ = try? bench.restore { $0.way = way }
        let isOver = !bench.disk.isStopped
        bench.disk.crash(kind, seed: UInt64(step))
        let message: Comment = "\(way) \(kind) after \(step) operations"
        if isStarted {
          let found = try bench.found()
          #expect(found == [:] || found == bench.expected, message)
          if found == [:] { none += 1 } else { all += 1 }
        }
        let report = try bench.restore { $0.way = way }
        #expect(report.blocks.sampleCount == 16, message)
        #expect(try bench.found() == bench.expected, message)
        #expect(try bench.disk.list(BlockBench.root) == bench.metas.map { "\($0.ulid)" } + ["wal"], message)
        if isOver { break }
        step += 1
      }
      #expect(step > 20, "the work has steps to end between")
      if isStarted { #expect(none > 10 && all > 1, "\(none) times nothing, \(all) times everything") }
    }
  }

  @Test("whichever operation fails for want of space, nothing of a restore is taken for data, and it can be repeated")
  func fullDisk() throws {
    for operation in 1... {
      let bench = try RestoreBench()
      bench.disk.inject(SimulatedFault(code: 28, operation: bench.disk.operationCount + operation))
      let outcome = Result { try bench.restore() }
      if bench.disk.faultsAreOver == false { break }
      bench.disk.removeFaults()
      let message: Comment = "operation \(operation)"
      if case .failure(let error) = outcome { #expect("\(error)".contains("No space left"), message) }
      let found = try bench.found()
      #expect(found == [:] || found == bench.expected, message)
      try bench.restore()
      #expect(try bench.found() == bench.expected, message)
    }
  }

  @Test("a restore for which there is no room says so before it copies anything")
  func room() throws {
    let bench = try RestoreBench()
    bench.disk.setFreeBytes(100)
    let text = bench.refusal()
    #expect(text.contains("bytes, but only 100 are free in /data"), "\(text)")
    #expect(try bench.disk.list(BlockBench.root) == [])
    // Second names need none.
    try bench.restore { $0.way = .links }
  }

  @Test(
    "a damaged snapshot is refused by the name of the file; what can be opened of it is restored when that is asked for"
  )
  func damage() throws {
    let bench = try RestoreBench()
    try bench.damage(bench.metas[0], "chunks/000001", at: -6)
    let text = bench.refusal()
    #expect(text.contains("/copy/\(bench.metas[0].ulid)/chunks") && text.contains("--anyway"), "\(text)")
    #expect(try bench.disk.list(BlockBench.root) == [])
    let report = try bench.restore { $0.takesDamaged = true }
    #expect(report.damaged.count == 1 && report.leftOut.isEmpty && report.blocks.count == 2)
    #expect(try bench.open().blocks.current.blocks.count == 2)
  }

  @Test("a block that cannot be opened is left out of what is restored, by name")
  func unopened() throws {
    let bench = try RestoreBench()
    try bench.damage(bench.metas[1], "index", at: -1)
    #expect(bench.refusal().contains("/copy/\(bench.metas[1].ulid)/index"))
    let report = try bench.restore { $0.takesDamaged = true }
    #expect(report.leftOut.map(\.folder) == ["/copy/\(bench.metas[1].ulid)"])
    #expect(report.blocks.map(\.ulid) == [bench.metas[0].ulid])
  }

  @Test("what is no snapshot is refused, and so is a directory that has something else")
  func refusals() throws {
    let bench = try RestoreBench()
    try bench.disk.makeDirectories(BlockBench.root + "/wal")
    try bench.disk.makeDirectories(BlockBench.root + "/lost+found")
    try bench.restore()
    try AtomicReplace.write([1], to: BlockBench.root + "/wal/00000000", on: bench.disk)
    let text = bench.refusal()
    #expect(text.contains("/data is not empty (wal)") && text.contains("--merge"), "\(text)")
    try bench.disk.makeDirectories(RestoreBench.source + "/wal")
    try AtomicReplace.write([1], to: RestoreBench.source + "/wal/00000000", on: bench.disk)
    #expect(bench.refusal { $0.merges = true }.contains("/copy is a data directory, not a snapshot"))
    for meta in bench.metas { try bench.disk.removeTree("/copy/\(meta.ulid)") }
    #expect(bench.refusal().contains("there are no blocks in /copy"))
    try bench.disk.removeTree("/copy")
    #expect(bench.refusal() == "there is no directory /copy")
  }

  @Test("the folder of one block is restored, under any name; one that Thanos has made coarser is not")
  func single() throws {
    let bench = try RestoreBench()
    try bench.disk.rename("/copy/\(bench.metas[0].ulid)", to: "/one")
    func restore() throws -> SnapshotRestore.Report {
      try SnapshotRestore(
        from: "/one", into: BlockBench.root, SnapshotRestore.Options(), on: bench.disk, clock: bench.bench.clock
      ).run()
    }
    // Thanos writes the description anew, without what it does not know.
    let description = String(decoding: bench.metas[0].json, as: UTF8.self).split(separator: "\n")
      .filter { !$0.contains("apusChecksum") }.joined(separator: "\n")
    let resolution = description.replacing(
      "\"version\": 1", with: "\"version\": 1, \"thanos\": {\"downsample\": {\"resolution\": 300000}}")
    try AtomicReplace.write(Array(resolution.utf8), to: "/one/meta.json", on: bench.disk)
    #expect { try restore() } throws: { "\($0)".contains("downsampled by Thanos") }
    let plain = resolution.replacing("300000", with: "0")
    try AtomicReplace.write(Array(plain.utf8), to: "/one/meta.json", on: bench.disk)
    #expect(try restore().blocks.map(\.ulid) == [bench.metas[0].ulid])
  }

  @Test("a merge brings back what was deleted since, also where the block was compacted into another")
  func merge() throws {
    let bench = try RestoreBench()
    try bench.restore()
    var (blocks, compactor) = try bench.bench.open()
    try blocks.delete([try CompiledMatcher(Matcher(.equal, "number", "1"))], in: 0...(10 * BlockBench.hour))
    #expect(try bench.found() != bench.expected)
    #expect(try bench.restore { $0.merges = true }.renamed.count == 2)
    #expect(try bench.found() == bench.expected)
    #expect(try bench.restore { $0.merges = true }.present == 2, "the second time they are there")
    // Now everything becomes one block, which names those of the snapshot.
    (blocks, compactor) = try bench.bench.open()
    var options = CompactionOptions()
    options.longestBlockMilliseconds = 6 * BlockBench.hour
    try blocks.delete([try CompiledMatcher(Matcher(.equal, "number", "0"))], in: 0...(10 * BlockBench.hour))
    while compactor.round(options, now: bench.bench.now) {}
    for block in blocks.current.blocks where !block.tombstones.isEmpty { try compactor.rewrite(block) }
    #expect(try bench.found() != bench.expected)
    try bench.restore { $0.merges = true }
    #expect(try bench.found() == bench.expected)
  }

  @Test("blocks that come from elsewhere say nothing of what a directory's own log holds")
  func ownLog() throws {
    let setup = DatabaseSetup()
    let database = try setup.open()
    let writer = HeadWriter()
    var told = DatabaseScript.Told()
    for minute in 0..<60 as Range<Int64> {
      let body = [SentSeries("m", 0, [(DatabaseSetup.epoch + minute * 60_000, Double(minute))])]
      try writer.write(body, to: database.head, now: DatabaseSetup.epoch + minute * 60_000)
      told.note(body, acknowledged: true)
    }
    try setup.close(database)
    // A snapshot of another server that was taken an hour later, restored half a day later.
    let other = try BlockBench()
    let labels = Labels([("__name__", "other")])
    let end = DatabaseSetup.epoch + 3_600_000
    let meta = try other.write([labels: [end: 1]], from: DatabaseSetup.epoch, to: end + 1)
    try move("/data/\(meta.ulid)", of: other.disk, to: "/copy/\(meta.ulid)", of: setup.disk)
    setup.clock.advance(milliseconds: 12 * 3_600_000)
    var options = SnapshotRestore.Options()
    options.merges = true
    _ = try SnapshotRestore(from: "/copy", into: "/data", options, on: setup.disk, clock: setup.clock).run()
    let mark = try setup.disk.readFile("/data/apus.flushed")
    setup.clock.advance(milliseconds: 12 * 3_600_000)
    try FlushMark.pin("/data", on: setup.disk, now: setup.now)
    #expect(try setup.disk.readFile("/data/apus.flushed") == mark, "what is noted is not thought over")
    let found = try setup.open().everything()
    #expect(found.count == 2)
    #expect(difference(wanted: told.sent, found: found.filter { $0.key != labels }) == nil)
  }

  @Test("a damaged list of a restore is reported and kept aside; the start goes on, and the restore can be run again")
  func damagedList() throws {
    let setup = DatabaseSetup()
    try setup.disk.makeDirectories("/data")
    try AtomicReplace.write(Array("apus restore 1\n".utf8), to: "/data/apus.restore", on: setup.disk)
    _ = try setup.open()
    #expect(setup.damaged("apus.restore") == 1 && setup.logged("run apus tsdb restore again"))
    #expect(try setup.disk.list("/data/quarantine").count == 1)
    #expect(try !setup.disk.list("/data").contains("apus.restore"))
    let bench = try RestoreBench()
    try AtomicReplace.write([1], to: "/data/apus.restore", on: bench.disk)
    try bench.restore()
    #expect(try bench.found() == bench.expected)
  }

  private func move(_ source: String, of disk: SimulatedDisk, to target: String, of other: SimulatedDisk) throws {
    try other.makeDirectories(target + "/chunks")
    for name in try BlockCopy.files(of: source, on: disk) {
      try AtomicReplace.write(try disk.readFile(source + "/" + name), to: target + "/" + name, on: other)
    }
  }
}

extension RestoreBench {
  func open() throws -> (blocks: BlockSet, compactor: Compactor) { try bench.open() }
}

@Suite struct SnapshotShelfTests {
  private static let name = "20260102T030405Z-0123456789abcdef"

  private func add(_ bench: RestoreBench) throws {
    let check = try SnapshotCheck(try BlockSource(RestoreBench.source, on: bench.disk), on: bench.disk)
    try bench.disk.makeDirectories("/shelf")
    let shelf = SnapshotShelf("/shelf", on: bench.disk)
    try shelf.removeUnfinished()
    try shelf.add(check, as: SnapshotShelfTests.name)
  }

  @Test("whenever a copy is interrupted, what has a snapshot's name is whole, and a second run finishes")
  func crashes() throws {
    for kind in [.processOnly, .allLost, .scattered] as [SimulatedCrash] {
      var step = 0
      while true {
        let bench = try RestoreBench()
        bench.disk.stop(afterOperation: bench.disk.operationCount + step)
        _ = try? add(bench)
        let isOver = !bench.disk.isStopped
        bench.disk.crash(kind, seed: UInt64(step))
        let shelf = SnapshotShelf("/shelf", on: bench.disk)
        if (try? shelf.names()) ?? [] == [] { try add(bench) }
        let path = shelf.path(SnapshotShelfTests.name)
        let copy = try SnapshotCheck(try BlockSource(path, on: bench.disk), on: bench.disk)
        #expect(copy.damaged.isEmpty && copy.blocks.sampleCount == 16, "\(kind) after \(step) operations")
        try shelf.removeUnfinished()
        #expect(try bench.disk.list("/shelf") == [SnapshotShelfTests.name])
        if isOver { break }
        step += 1
      }
      #expect(step > 15, "the work has steps to end between")
    }
  }

  @Test("a copy for which there is no room, or that a disk does not take, leaves nothing")
  func room() throws {
    for operation in 3... {
      let bench = try RestoreBench()
      try bench.disk.makeDirectories("/shelf")
      bench.disk.inject(SimulatedFault(code: 28, operation: bench.disk.operationCount + operation))
      let outcome = Result { try add(bench) }
      if bench.disk.faultsAreOver == false { break }
      guard case .failure = outcome else { continue }
      #expect(try bench.disk.list("/shelf") == [], "operation \(operation)")
    }
    let bench = try RestoreBench()
    bench.disk.setFreeBytes(100)
    #expect { try add(bench) } throws: { "\($0)".contains("but only 100 are free in /shelf") }
  }

  @Test("the newest snapshots stay, the proven one whatever its name says, and nothing else is touched")
  func keep() throws {
    let disk = SimulatedDisk()
    let shelf = SnapshotShelf("/shelf", on: disk)
    let names = (1...5).map { "2026010\($0)T030405Z-0123456789abcdef" }
    let others = ["20260101", "notes", "20250101T030405Z-0123456789abcdeg", "20250101T030405Z-0123456789abcdef.tar"]
    for name in names + others { try disk.makeDirectories("/shelf/" + name) }
    #expect(try shelf.keep(3, proven: names[0]) == [names[1], names[2]])
    #expect(try shelf.names() == [names[0], names[3], names[4]])
    #expect(try shelf.keep(1, proven: names[4]).count == 2)
    #expect(try disk.list("/shelf") == (others + [names[4]]).sorted())
    try disk.makeDirectories("/shelf/\(names[0]).tmp-for-creation/x")
    try disk.makeDirectories("/shelf/notes.tmp-for-creation")
    try shelf.removeUnfinished()
    #expect(try disk.list("/shelf") == (others + [names[4], "notes.tmp-for-creation"]).sorted())
  }
}
