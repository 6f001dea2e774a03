import Format
import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import TSDB

@Suite struct DatabaseTests {
  private func tell(
    _ steps: [DatabaseScript.Step], _ setup: DatabaseSetup = DatabaseSetup()
  ) throws -> (DatabaseSetup, DatabaseScript.Told) {
    var told = DatabaseScript.Told()
    try DatabaseScript(steps: steps).tell(setup, &told)
    #expect(told.sent == told.acknowledged)
    return (setup, told)
  }

  @Test("what was written is there after a clean end, after a kill, and after several of both")
  func reopen() throws {
    for steps in [
      DatabaseScript.ordinary, DatabaseScript.withChunks, DatabaseScript.withLog, DatabaseScript.withSnapshot,
      DatabaseScript.withEnds, DatabaseScript.everything,
    ] {
      let (setup, told) = try tell(steps)
      for round in 0..<4 {
        let database = try setup.open()
        #expect(difference(wanted: told.sent, found: try database.head.everything()) == nil, "round \(round)")
        #expect(try DatabaseScript.exemplarFault(told, database.head) == nil, "round \(round)")
        database.head.checkInvariants()
        if round % 2 == 0 { try setup.close(database) }
      }
    }
  }

  @Test("a start after a clean end reads the snapshot and no log, and warns of nothing")
  func cleanStart() throws {
    let (setup, told) = try tell(DatabaseScript.everything + [.reopen])
    let lines = setup.kept.lines
    #expect(lines.contains { $0.contains("Head snapshot loaded") })
    let bad = lines.filter { $0.contains("level=WARN") || $0.contains("level=ERROR") }
    #expect(bad.isEmpty)
    let database = try setup.open()
    #expect(DatabaseScript.fault(told, try database.head.everything()) == nil)
  }

  @Test("a snapshot with the log behind it gives the same head as the log alone")
  func snapshotAgainstLog() throws {
    let steps: [DatabaseScript.Step] =
      DatabaseScript.withChunks + [.snapshot] + DatabaseScript.ordinary + [.late, .snapshot] + DatabaseScript.withChunks
    let (setup, told) = try tell(steps)
    let fromSnapshot = try setup.open()
    #expect(setup.logged("Head snapshot loaded"))
    let found = try fromSnapshot.head.everything()
    try setup.disk.removeFile(fromSnapshot.layout.snapshot)
    let fromLog = try setup.open()
    fromLog.head.checkInvariants()
    #expect(difference(wanted: told.sent, found: found) == nil)
    #expect(difference(wanted: found, found: try fromLog.head.everything()) == nil)
    #expect(fromSnapshot.head.timeRange == fromLog.head.timeRange)
    #expect(fromSnapshot.head.seriesCount == fromLog.head.seriesCount)
    let exemplars = try fromSnapshot.head.allExemplars()
    #expect(try exemplars == fromLog.head.allExemplars() && exemplars == told.sentExemplars)
  }

  @Test("a snapshot that is damaged anywhere is not used, and the log gives everything")
  func damagedSnapshot() throws {
    let (setup, told) = try tell(DatabaseScript.withChunks + [.snapshot] + DatabaseScript.ordinary)
    let path = DatabaseLayout(root: "/data").snapshot
    let bytes = try setup.disk.readFile(path)
    var random = RandomSource(seed: 5)
    var damages: [[UInt8]] = [[], Array(bytes.dropLast()), Array(bytes.prefix(60)), bytes.reversed()]
    for _ in 0..<60 {
      var damaged = bytes
      damaged[random.below(bytes.count)] ^= 1 << UInt8(random.below(8))
      damages.append(damaged)
    }
    for damaged in damages {
      try AtomicReplace.write(damaged, to: path, on: setup.disk)
      let database = try setup.open()
      #expect(setup.damaged("apus.head") == 1)
      #expect(difference(wanted: told.sent, found: try database.head.everything()) == nil)
      database.head.checkInvariants()
    }
  }

