import Format
import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import TSDB

@Suite struct LogHoldTests {
  /// A database with two series whose samples come a minute apart, a third one now and then, and late ones.
  private final class Story {
    let setup: DatabaseSetup
    var database: Database
    private(set) var told = DatabaseScript.Told()
    private let writer = HeadWriter()

    init(_ setup: DatabaseSetup = DatabaseSetup()) throws {
      self.setup = setup
      database = try setup.open()
    }

    var wal: WriteAheadLog { database.writeAheadLog }
    var wbl: WriteAheadLog { database.lateLog }

    func run(minutes: Int, withThird: Bool = false, withLate: Bool = false) throws {
      for minute in 0..<minutes {
        told.time += 60_000
        setup.clock.advance(milliseconds: 60_000)
        var body = (0..<(withThird ? 3 : 2)).map { SentSeries("m", $0, [(told.time, Double(minute + $0))]) }
        if withLate { body.append(SentSeries("m", 0, [(told.time - 30_000, Double(minute) + 0.5)])) }
        do {
          try writer.write(body, to: database.head, now: told.time)
          told.note(body, acknowledged: true)
        } catch {
          told.note(body, acknowledged: false)
          throw error
        }
      }
    }

    /// Shortens the logs again and again.
    func shorten(_ times: Int = 4, withLate: Bool = false) throws {
      for _ in 0..<times {
        database.truncateLogs(now: told.time)
        try run(minutes: 1, withLate: withLate)
      }
    }

    func kill() throws { database = try setup.open() }

    func fault() throws -> String? { try DatabaseScript.fault(told, database.everything()) }

    func segments(_ log: WriteAheadLog) throws -> [Int] { try log.directory.segments() }
  }

  @Test(
    "held segments stay behind a checkpoint that stands for them, a start does not read them, and they go when they are released"
  )
  func held() throws {
    let story = try Story()
    story.wal.hold("east", from: 0)
    try story.run(minutes: 100)
    try story.shorten(12)
    let covered = try #require(try story.wal.directory.checkpoints().last)
    let other = try Story()
    try other.run(minutes: 100)
    try other.shorten(12)
    #expect(try covered >= 2 && other.wal.directory.checkpoints() == [covered], "as far as where nothing is held")
    #expect(try story.segments(story.wal).first == 0)
    try story.kill()
    #expect(story.database.replayed.first == covered + 1)
    #expect(try story.fault() == nil)
    var followed = Followed()
    var follower = LogFollower(story.wal, from: WALPosition(segment: 0, offset: 0))
    try follower.read(into: &followed)
    #expect(followed.samples.count == 2 * 112 && followed.losses.isEmpty)
    // Nothing is left that a hold of a younger segment does not ask for.
    story.wal.hold("east", from: covered)
    story.wal.hold("west", from: covered - 1)
    try story.shorten(1)
    let base = try story.wal.directory.checkpoints().last { $0 < covered - 1 } ?? -1
    #expect(try story.segments(story.wal).first == base + 1)
    story.wal.release("west")
    story.wal.release("east")
    try story.shorten(3)
    let last = try #require(try story.wal.directory.checkpoints().last)
    #expect(try story.wal.directory.checkpoints() == [last] && last > covered)
    #expect(try story.segments(story.wal).first == last + 1)
    #expect(try story.fault() == nil)
    #expect(!story.setup.logged("still to be read"))
  }

  @Test(
    "past the limit the oldest held segments go, an error names whose they were, and the follower is told what it lost")
  func limit() throws {
    let setup = DatabaseSetup()
    setup.options.heldLogBytesMax = 3 * WALPage.pageBytes
    let story = try Story(setup)
    story.wal.hold("east", from: 0)
    var follower = LogFollower(story.wal, from: WALPosition(segment: 0, offset: 0))
    for _ in 0..<12 {
      try story.shorten(1)
      let covered = try story.wal.directory.checkpoints().last ?? -1
      let held = try story.segments(story.wal).filter { $0 <= covered }
      let bytes = try held.reduce(0) { try $0 + setup.disk.status(story.wal.directory.segmentPath($1)).size }
      #expect(bytes <= setup.options.heldLogBytesMax)
    }
    let first = try #require(try story.segments(story.wal).first)
    #expect(first > 0)
    #expect(setup.logged("still to be read") && setup.logged("held_by=east"))
    var followed = Followed()
    try follower.read(into: &followed)
    #expect(followed.losses == [WALPosition(segment: first, offset: 0)])
    #expect(followed.samples.count > 0 && followed.samples.count < 24)
    #expect(try story.fault() == nil)
  }

