import Format
import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import TSDB

@Suite struct HistogramHeadTests {
  private struct Told {
    var sent: PlainHistograms = [:]
    var acknowledged: PlainHistograms = [:]
    var time = DatabaseSetup.epoch
    var round = 0
  }

  private enum Step { case write(Int64), late, flush, snapshot, truncateLogs, reopen, kill }

  private static let story: [Step] = [
    .write(15_000), .write(15_000), .late, .write(15_000), .snapshot, .write(15_000), .late, .kill, .write(5_400_000),
    .truncateLogs, .write(5_400_000), .late, .flush, .truncateLogs, .write(15_000), .kill, .late, .reopen,
    .write(5_400_000), .write(5_400_000), .flush, .truncateLogs, .snapshot, .write(15_000), .late, .truncateLogs,
    .write(15_000),
  ]

  private func write(_ writer: HistogramWriter, _ database: Database, _ told: inout Told, isLate: Bool) {
    told.round += 1
    let body = (0..<4).map { number -> SentHistograms in
      let time = isLate ? told.time - 61_000 - Int64(told.round) : told.time
      var histogram = grownHistogram(told.round * 2 + number, gauge: number == 2)
      if number == 3 && told.round % 4 == 0 {
        histogram = Histogram()
        histogram.sum = StaleMarker.value
      }
      return SentHistograms(number == 0 ? 100 + told.round : number, [(time, histogram)])
    }
    var isAcknowledged = true
    do {
      let outcomes = try writer.write(body, to: database.head, now: told.time)
      #expect(outcomes.allSatisfy { $0?.isStored == true }, "\(outcomes)")
    } catch {
      isAcknowledged = false
    }
    for one in body {
      for (time, histogram) in one.histograms {
        told.sent[one.identity, default: [:]][time] = histogram
        if isAcknowledged { told.acknowledged[one.identity, default: [:]][time] = histogram }
      }
    }
  }

  private func tell(_ setup: DatabaseSetup, _ told: inout Told) {
    let writer = HistogramWriter()
    var database = try? setup.open()
    for step in HistogramHeadTests.story {
      guard let open = database else { return }
      switch step {
      case .write(let advance):
        told.time += advance
        setup.clock.advance(milliseconds: advance)
        write(writer, open, &told, isLate: false)
      case .late: write(writer, open, &told, isLate: true)
      case .flush:
        _ = open.flushHead { false }
        open.compact()
      case .snapshot: open.writeSnapshot()
      case .truncateLogs: open.truncateLogs(now: told.time)
      case .reopen:
        try? setup.close(open)
        database = nil
        database = try? setup.open()
      case .kill:
        database = nil
        database = try? setup.open()
      }
      if setup.disk.isStopped { return }
    }
  }

  @Test("a story of histograms ends with all of them, in the head and in whole blocks")
  func whole() throws {
    let setup = DatabaseSetup()
    var told = Told()
    tell(setup, &told)
    let database = try setup.open()
    #expect(fault(acknowledged: told.acknowledged, sent: told.sent, found: try database.allHistograms()) == nil)
    let blocks = database.blocks.current.blocks
    #expect(!blocks.isEmpty && blocks.contains { $0.meta.stats.histogramSamples > 0 })
    for block in blocks {
      let verification = try BlockVerification(block.directory, on: setup.disk)
      #expect(verification.isWhole, "\(verification.findings)")
    }
  }

  @Test(
    "every acknowledged histogram is there after a crash at any disk operation",
    arguments: [SimulatedCrash.processOnly, .allLost, .torn, .scattered])
  func crash(kind: SimulatedCrash) throws {
    let sync = kind == .processOnly ? WALSync.interval : .always
    let whole = DatabaseSetup(sync: sync)
    var all = Told()
    tell(whole, &all)
    let step = max(1, whole.disk.operationCount / 60)
    for stop in stride(from: 1, through: whole.disk.operationCount, by: step) {
      let setup = DatabaseSetup(sync: sync)
      var told = Told()
      setup.disk.stop(afterOperation: stop)
      tell(setup, &told)
      setup.disk.crash(kind, seed: UInt64(stop))
      for round in 1...2 {
        let database = try setup.open()
        let found = try database.allHistograms()
        let fault = fault(acknowledged: told.acknowledged, sent: told.sent, found: found)
        #expect(fault == nil, "\(kind) after operation \(stop), start \(round)")
        if fault != nil { return }
      }
    }
  }

