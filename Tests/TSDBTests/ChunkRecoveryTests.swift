import Format
import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import TSDB

@Suite struct ChunkRecoveryTests {
  /// Two and a half hours of a sample a minute, whose first chunks lie in files, then as much as makes a flush due.
  private func filled(_ day: Story) throws {
    try day.run(minutes: 150)
    day.database.head.completeIdleChunks(lastBefore: day.told.time + 1)
    try day.database.head.writeCompletedChunks()
    try day.database.head.files.chunks.sync()
  }

  private final class Story {
    let setup = DatabaseSetup()
    var database: Database
    var told = DatabaseScript.Told()
    private let writer = HeadWriter()

    init() throws { database = try setup.open() }

    func run(minutes: Int) throws {
      for minute in 0..<minutes {
        told.time += 60_000
        setup.clock.advance(milliseconds: 60_000)
        var body = (0..<6).map { SentSeries("m", $0, [(told.time, Double(minute * $0 % 37))]) }
        if minute % 5 == 4 {
          body.append(SentSeries("late", 1, [(told.time, Double(minute)), (told.time - 1_000_000, Double(minute))]))
        }
        try writer.write(body, to: database.head, now: told.time)
        told.note(body, acknowledged: true)
      }
    }

    /// Deletes all that was sent of a time.
    func delete(_ range: ClosedRange<Int64>) throws {
      try database.delete([try CompiledMatcher(Matcher(.regex, "instance", ".+"))], in: range)
      for series in told.sent.keys {
        told.sent[series] = told.sent[series]?.filter { !range.contains($0.key) }
        told.acknowledged[series] = told.sent[series]
      }
    }

    /// All that is in memory goes to chunk files.
    func writeEverything() throws {
      database.head.completeLateSamples()
      database.head.completeIdleChunks(lastBefore: told.time + 1)
      try database.head.writeCompletedChunks()
    }

    var fault: String? { get throws { try DatabaseScript.fault(told, database.everything()) } }

    func reopen(cleanly: Bool) throws {
      if cleanly { try setup.close(database) }
      database = try setup.open()
    }

    /// Bytes of every chunk file are no longer what they were.
    func damageChunkFiles() throws {
      for name in try setup.disk.list("/data/chunks_head") {
        let file = try setup.disk.open("/data/chunks_head/\(name)", .readWrite)
        for place in stride(from: 40, to: try file.size(), by: 90) {
          try [UInt8(0xee), 0xee].withUnsafeBytes { try file.write($0, at: place) }
        }
      }
    }
  }

  @Test("chunks that cannot be read are restored from the log, at a flush and before the log is shortened")
  func restored() throws {
    let story = try Story()
    try filled(story)
    try story.damageChunkFiles()
    #expect(try story.fault != nil, "the damage is met")
    try story.run(minutes: 120)
    #expect(story.database.flushHead { false })
    let files = story.database.head.files
    let atFlush = files.chunksRecovered.value
    #expect(atFlush > 3)
    for _ in 0..<4 {
      try story.run(minutes: 2)
      story.database.truncateLogs(now: story.told.time + 7_200_000)
    }
    #expect(files.chunksRecovered.value > atFlush)
    #expect(files.chunksLost.value == 0)
    #expect(story.setup.logged("restored from the write-ahead log"))
    #expect(try !files.wal.directory.checkpoints().isEmpty)
    let fault = try story.fault
    #expect(fault == nil, "\(fault ?? "")")
    try story.reopen(cleanly: true)
    let later = try story.fault
    #expect(later == nil, "\(later ?? "")")
    try story.reopen(cleanly: false)
    #expect(try story.fault == nil)
    story.database.head.checkInvariants()
  }