  @Test("once the disk is nearly full nothing is held")
  func fullDisk() throws {
    let setup = DatabaseSetup()
    setup.options.freeBytesMin = 1 << 20
    let story = try Story(setup)
    story.wal.hold("east", from: 0)
    try story.run(minutes: 30)
    try story.shorten(5)
    var space = FreeSpaceGuard()
    setup.disk.setFreeBytes(4 << 20)
    story.database.watchSpace(&space, setup.options.freeBytesMin)
    #expect(try story.segments(story.wal).first == 0)
    setup.disk.setFreeBytes(2 << 20 - 1)
    story.database.watchSpace(&space, setup.options.freeBytesMin)
    #expect(!space.isClosed && setup.logged("held_by=east"))
    let covered = try #require(try story.wal.directory.checkpoints().last)
    #expect(try story.segments(story.wal).first == covered + 1)
  }

  @Test("the log of late samples is held too, and a start without a snapshot does not read what is only held")
  func late() throws {
    let story = try Story()
    story.wbl.hold("east", from: 0)
    try story.run(minutes: 20, withLate: true)
    try story.shorten(5, withLate: true)
    let covered = try #require(try story.wbl.directory.checkpoints().last)
    #expect(try story.segments(story.wbl).first == 0)
    var followed = Followed()
    var follower = LogFollower(story.wbl, from: WALPosition(segment: 0, offset: 0))
    try follower.read(into: &followed)
    #expect(followed.samples.count == 25 && followed.losses.isEmpty)
    try story.kill()
    #expect(try story.fault() == nil)
    let plan = try ReplayPlan(story.wbl.directory, from: nil, before: .max)
    #expect(plan.sources.filter { !$0.isCheckpoint }.map(\.number).first == covered + 1)
    try story.shorten(2)
    #expect(try story.segments(story.wbl).first ?? 0 > covered, "a hold ends with the process")
    #expect(try story.wbl.directory.checkpoints().isEmpty)
    #expect(try story.fault() == nil)
  }

