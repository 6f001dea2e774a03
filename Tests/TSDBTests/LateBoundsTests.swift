import Format
import Model
import Platform
import TestKit
import Testing

@testable import TSDB

/// How old and how new a sample may be, and what a clock that is wrong for a while costs: nothing.
@Suite struct LateBoundsTests {
  private static let minute: Int64 = 60_000
  private static let hour: Int64 = 3_600_000
  private static let day: Int64 = 86_400_000

  /// A database, what it was sent, and a clock that runs.
  private final class Bench {
    let setup = DatabaseSetup()
    let writer = HeadWriter()
    var told = DatabaseScript.Told()
    var database: Database

    init(_ change: (inout DatabaseOptions) -> Void = { _ in }) throws {
      setup.options.retentionMilliseconds = 15 * LateBoundsTests.day
      change(&setup.options)
      database = try setup.open()
    }

    @discardableResult
    func send(_ series: [SentSeries]) throws -> Set<SampleOutcome?> {
      let outcomes = try writer.write(writeRequest(series), to: database, now: setup.now)
      told.note(series, acknowledged: true)
      return Set(outcomes.flatMap { $0 })
    }

    /// A sample a minute of one series.
    @discardableResult
    func send(_ number: Int, from first: Int64, through last: Int64) throws -> Set<SampleOutcome?> {
      let times = stride(from: first, through: last, by: Int(LateBoundsTests.minute))
      return try send([SentSeries("m", number, times.map { ($0, Double($0 / 1000)) })])
    }

    /// Time goes on, with a live sender, and the head is flushed when it is due.
    func run(minutes: Int) throws {
      for _ in 0..<minutes {
        setup.clock.advance(milliseconds: LateBoundsTests.minute)
        #expect(try send([SentSeries("live", 0, [(setup.now, 1)])]) == [.accepted])
        _ = database.flushHead { false }
      }
      database.compact()
    }

    func reopen() throws { database = try setup.open() }

    func check(_ comment: String) throws {
      database.head.checkInvariants()
      let fault = DatabaseScript.fault(told, try database.everything())
      #expect(fault == nil, "\(comment)")
    }
  }

  @Test("a sender that was offline for a day brings all of it, while the others are flushed and go on")
  func senderOffline() throws {
    let bench = try Bench()
    let start = bench.setup.now
    try bench.send(1, from: start, through: start)
    try bench.run(minutes: 1440)
    #expect(bench.database.flushMark.withLock { $0 } > start + 20 * LateBoundsTests.hour)
    for first in stride(from: start + LateBoundsTests.minute, to: bench.setup.now, by: Int(LateBoundsTests.hour)) {
      let last = min(first + LateBoundsTests.hour - LateBoundsTests.minute, bench.setup.now)
      #expect(try bench.send(1, from: first, through: last).isSubset(of: [.accepted, .late]))
      // A retry of what was stored, and of what went to a file meanwhile.
      #expect(try bench.send(1, from: first, through: last).allSatisfy { $0?.isStored == true })
    }
    try bench.check("in the head")
    try bench.reopen()
    try bench.check("from the log")
    try bench.run(minutes: 180)
    try bench.check("in blocks")
    #expect(bench.database.head.lateSinceFlush == 0)
    try bench.reopen()
    try bench.check("after a start")
  }

  @Test("a server that was away for a day takes the backlog of all its senders, whatever comes first")
  func serverAway() throws {
    let bench = try Bench()
    let start = bench.setup.now
    for number in 1...3 { try bench.send(number, from: start - LateBoundsTests.hour, through: start) }
    try bench.run(minutes: 10)
    try bench.setup.close(bench.database)
    bench.setup.clock.stepWall(milliseconds: LateBoundsTests.day)
    try bench.reopen()
    // The server's own samples and a live sender are there first.
    try bench.run(minutes: 5)
    for number in 1...3 {
      let outcomes = try bench.send(number, from: start + LateBoundsTests.minute, through: bench.setup.now)
      #expect(outcomes == [.accepted], "in order, as fast as any other: nothing was flushed over it")
    }
    try bench.check("in the head")
    try bench.run(minutes: 240)
    #expect(bench.database.flushMark.withLock { $0 } > start + 20 * LateBoundsTests.hour)
    try bench.check("in blocks")
  }