  @Test(
    "chunks that the log does not hold any more hold nothing up: their file is set aside, and it is said and counted")
  func lost() throws {
    let story = try Story()
    try filled(story)
    // Several finished segments, so that the log is shortened over the chunks.
    for _ in 0..<4 {
      try story.run(minutes: 2)
      story.database.truncateLogs(now: story.told.time + 7_200_000)
    }
    try story.damageChunkFiles()
    try story.run(minutes: 120)
    let lines = story.setup.kept.lines.count
    #expect(story.database.flushHead { false })
    #expect(story.database.head.files.chunksLost.value > 0)
    #expect(try !story.setup.disk.list("/data/quarantine").isEmpty)
    let said = story.setup.kept.lines[lines...].filter { $0.contains("does not hold all of their samples") }
    #expect(said.count == 2, "once for each range")
    // All the rest is there, and the next flush goes its way.
    let found = try story.database.everything()
    let series = SentSeries("m", 1, []).identity
    let recent = (story.told.acknowledged[series] ?? [:]).filter { $0.key > story.told.time - 3_600_000 }
    #expect(recent.count == 60 && recent.allSatisfy { found[series]?[$0.key] == $0.value })
    try story.run(minutes: 130)
    #expect(story.database.flushHead { false })
  }

  @Test("a disk that does not give a chunk at present gives up nothing: the flush is tried again")
  func unavailable() throws {
    let story = try Story()
    try filled(story)
    try story.run(minutes: 120)
    story.setup.disk.inject(
      SimulatedFault(code: 5) { operation, path in operation == .map && path.contains("chunks_head") })
    story.setup.disk.inject(SimulatedFault(code: 5) { operation, path in operation == .open && path.contains("wal/") })
    _ = story.database.flushHead { false }
    #expect(story.database.metrics.flushesFailed.value == 1)
    story.setup.disk.removeFaults()
    #expect(try story.fault == nil)
    #expect(story.database.flushHead { false })
    #expect(try story.fault == nil)
    #expect(story.database.head.files.chunksLost.value == 0)
  }

  @Test(
    "a log whose last segment was given up empty goes on behind the snapshot that was written then", arguments: [0, 1])
  func givenUpEmptySegment(bodies: Int) throws {
    let story = try Story()
    try story.run(minutes: 5)
    try story.database.head.files.wal.cutSegment()
    try story.run(minutes: bodies)
    // The fsync at the end fails: the segment is given up, and the snapshot says that the log goes on in the next.
    story.setup.disk.inject(
      SimulatedFault(code: 5, times: 1) { operation, path in operation == .sync && path == "/data/wal/00000001" })
    try story.reopen(cleanly: true)
    #expect(story.setup.logged("abandoned after a failed fsync"))
    try story.run(minutes: 5)
    try story.reopen(cleanly: false)
    let fault = try story.fault
    #expect(fault == nil, "\(fault ?? "")")
    // The names of the last segments are lost with the power, and those of a snapshot are not.
    try story.reopen(cleanly: true)
    for log in ["wal", "wbl"] {
      for name in try story.setup.disk.list("/data/\(log)") { try story.setup.disk.removeFile("/data/\(log)/\(name)") }
    }
    try story.reopen(cleanly: false)
    try story.run(minutes: 5)
    try story.reopen(cleanly: false)
    let later = try story.fault
    #expect(later == nil, "\(later ?? "")")
  }

  @Test("a log of which a segment cannot be read is not shortened")
  func damagedSegment() throws {
    let story = try Story()
    try story.run(minutes: 20)
    for _ in 0..<3 {
      try story.database.head.files.wal.cutSegment()
      try story.run(minutes: 20)
    }
    let path = story.database.head.files.wal.directory.segmentPath(0)
    let file = try story.setup.disk.open(path, .readWrite)
    try [UInt8](repeating: 0xee, count: 40).withUnsafeBytes { try file.write($0, at: 200) }
    let before = try story.setup.disk.list("/data/wal")
    story.database.truncateLogs(now: story.told.time)
    #expect(try story.setup.disk.list("/data/wal").starts(with: before))
    #expect(story.database.metrics.wal.checkpointsFailed.value == 1)
    #expect(story.setup.logged("cannot be read whole"))
    #expect(try story.fault == nil)
    // What memory has, a clean end writes down.
    try story.reopen(cleanly: true)
    #expect(try story.fault == nil)
    // The page cannot be read for a moment only.
    let healthy = try Story()
    try healthy.run(minutes: 20)
    for _ in 0..<3 {
      try healthy.database.head.files.wal.cutSegment()
      try healthy.run(minutes: 20)
    }
    healthy.setup.disk.inject(
      SimulatedFault(code: 5, times: 3) { operation, path in operation == .read && path.contains("wal/") })
    healthy.database.truncateLogs(now: healthy.told.time)
    #expect(healthy.database.metrics.wal.checkpointsFailed.value == 1)
    healthy.setup.disk.removeFaults()
    healthy.database.truncateLogs(now: healthy.told.time)
    #expect(try !healthy.database.head.files.wal.directory.checkpoints().isEmpty)
    try healthy.reopen(cleanly: false)
    #expect(try healthy.fault == nil)
  }