  @Test("the same histogram again is a success, another one of its time is not")
  func duplicates() throws {
    let setup = DatabaseSetup()
    let database = try setup.open()
    let writer = HistogramWriter()
    let now = DatabaseSetup.epoch
    func send(_ time: Int64, _ count: Int) throws -> SampleOutcome? {
      try writer.write([SentHistograms(1, [(time, grownHistogram(count))])], to: database.head, now: now)[0]
    }
    #expect(try send(now - 30_000, 5) == .accepted)
    #expect(try send(now, 9) == .accepted)
    #expect(try send(now, 9) == .duplicate)
    #expect(try send(now, 10) == .conflict)
    #expect(try send(now - 15_000, 7) == .late)
    #expect(try send(now - 15_000, 7) == .lateDuplicate)
    #expect(try send(now - 30_000, 5) == .duplicate)
    #expect(try send(now - 7_200_000, 1) == .late)
    #expect(try send(now + 3_600_000, 20) == .tooFarInFuture)
    #expect(try database.allHistograms().values.first?.count == 4)
  }

  @Test("histograms that could not be logged and came again are there after the logs were shortened and a kill")
  func retries() throws {
    let setup = DatabaseSetup()
    var database = try setup.open()
    let writer = HistogramWriter()
    let now = DatabaseSetup.epoch
    let times = (0..<5).map { (now - 60_000 + Int64($0) * 15_000, grownHistogram($0)) }
    let body = [SentHistograms(1, times)]
    setup.disk.inject(SimulatedFault(code: 28) { operation, _ in operation.isCounted })
    #expect(throws: WALError.self) { try writer.write(body, to: database.head, now: now) }
    setup.disk.removeFaults()
    let outcomes = try writer.write(body, to: database.head, now: now)
    #expect(outcomes.allSatisfy { $0 == .duplicate }, "\(outcomes)")
    database.truncateLogs(now: now)
    database = try setup.open()
    #expect(try database.allHistograms().values.first?.count == 5)
  }

  @Test("late histograms of a time that is in blocks are taken in any order, and are there after a kill and in blocks")
  func lateOfFlushedTimes() throws {
    let setup = DatabaseSetup()
    var database = try setup.open()
    let writer = HistogramWriter()
    var told = Told()
    func send(_ number: Int, _ time: Int64, _ count: Int) throws {
      let body = [SentHistograms(number, [(time, grownHistogram(count))])]
      let outcomes = try writer.write(body, to: database.head, now: setup.now)
      #expect(outcomes.allSatisfy { $0?.isStored == true }, "\(outcomes)")
      told.acknowledged[body[0].identity, default: [:]][time] = body[0].histograms[0].1
      told.sent = told.acknowledged
    }
    func check(_ comment: String) throws {
      let fault = fault(acknowledged: told.acknowledged, sent: told.sent, found: try database.allHistograms())
      #expect(fault == nil, "\(comment)")
    }
    for minute in 0..<360 {
      setup.clock.advance(milliseconds: 60_000)
      try send(1, setup.now, minute % 50)
      _ = database.flushHead { false }
    }
    let mark = database.flushMark.withLock { $0 }
    #expect(mark > DatabaseSetup.epoch)
    // Back in time, and a series that nobody knows any more.
    for step in 1...100 {
      try send(1, mark - Int64(step) * 61_000 - 7, 60 + step % 7)
      try send(2, DatabaseSetup.epoch - 86_400_000 + Int64(step) * 60_000, step % 9)
    }
    try check("at once")
    database = try setup.open()
    try check("from the log")
    database.truncateLogs(now: setup.now)
    database = try setup.open()
    try check("from the shortened log")
    try setup.close(database)
    database = try setup.open()
    try check("from the snapshot")
    for minute in 360..<600 {
      setup.clock.advance(milliseconds: 60_000)
      try send(1, setup.now, minute % 50)
      _ = database.flushHead { false }
    }
    try check("in blocks")
    database.truncateLogs(now: setup.now)
    let late = database.head.shards.map { shard in
      shard.state.withLock { $0.histograms.series.values.reduce(0) { $0 + $1.lateChunks.count } }
    }
    #expect(late.allSatisfy { $0 == 0 }, "\(late)")
    database = try setup.open()
    try check("in blocks, after a start")
  }
}