  @Test("a clock that is a day ahead for twenty seconds locks nobody, also after a restart and with a short window")
  func clockStep() throws {
    for window in [nil, LateBoundsTests.hour, 0] {
      let bench = try Bench { $0.head.lateWindowMilliseconds = window }
      try bench.run(minutes: 130)
      bench.setup.clock.stepWall(milliseconds: LateBoundsTests.day)
      // The server's own samples follow its clock; so does one sender.
      #expect(try bench.send([SentSeries("own", 0, [(bench.setup.now, 1)])]) == [.accepted])
      #expect(try bench.send([SentSeries("m", 1, [(bench.setup.now, 1)])]) == [.accepted])
      _ = bench.database.flushHead { false }
      bench.database.compact()
      bench.setup.clock.advance(milliseconds: 20_000)
      bench.setup.clock.stepWall(milliseconds: -LateBoundsTests.day)
      #expect(bench.database.flushMark.withLock { $0 } <= bench.setup.now)
      for step in 0..<3 {
        try bench.run(minutes: 5)
        #expect(try bench.send([SentSeries("other", 2, [(bench.setup.now, 5)])]) == [.accepted])
        #expect(try bench.send([SentSeries("other", 3 + step, [(bench.setup.now, 5)])]) == [.accepted])
        if window != 0 {
          #expect(try bench.send([SentSeries("m", 1, [(bench.setup.now, 6)])]) == [.late])
        }
        try bench.reopen()
      }
      try bench.run(minutes: 300)
      if window != 0 { try bench.check("\(String(describing: window))") }
    }
  }

  @Test("a clock that is years ahead drops nothing, at a start neither, before it has stayed there for an hour")
  func yearsAhead() throws {
    let bench = try Bench()
    try bench.run(minutes: 300)
    let newest = bench.database.head.timeRange?.upperBound
    bench.setup.clock.stepWall(milliseconds: 1000 * LateBoundsTests.day)
    for isRestarted in [false, true] {
      if isRestarted { try bench.reopen() }
      _ = bench.database.flushHead { false }
      bench.database.compact()
      try bench.check("restarted: \(isRestarted)")
      #expect(bench.database.head.timeRange?.upperBound == newest)
      bench.setup.clock.advance(milliseconds: 50 * LateBoundsTests.minute)
    }
    bench.database.compact()
    bench.setup.clock.advance(milliseconds: 61 * LateBoundsTests.minute)
    // Now it is believed.
    bench.database.compact()
    #expect(bench.database.head.seriesCount == 0)
  }

  @Test("what is older than the retention is refused by the clock, and so is what is ten minutes ahead of it")
  func limits() throws {
    let bench = try Bench { $0.retentionMilliseconds = LateBoundsTests.day }
    let now = bench.setup.now
    #expect(try bench.send([SentSeries("m", 1, [(now, 1)])]) == [.accepted])
    #expect(try bench.send([SentSeries("m", 1, [(now - LateBoundsTests.day, 1)])]) == [.late])
    #expect(try bench.send([SentSeries("m", 1, [(now - LateBoundsTests.day - 1, 1)])]) == [.tooOld])
    #expect(try bench.send([SentSeries("m", 2, [(now - LateBoundsTests.day, 1)])]) == [.accepted])
    #expect(try bench.send([SentSeries("m", 3, [(now - LateBoundsTests.day - 1, 1)])]) == [.tooOld])
    #expect(try bench.send([SentSeries("m", 1, [(now + 600_000, 1)])]) == [.accepted])
    #expect(try bench.send([SentSeries("m", 1, [(now + 600_001, 1)])]) == [.tooFarInFuture])
  }