  @Test(
    "a crash at any disk operation while logs are held loses nothing, and a follower with a stored position still reads all"
  )
  func crashes() throws {
    func tell(_ setup: DatabaseSetup) throws -> (Story, (any Error)?) {
      let story = try Story(setup)
      story.wal.hold("east", from: 0)
      story.wbl.hold("east", from: 0)
      do {
        try story.run(minutes: 5, withLate: true)
        try story.shorten(4, withLate: true)
        return (story, nil)
      } catch { return (story, error) }
    }
    let whole = try tell(DatabaseSetup(sync: .always)).0.setup.disk.operationCount
    let first = try Story(DatabaseSetup(sync: .always)).setup.disk.operationCount
    for stop in (first + 1)...whole {
      let setup = DatabaseSetup(sync: .always)
      setup.disk.stop(afterOperation: stop)
      let (story, error) = try tell(setup)
      if let error { #expect(setup.disk.isStopped, "\(error)") }
      setup.disk.crash(seed: UInt64(stop))
      try story.kill()
      #expect(try story.fault() == nil, "after operation \(stop)")
      for (log, each) in [(story.wal, 2), (story.wbl, 1)] {
        var followed = Followed()
        var follower = LogFollower(log, from: WALPosition(segment: 0, offset: 0))
        try follower.read(into: &followed)
        #expect(followed.losses.isEmpty, "after operation \(stop)")
        let minutes = Int(story.told.time - DatabaseScript.Told().time) / 60_000
        #expect(followed.samples.count >= each * (minutes - 1), "after operation \(stop)")
      }
      story.wal.hold("east", from: 0)
      story.wbl.hold("east", from: 0)
      try story.shorten(2, withLate: true)
      #expect(try story.segments(story.wal).first == 0 && story.segments(story.wbl).first == 0)
      try story.kill()
      #expect(try story.fault() == nil, "after operation \(stop), and once more")
    }
  }

  @Test(
    "series that ended while the log was held keep their names for whoever reads their samples later",
    arguments: [false, true])
  func names(_ isKilled: Bool) throws {
    let story = try Story()
    try story.run(minutes: 30, withThird: true)
    try story.shorten(3)
    for _ in 0..<9 {
      try story.run(minutes: 1, withThird: true)
      try story.wal.cutSegment()
    }
    let position = story.wal.position
    story.wal.hold("east", from: position.segment)
    try story.run(minutes: 60, withThird: true)
    try story.run(minutes: 300)
    #expect(story.database.flushHead { false })
    #expect(story.database.head.seriesCount == 2)
    #expect(story.database.writeSnapshot() > 0)
    if isKilled {
      try story.kill()
      story.wal.hold("east", from: position.segment)
    }
    // Makes the checkpoint before the position, once the series has ended.
    try story.shorten(1)
    let checkpoint = try #require(try story.wal.directory.checkpoints().last)
    #expect(checkpoint < position.segment && checkpoint > 3)
    try story.shorten(8)
    #expect(try story.wal.directory.checkpoints().first ?? .max < position.segment)
    // The follower has come up to there, and is started anew.
    let later = WALPosition(segment: position.segment, offset: position.offset)
    var followed = Followed()
    followed.series = try Followed.names(of: story.wal, before: later)
    var follower = LogFollower(story.wal, from: later)
    try follower.read(into: &followed)
    #expect(followed.samples.allSatisfy { followed.series[$0.ref] != nil })
    #expect(Set(followed.samples.map(\.ref)).count == 3)
    // Once nobody reads there any more, the name goes.
    story.wal.hold("east", from: story.wal.position.segment)
    try story.shorten(8)
    story.wal.hold("east", from: story.wal.position.segment)
    try story.shorten(2)
    let names = try Followed.names(of: story.wal, before: story.wal.position)
    #expect(names.count == 2, "\(names)")
  }

  @Test("histograms that the log repeats, to be shortened or mended, are given once")
  func repetitions() throws {
    let setup = DatabaseSetup()
    let database = try setup.open()
    let histograms = HistogramWriter()
    let floats = HeadWriter()
    let (wal, wbl) = (database.head.files.wal, database.head.files.wbl)
    wal.hold("east", from: 0)
    wbl.hold("east", from: 0)
    var time = setup.now
    var (inOrder, late) = (Followed(), Followed())
    var follower = LogFollower(wal, from: wal.position)
    var lateFollower = LogFollower(wbl, from: wbl.position)
    for round in 0..<6 {
      time += 60_000
      setup.clock.advance(milliseconds: 60_000)
      try histograms.write([SentHistograms(1, [(time, grownHistogram(round))])], to: database.head, now: time)
      try histograms.write(
        [SentHistograms(1, [(time - 30_000, grownHistogram(round))])], to: database.head, now: time)
      try floats.write([SentSeries("m", 1, [(time, 1), (time - 30_000, 2)])], to: database.head, now: time)
      database.truncateLogs(now: time)
      if round == 3 { #expect(database.logAgain()) }
      if round % 2 == 1 {
        try follower.read(into: &inOrder)
        try lateFollower.read(into: &late)
      }
    }
    #expect(inOrder.histograms.count == 6 && Set(inOrder.histograms).count == 6)
    #expect(late.histograms.count == 6 && Set(late.histograms).count == 6)
    #expect(inOrder.losses.isEmpty && late.losses.isEmpty)
  }
}