  @Test("a damaged segment that no start reads does not keep the log from being shortened for good")
  func damagedSegmentBehindSnapshot() throws {
    let story = try Story()
    for _ in 0..<4 {
      try story.run(minutes: 20)
      try story.database.head.files.wal.cutSegment()
    }
    try story.reopen(cleanly: true)
    // The snapshot lies behind it: the start does not see the damage.
    let directory = story.database.head.files.wal.directory
    let file = try story.setup.disk.open(directory.segmentPath(0), .readWrite)
    try [UInt8](repeating: 0xee, count: 40).withUnsafeBytes { try file.write($0, at: 200) }
    try story.reopen(cleanly: false)
    #expect(!story.setup.logged("is damaged"))
    try story.run(minutes: 20)
    story.database.truncateLogs(now: story.told.time)
    #expect(try directory.segments().contains(0), "the page may be readable the next time")
    try story.run(minutes: 20)
    story.database.truncateLogs(now: story.told.time)
    #expect(try !directory.segments().contains(0) && !directory.checkpoints().isEmpty)
    #expect(story.setup.logged("is damaged, its other records are kept"))
    #expect(try story.setup.disk.list("/data/quarantine").contains { $0.contains("00000000") })
    // With the snapshot, and from the log alone as far as that has it.
    try story.reopen(cleanly: false)
    let fault = try story.fault
    #expect(fault == nil, "\(fault ?? "")")
    #expect(try directory.segments().count < 5)
  }

  @Test("what an fsync of the log has lost is written to a snapshot at once, and survives a power cut")
  func failedLogSync() throws {
    let story = try Story()
    try story.run(minutes: 10)
    var state = Maintenance.State(story.database)
    func seconds(_ count: Int) {
      for _ in 0..<count {
        story.setup.clock.advance(milliseconds: 1000)
        Maintenance.round(story.database, &state)
      }
    }
    seconds(2)
    try story.run(minutes: 10)
    story.setup.disk.inject(
      SimulatedFault(code: 5, times: 1) { operation, path in operation == .sync && path.contains("wal/") })
    seconds(12)
    try story.run(minutes: 5)
    seconds(2)
    story.setup.disk.crash(.allLost)
    try story.reopen(cleanly: false)
    #expect(try story.fault == nil)
  }

  @Test("a new series never gets what the log of late samples holds of one that has left the head")
  func reusedReferences() throws {
    let story = try Story()
    func write(_ name: String, minutes: [Int64]) throws {
      for minute in minutes {
        let body = [SentSeries(name, 1, [(story.told.time + minute * 60_000, Double(minute))])]
        try HeadWriter().write(body, to: story.database.head, now: story.told.time)
        story.told.note(body, acknowledged: true)
      }
    }
    try story.run(minutes: 150)
    // The last series of all, with late samples; after the flush nothing of it is in the head.
    try write("gone", minutes: [-60, -70, -80])
    try story.run(minutes: 120)
    story.setup.disk.inject(
      SimulatedFault(code: 5) { operation, path in operation == .removeFile && path.contains("wbl/") })
    for _ in 0..<3 {
      #expect(story.database.flushHead { false })
      story.database.truncateLogs(now: story.told.time)
      try story.run(minutes: 125)
    }
    story.setup.disk.removeFaults()
    #expect(story.database.head.seriesCount == 7)
    try story.reopen(cleanly: true)
    try write("new", minutes: [0])
    try story.database.head.writeCompletedChunks()
    try story.damageChunkFiles()
    for _ in 0..<2 {
      try story.reopen(cleanly: false)
      let found = try story.database.everything()
      let new = try #require(found[SentSeries("new", 1, []).identity])
      #expect(new.count == 1, "\(new)")
    }
  }