  @Test("a window is measured by the clock: who is ahead of it takes nothing from others")
  func shortWindow() throws {
    let bench = try Bench { $0.head.lateWindowMilliseconds = LateBoundsTests.hour }
    let now = bench.setup.now
    try bench.send([SentSeries("ahead", 1, [(now + 600_000, 1)]), SentSeries("m", 1, [(now, 1)])])
    #expect(try bench.send([SentSeries("m", 1, [(now - LateBoundsTests.hour, 1)])]) == [.late])
    #expect(try bench.send([SentSeries("m", 1, [(now - LateBoundsTests.hour - 1, 1)])]) == [.tooOld])
    #expect(try bench.send([SentSeries("m", 2, [(now - LateBoundsTests.hour, 1)])]) == [.accepted])
  }

  @Test("what slipped in is told, and once it is deleted it is gone for good, and what really comes then stays")
  func slippedIn() throws {
    let bench = try Bench()
    try bench.run(minutes: 30)
    try bench.send(1, from: bench.setup.now - 600_000, through: bench.setup.now)
    #expect(bench.database.head.samplesAhead().seriesCount == 0)
    let told = bench.told
    bench.setup.clock.stepWall(milliseconds: 6 * LateBoundsTests.hour)
    let wrong = bench.setup.now
    try bench.send([SentSeries("m", 1, [(wrong, -1), (wrong + 1, -2)]), SentSeries("wrong", 1, [(wrong, -1)])])
    bench.setup.clock.stepWall(milliseconds: -6 * LateBoundsTests.hour)
    bench.told = told
    let ahead = bench.database.head.samplesAhead()
    #expect(ahead.seriesCount == 2 && ahead.newestTime == wrong + 1 && ahead.example != nil)
    try bench.database.delete(
      [try CompiledMatcher(Matcher(.regex, "__name__", "m|wrong"))],
      in: (bench.setup.now + 1)...(wrong + LateBoundsTests.day))
    for step in 0..<3 {
      try bench.check("deleted, \(step)")
      let ahead = bench.database.head.samplesAhead()
      #expect(ahead.seriesCount == 0 && ahead.newestTime == bench.setup.now)
      try bench.run(minutes: 1)
      #expect(try bench.send([SentSeries("m", 1, [(bench.setup.now, 7)])]) == [.accepted], "it goes on in order")
      if step == 0 { try bench.reopen() }
      if step == 1 {
        try bench.setup.close(bench.database)
        try bench.reopen()
      }
    }
    // The time that was deleted comes, and its samples stay.
    for _ in 0..<400 {
      try bench.run(minutes: 1)
      #expect(try bench.send([SentSeries("m", 1, [(bench.setup.now + 7, 8)])]) == [.accepted])
    }
    try bench.check("when the time has come")
    try bench.reopen()
    try bench.check("restarted then")
    try bench.run(minutes: 200)
    try bench.check("flushed")
  }

  @Test("samples of one series in any order are all there, at once, after a start and in blocks", arguments: 0...2)
  func anyOrder(kind: Int) throws {
    let bench = try Bench()
    var random = RandomSource(seed: UInt64(kind + 1))
    try bench.run(minutes: 300)
    let newest = bench.setup.now - 1
    var samples = (0..<60_000).map { (newest - Int64($0) * 250, Double($0 % 977)) }
    if kind == 1 { samples.shuffle(using: &random) }
    if kind == 2 { samples = zip(samples[..<30_000], samples[30_000...]).flatMap { [$0, $1] } }
    let outcomes = try bench.send([SentSeries("m", 1, samples)])
    #expect(outcomes.isSubset(of: [.accepted, .late]))
    try bench.check("at once")
    try bench.reopen()
    try bench.check("from the log")
    bench.database.writeCompletedChunks()
    try bench.check("in files")
    let chunks = bench.database.head.chunkCount
    try bench.reopen()
    try bench.check("from files and the log")
    #expect(bench.database.head.chunkCount <= chunks + 200, "what is in files is not taken in once more")
    try bench.run(minutes: 240)
    try bench.check("in blocks")
  }

