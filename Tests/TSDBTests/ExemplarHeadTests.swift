import Format
import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import TSDB

@Suite struct ExemplarHeadTests {
  private static func traced(_ text: String, _ time: Int64) -> Exemplar {
    Exemplar(labels: Labels([("trace_id", text)]), time: time, value: 1.5.bitPattern)
  }

  private static func series(
    _ number: Int, _ samples: [(Int64, Double)], _ exemplars: [Exemplar]
  ) -> SentSeries {
    var series = SentSeries("m", number, samples)
    series.exemplars = exemplars
    return series
  }

  @Test("exemplars go to series that are there, make none, and never cost a sample")
  func outcomes() throws {
    let setup = DatabaseSetup()
    setup.options.head.lateWindowMilliseconds = 0
    let database = try setup.open()
    let writer = HeadWriter()
    let t = setup.now
    let body = [
      Self.series(1, [(t, 1)], [Self.traced("a", t), Self.traced("a", t), Self.traced("b", t - 1)]),
      Self.series(2, [], [Self.traced("c", t)]),
      Self.series(3, [(t, 1)], [Self.traced(String(repeating: "x", count: 121), t), Self.traced("d", t + 86_400_000)]),
      Self.series(4, [(t + 86_400_000, 1)], [Self.traced("e", t)]),
    ]
    let outcomes = try writer.write(body, to: database.head, now: t)
    #expect(outcomes == [[.accepted], [], [.accepted], [.tooFarInFuture]])
    #expect(
      writer.exemplarOutcomes == [
        .stored, .duplicate, .outOfOrder, .noSeries, .tooLong, .tooFarInFuture, .noSeries,
      ])
    #expect(database.head.seriesCount == 2)
    #expect(try database.head.allExemplars() == [body[0].identity: [Self.traced("a", t)]])
    // The series is known now, and needs no sample of its own.
    try writer.write([Self.series(3, [], [Self.traced("f", t)])], to: database.head, now: t)
    #expect(writer.exemplarOutcomes == [.stored])
    let again = try setup.open()
    #expect(try again.head.allExemplars() == (try database.head.allExemplars()))
    #expect(try again.head.allExemplars().count == 2)
  }

  @Test("late exemplars find their place, however many newer ones there are, and are there after a start")
  func late() throws {
    let setup = DatabaseSetup()
    let database = try setup.open()
    let writer = HeadWriter()
    let t = setup.now
    let newer = (0..<200).map { Self.traced("new-\($0)", t - 200 + $0) }
    try writer.write([Self.series(1, [(t, 1)], newer)], to: database.head, now: t)
    let day: Int64 = 86_400_000
    let old = (0..<200).map { Self.traced("old-\($0)", t - day + $0) }
    for part in 0..<4 {
      let sent = Array(old[(part * 50)..<(part * 50 + 50)])
      for _ in 0..<2 {
        try writer.write([Self.series(1, [], sent)], to: database.head, now: t)
        #expect(writer.exemplarOutcomes.allSatisfy { $0.isStored })
      }
    }
    let older = (0..<100).reversed().map { Self.traced("older-\($0)", t - 2 * day + $0) }
    try writer.write([Self.series(1, [], Array(older))], to: database.head, now: t)
    #expect(writer.exemplarOutcomes.allSatisfy { $0 == .stored })
    database.head.checkInvariants()
    let wanted = older.reversed() + old + newer
    #expect(try database.head.allExemplars().values.first == wanted)
    #expect(try setup.open().head.allExemplars().values.first == wanted)
  }

  @Test("an exemplar whose log record failed is logged by the retry, one that is logged is not logged again")
  func retry() throws {
    let setup = DatabaseSetup()
    let database = try setup.open()
    let writer = HeadWriter()
    let t = setup.now
    try writer.write([Self.series(1, [(t, 1)], [])], to: database.head, now: t)
    let body = [Self.series(1, [], [Self.traced("a", t), Self.traced("b", t + 1)])]
    setup.disk.inject(SimulatedFault(code: 28, times: 1) { $0 == .write && $1.contains("/wal/") })
    #expect(throws: WALError.self) { try writer.write(body, to: database.head, now: t) }
    #expect(try setup.open().head.allExemplars().isEmpty)
    try writer.write(body, to: database.head, now: t)
    #expect(writer.exemplarOutcomes == [.duplicate, .duplicate])
    #expect(try setup.open().head.allExemplars() == [body[0].identity: body[0].exemplars])
    let position = database.head.files.wal.position
    try writer.write(body, to: database.head, now: t)
    #expect(database.head.files.wal.position == position)
  }

  @Test("more than a record of exemplars in one body, and more than a block of them in a snapshot, come back in order")
  func many() throws {
    let setup = DatabaseSetup()
    setup.options.head.exemplarsMax = 30_000
    let database = try setup.open()
    let writer = HeadWriter()
    let t = setup.now
    let text = String(repeating: "t", count: 100)
    var body: [SentSeries] = []
    for number in 0..<400 {
      body.append(
        Self.series(
          number, [(t, 1)], (0..<50).map { Self.traced("\(text)\(number)-\($0)", t + Int64($0) - 100) }))
    }
    try writer.write(body, to: database.head, now: t)
    let wanted = try database.head.allExemplars()
    #expect(wanted.count == 400 && wanted.values.allSatisfy { $0.count == 50 })
    let fromLog = try setup.open()
    #expect(try fromLog.head.allExemplars() == wanted)
    try setup.close(fromLog)
    let fromSnapshot = try setup.open()
    #expect(setup.logged("Head snapshot loaded"))
    #expect(try fromSnapshot.head.allExemplars() == wanted)
    // The ring's own order is kept, too: what came first goes first.
    fromSnapshot.reconfigure { $0.head.exemplarsMax = 10_000 }
    database.reconfigure { $0.head.exemplarsMax = 10_000 }
    #expect(try fromSnapshot.head.allExemplars() == (try database.head.allExemplars()))
    #expect(try fromSnapshot.head.allExemplars().count == 200)
  }

  @Test("what the ring holds outlives every shortening of the log, and what it has lost is not kept in it")
  func checkpoints() throws {
    let setup = DatabaseSetup()
    setup.options.head.exemplarsMax = 40
    var database = try setup.open()
    let writer = HeadWriter()
    var sizes: [Int] = []
    for round in 0..<60 as Range<Int64> {
      let t = setup.now + round * 15_000
      try writer.write(
        (0..<4).map { Self.series($0, [(t, 1)], [Self.traced("\(round)", t)]) }, to: database.head, now: t)
      if round % 4 == 3 {
        database.head.completeIdleChunks(lastBefore: t + 1)
        database.truncateLogs(now: t)
        sizes.append(try setup.disk.list("/data/wal").filter { $0.hasPrefix("checkpoint") }.count)
        let wanted = try database.head.allExemplars()
        database = try setup.open()
        #expect(try database.head.allExemplars() == wanted, "round \(round)")
      }
    }
    #expect(sizes.last == 1)
    let log = WALSetup(setup.disk, root: "/data")
    #expect(try log.replay().exemplars <= 40 + 8 * 4, "the ring, and the segments that are not in a checkpoint yet")
  }

  @Test("a series that left the head keeps its exemplars while the server runs, and finds them when it comes back")
  func endedSeries() throws {
    let setup = DatabaseSetup()
    let database = try setup.open()
    let writer = HeadWriter()
    let t = setup.now
    let first = Self.series(1, [(t, 1)], [Self.traced("a", t)])
    try writer.write([first], to: database.head, now: t)
    #expect(database.head.truncate(before: t + 1).seriesRemoved == 1)
    #expect(try database.head.allExemplars() == [first.identity: first.exemplars])
    let later = t + 10_000
    try writer.write([Self.series(1, [(later, 1)], [Self.traced("b", later)])], to: database.head, now: later)
    let wanted = [first.identity: [Self.traced("a", t), Self.traced("b", later)]]
    #expect(try database.head.allExemplars() == wanted)
    try setup.close(database)
    #expect(try setup.open().head.allExemplars() == wanted)
  }

  @Test(
    "a log with exemplars of nobody, with labels that are none, and in another order, is read as far as it makes sense")
  func strangeLog() throws {
    let disk = SimulatedDisk()
    let setup = WALSetup(disk, root: "/data")
    let log = try setup.open()
    var body = WALBody()
    body.addSeries([(7, Labels([("__name__", "m")]))])
    var record = ByteBuffer()
    var encoder = ExemplarsRecord()
    func add(_ ref: UInt64, _ time: Int64, _ packed: [UInt8], _ count: Int) {
      packed.withUnsafeBytes {
        encoder.append(ref: ref, timestamp: time, value: 1, labelCount: count, packedLabels: LentBytes($0), to: &record)
      }
    }
    add(7, 100, Labels([("a", "1")]).packed, 1)
    add(9, 100, Labels([("a", "1")]).packed, 1)
    add(7, 50, Labels([("b", "1")]).packed, 1)
    // Not sorted, twice the same name, not UTF-8, too long.
    add(7, 101, Labels([("b", "1")]).packed + Labels([("a", "1")]).packed, 2)
    add(7, 102, Labels([("a", "1")]).packed + Labels([("a", "2")]).packed, 2)
    add(7, 103, [1, 97, 1, 0xff], 1)
    add(7, 104, Labels([("a", String(repeating: "x", count: 700))]).packed, 1)
    add(7, 50, Labels([("b", "1")]).packed, 1)
    body.append(record)
    try log.commit(body)
    let other = DatabaseSetup()
    let database = try Database.open(
      other.options, disk: disk, clock: other.clock, log: other.kept.log, registry: MetricsRegistry())
    try database.restore()
    let found = try database.head.allExemplars()
    #expect(found.keys.map(\.description) == ["{__name__=\"m\"}"])
    #expect(found.values.first?.map(\.time) == [50, 100])
    #expect(database.head.nextReference.load(ordering: .relaxed) == 10, "a number that is in use is given to nobody")
    #expect(!other.logged("does not name"))
  }
}