  @Test("damage in the middle of the log costs what was there and nothing else; it is logged and set aside")
  func damagedLog() throws {
    let (setup, told) = try tell(Array(repeating: .write(advance: 15_000), count: 40))
    let path = DatabaseLayout(root: "/data").wal + "/00000000"
    var bytes = try setup.disk.readFile(path)
    bytes[bytes.count / 2] ^= 0xff
    try AtomicReplace.write(bytes, to: path, on: setup.disk)
    let database = try setup.open()
    let found = try database.head.everything()
    var missing = 0
    for (labels, samples) in told.sent {
      for (time, bits) in samples {
        if let there = found[labels]?[time] { #expect(there == bits) } else { missing += 1 }
      }
    }
    let exemplars = try database.head.allExemplars()
    for (labels, sent) in told.sentExemplars {
      missing += sent.filter { exemplars[labels]?.contains($0) != true }.count
    }
    #expect(missing > 0 && missing <= 12, "one body, and the series that began in it: \(missing)")
    #expect(setup.logged("segment is damaged"))
    #expect(try !setup.disk.list(database.layout.quarantine).isEmpty)
    #expect(try setup.open().head.everything() == found)
  }

  @Test("a missing chunk file is logged; the log and the other files give the rest")
  func missingChunkFile() throws {
    let steps: [DatabaseScript.Step] =
      DatabaseScript.withChunks + [.kill] + DatabaseScript.withChunks + [.kill] + DatabaseScript.withChunks
    let (setup, told) = try tell(steps)
    let chunks = HeadChunkDirectory(setup.disk, DatabaseLayout(root: "/data").headChunks)
    try setup.disk.removeFile(chunks.filePath(2))
    let database = try setup.open()
    #expect(setup.damaged("chunks_head") == 1)
    // The log has not been shortened: it still holds all of it.
    #expect(difference(wanted: told.sent, found: try database.head.everything()) == nil)
    database.head.checkInvariants()
  }

  @Test("a chunk file with a damaged chunk is read around it, and the log gives the rest")
  func damagedChunkFile() throws {
    let steps: [DatabaseScript.Step] = DatabaseScript.withChunks + [.kill] + DatabaseScript.withChunks
    for seed in 0..<40 as Range<UInt64> {
      var random = RandomSource(seed: seed)
      let (setup, told) = try tell(steps)
      let chunks = HeadChunkDirectory(setup.disk, DatabaseLayout(root: "/data").headChunks)
      let path = chunks.filePath(1 + random.below(2))
      var bytes = try setup.disk.readFile(path)
      let place = 8 + random.below(bytes.count - 8)
      bytes[place] ^= UInt8(1 << random.below(8))
      try AtomicReplace.write(bytes, to: path, on: setup.disk)
      let database = try setup.open()
      #expect(difference(wanted: told.sent, found: try database.head.everything()) == nil, "seed \(seed) byte \(place)")
    }
  }

  @Test("logs are shortened many times with ends and kills in between; nothing is lost and they do not grow")
  func truncations() throws {
    for seed in 1...4 as ClosedRange<UInt64> {
      var random = RandomSource(seed: seed)
      let setup = DatabaseSetup()
      var steps: [DatabaseScript.Step] = []
      for _ in 0..<40 {
        for _ in 0..<random.below(5) { steps.append(.write(advance: 15_000 + Int64(random.below(900_000)))) }
        if random.below(2) == 0 { steps.append(.late) }
        switch random.below(6) {
        case 0: steps.append(.reopen)
        case 1: steps.append(.kill)
        case 2: steps.append(.snapshot)
        case 3: steps.append(.completeIdle)
        default: break
        }
        steps.append(.truncateLogs)
      }
      let (_, told) = try tell(steps, setup)
      let database = try setup.open()
      database.head.checkInvariants()
      #expect(difference(wanted: told.sent, found: try database.head.everything()) == nil, "seed \(seed)")
      let segments = try database.head.files.wal.directory.segments()
      #expect(segments.count < 12, "seed \(seed): \(segments)")
      #expect(try database.head.files.wbl.directory.segments().count < 6, "seed \(seed)")
      let bad = setup.kept.lines.filter { $0.contains("level=ERROR") }
      #expect(bad.isEmpty, "seed \(seed)")
    }
  }

  @Test("writes are refused while the disk is full; the same body succeeds afterwards and survives a kill")
  func retryAfterFullDisk() throws {
    for writtenBytes in [0, 1, 7, 200] {
      let setup = DatabaseSetup()
      let database = try setup.open()
      let writer = HeadWriter()
      let body = [SentSeries("a", 1, [(setup.now, 1)]), SentSeries("b", 2, [(setup.now, 2), (setup.now - 5000, 3)])]
      setup.disk.inject(
        SimulatedFault(code: 28, times: 3, writtenBytes: writtenBytes) { operation, _ in operation == .write })
      for _ in 0..<3 {
        #expect(throws: WALError.self) { try writer.write(body, to: database.head, now: setup.now) }
      }
      let outcomes = try writer.write(body, to: database.head, now: setup.now)
      #expect(outcomes.allSatisfy { $0.allSatisfy { $0?.isStored == true } })
      let again = try setup.open()
      let found = try again.head.everything()
      #expect(found[body[0].identity] == [setup.now: 1.0.bitPattern])
      #expect(found[body[1].identity] == [setup.now: 2.0.bitPattern, setup.now - 5000: 3.0.bitPattern])
    }
  }

  @Test("a data directory of another version is refused in words, and untouched")
  func otherVersion() throws {
    let setup = DatabaseSetup()
    _ = try setup.open()
    let version = DataVersion.file(DatabaseLayout(root: "/data").version, on: setup.disk)
    try version.write(Array("7\n".utf8))
    let before = setup.disk.operationCount
    #expect(throws: DatabaseError.self) { try setup.open() }
    #expect(setup.disk.operationCount == before)
  }
}