  @Test("many late samples do not wait for the next border, and late ones never for more than two hours of any clock")
  func lateFlush() throws {
    let bench = try Bench()
    try bench.run(minutes: 300)
    let mark = bench.database.flushMark.withLock { $0 }
    try bench.send(1, from: mark - 5 * LateBoundsTests.hour, through: mark - LateBoundsTests.hour)
    #expect(bench.database.head.lateSinceFlush == 241)
    #expect(!bench.database.flushHead { false })
    bench.setup.clock.advance(milliseconds: 2 * LateBoundsTests.hour)
    bench.setup.clock.stepWall(milliseconds: -3 * LateBoundsTests.hour)
    #expect(bench.database.flushHead { false })
    #expect(bench.database.head.lateSinceFlush == 0 && bench.database.flushMark.withLock { $0 } == mark)
    try bench.check("in late blocks")
    #expect(bench.database.blocks.current.blocks.contains { $0.meta.isLate })
  }

  @Test("a backlog of years becomes a few blocks, none beyond what is flushed")
  func flushRanges() {
    let two = HeadShard.chunkRangeMilliseconds
    let lengths = CompactionRanges(retentionMilliseconds: 0).milliseconds
    let flushed = DatabaseSetup.epoch
    let few = (1...5).map { flushed - $0 * two }.sorted() + [flushed]
    #expect(Database.flushRanges(few, flushed: flushed, lengths) == few.map { $0..<($0 + two) })
    let years = (1...8760).map { flushed - $0 * two }.sorted() + [flushed, flushed + two]
    let ranges = Database.flushRanges(years, flushed: flushed, lengths)
    #expect(ranges.count < 200 && ranges.suffix(2).map(\.lowerBound) == [flushed, flushed + two])
    for (one, next) in zip(ranges, ranges.dropFirst()) { #expect(one.upperBound <= next.lowerBound) }
    #expect(years.allSatisfy { start in ranges.contains { $0.contains(start) && $0.contains(start + two - 1) } })
    #expect(ranges.allSatisfy { $0.upperBound <= flushed || $0.upperBound - $0.lowerBound == two })
  }
}

@Suite struct SteadyTimeTests {
  private static let hour: Int64 = 3_600_000

  @Test("what passes and small corrections count at once, jumps ahead after an hour, jumps back at once")
  func steps() {
    let hour = SteadyTimeTests.hour
    var time = SteadyTime(wall: 1000 * hour, monotonic: 0)
    #expect(time.now(wall: 1001 * hour, monotonic: hour) == 1001 * hour)
    #expect(time.now(wall: 1002 * hour + 500, monotonic: 2 * hour) == 1002 * hour + 500)
    #expect(time.now(wall: 1000 * hour, monotonic: 2 * hour) == 1000 * hour)
    #expect(time.now(wall: 2000 * hour, monotonic: 2 * hour + 1) == 1000 * hour + 1)
    #expect(time.now(wall: 2000 * hour + 2, monotonic: 3 * hour) == 1001 * hour)
    #expect(time.now(wall: 2001 * hour + 1, monotonic: 3 * hour + 1) == 2001 * hour + 1)
    #expect(time.now(wall: .max, monotonic: 3 * hour + 2) == 2001 * hour + 2)
    #expect(time.now(wall: .min, monotonic: 3 * hour + 3) == .min)
  }

  @Test("a start believes the newest sample until an hour has passed, and the clock where there is none")
  func starts() {
    let hour = SteadyTimeTests.hour
    var time = SteadyTime(wall: 1000 * hour, monotonic: 7, newest: 900 * hour)
    #expect(time.now(wall: 1000 * hour + 1, monotonic: 8) == 900 * hour + 1)
    #expect(time.now(wall: 1001 * hour, monotonic: 7 + hour) == 1001 * hour)
    time = SteadyTime(wall: 1000 * hour, monotonic: 7, newest: 1200 * hour)
    #expect(time.now(wall: 1000 * hour + 1, monotonic: 8) == 1000 * hour + 1)
    time = SteadyTime(wall: 1000 * hour, monotonic: 7)
    #expect(time.now(wall: 1000 * hour, monotonic: 7) == 1000 * hour)
  }
}