  @Test("what was deleted and flushed stays deleted, also where the head's snapshot is older than the flush")
  func deletedLateSamples() throws {
    let story = try Story()
    try filled(story)
    try story.reopen(cleanly: true)
    // What is brought back from the log behind chunks that are whole are late samples.
    let file = try story.setup.disk.open("/data/chunks_head/000001", .readWrite)
    try [UInt8(0xee)].withUnsafeBytes { try file.write($0, at: 60) }
    try story.reopen(cleanly: true)
    let range = (DatabaseSetup.epoch + 600_000)...(DatabaseSetup.epoch + 6_000_000)
    try story.delete(range)
    try story.reopen(cleanly: true)
    #expect(try story.fault == nil)
    try story.run(minutes: 120)
    #expect(story.database.flushHead { false })
    story.database.truncateLogs(now: story.told.time)
    try story.run(minutes: 130)
    #expect(story.database.flushHead { false })
    for _ in 0..<2 {
      try story.reopen(cleanly: false)
      let fault = try story.fault
      #expect(fault == nil, "\(fault ?? "")")
    }
  }

  @Test("what was deleted in memory and written to a file afterwards stays deleted behind a flush")
  func deletedThenWritten() throws {
    let story = try Story()
    try story.run(minutes: 230)
    let range = (DatabaseSetup.epoch - 600_000)...(DatabaseSetup.epoch + 6_000_000)
    try story.delete(range)
    try story.writeEverything()
    // The file stays, since it also has what is not flushed; the log of late samples goes.
    story.database.truncateLogs(now: story.told.time)
    #expect(story.database.flushHead { false })
    story.database.truncateLogs(now: story.told.time)
    for _ in 0..<2 {
      try story.reopen(cleanly: false)
      let fault = try story.fault
      #expect(fault == nil, "\(fault ?? "")")
    }
    // What leaves with a later flush is remembered for as long.
    try story.run(minutes: 75)
    let later = (DatabaseSetup.epoch + 241 * 60_000)...(DatabaseSetup.epoch + 285 * 60_000)
    try story.delete(later)
    #expect(story.database.flushHead { false })
    story.database.truncateLogs(now: story.told.time)
    try story.run(minutes: 125)
    try story.writeEverything()
    story.database.truncateLogs(now: story.told.time)
    #expect(story.database.flushHead { false })
    story.database.truncateLogs(now: story.told.time)
    try story.reopen(cleanly: false)
    let second = try story.fault
    #expect(second == nil, "\(second ?? "")")
    // Once the files are gone, nobody needs to.
    for _ in 0..<5 {
      try story.run(minutes: 125)
      #expect(story.database.flushHead { false })
      story.database.truncateLogs(now: story.told.time)
    }
    #expect(story.database.head.deletions.all.isEmpty)
    try story.reopen(cleanly: false)
    #expect(try story.fault == nil)
  }

  @Test("what the fsyncs of a process that ended had lost is in a snapshot in the first second of the next one")
  func lostByTheOneBefore() throws {
    let story = try Story()
    try story.run(minutes: 10)
    story.setup.disk.inject(SimulatedFault(code: 5) { operation, _ in operation == .sync })
    try story.reopen(cleanly: true)
    #expect(story.setup.logged("could not be synced at the end"))
    story.setup.disk.removeFaults()
    try story.reopen(cleanly: false)
    var state = Maintenance.State(story.database)
    story.setup.clock.advance(milliseconds: 1000)
    Maintenance.round(story.database, &state)
    story.setup.disk.crash(.allLost)
    try story.reopen(cleanly: false)
    let fault = try story.fault
    #expect(fault == nil, "\(fault ?? "")")
  }

  @Test("a flush whose mark cannot be written keeps what was deleted deleted, through a restart")
  func unnotedFlush() throws {
    let story = try Story()
    try story.run(minutes: 200)
    let range = (DatabaseSetup.epoch + 600_000)...(DatabaseSetup.epoch + 1_800_000)
    try story.database.delete([try CompiledMatcher(Matcher(.equal, "instance", "host-2"))], in: range)
    let series = SentSeries("m", 2, []).identity
    story.told.sent[series] = story.told.sent[series]?.filter { !range.contains($0.key) }
    story.told.acknowledged[series] = story.told.sent[series]
    story.setup.disk.inject(
      SimulatedFault(code: 28) { operation, path in operation == .write && path.contains("apus.flushed") })
    #expect(story.database.flushHead { false })
    story.setup.disk.removeFaults()
    #expect(try story.fault == nil)
    try story.reopen(cleanly: false)
    #expect(try story.fault == nil)
  }
}
