import Format
import Model
import Platform
import TestKit
import Testing

@testable import TSDB

@Suite struct DatabaseFlushTests {
  /// Bodies a minute apart for some hours, with late samples and series that end.
  private struct Story {
    let setup = DatabaseSetup()
    var told = DatabaseScript.Told()
    var minute = 0
    let writer = HeadWriter()

    mutating func run(_ database: Database, minutes: Int, flushing: Bool = true) throws {
      for _ in 0..<minutes {
        minute += 1
        told.time += 60_000
        setup.clock.advance(milliseconds: 60_000)
        var body: [SentSeries] = []
        for number in 0..<10 where number < 8 || minute / 100 == number - 8 {
          body.append(SentSeries("m", number, [(told.time, Double(minute * number % 97))]))
        }
        if minute % 7 == 0 { body.append(SentSeries("late", minute % 3, [(told.time - 1_800_000, Double(minute))])) }
        try writer.write(body, to: database.head, now: told.time)
        told.note(body, acknowledged: true)
        if flushing && minute % 5 == 0 {
          _ = database.flushHead { false }
          if minute % 60 == 0 { database.compact() }
        }
      }
    }
  }

  @Test("a day goes through the head into compacted blocks, and every sample is read, also after a restart")
  func day() throws {
    var story = Story()
    var database = try story.setup.open()
    try story.run(database, minutes: 1440)
    #expect(DatabaseScript.fault(story.told, try database.everything()) == nil)
    let metas = database.blocks.current.blocks.map(\.meta)
    #expect(metas.contains { $0.compaction.level > 1 } && metas.count < 8, "\(metas.count)")
    // What is in blocks is not in the head: three hours of eight series and a few late ones.
    let inHead = try database.head.everything().values.reduce(0) { $0 + $1.count }
    #expect(inHead < 8 * 190 && inHead > 8 * 60)
    #expect(database.head.seriesCount < 14)
    try story.setup.close(database)
    database = try story.setup.open()
    #expect(DatabaseScript.fault(story.told, try database.everything()) == nil)
    #expect(try database.head.everything().values.reduce(0) { $0 + $1.count } <= inHead)
    // And without the snapshot: what is flushed does not come back from the log.
    try story.setup.disk.removeFile("/data/apus.head")
    database = try story.setup.open()
    #expect(DatabaseScript.fault(story.told, try database.everything()) == nil)
    #expect(try database.head.everything().values.reduce(0) { $0 + $1.count } <= inHead)
    let blocksBefore = database.blocks.current.blocks.count
    try story.run(database, minutes: 200)
    #expect(DatabaseScript.fault(story.told, try database.everything()) == nil)
    #expect(database.blocks.current.blocks.count <= blocksBefore + 3)
  }

  @Test("a reader that began before a flush reads everything")
  func readers() throws {
    var story = Story()
    let database = try story.setup.open()
    try story.run(database, minutes: 240, flushing: false)
    let selection = try database.select(
      [try CompiledMatcher(Matcher(.equal, "instance", "host-1"))], from: .min, through: .max)
    // The reader holds its epoch: the data stays until it is done, so the flush is told that the server ends.
    var polls = 0
    let flushed = database.flushHead {
      polls += 1
      return polls > 60
    }
    #expect(!flushed)
    var scratch = DatabaseReadScratch()
    var samples = SeriesSamples()
    selection.read(0, from: .min, through: .max, &scratch, into: &samples)
    #expect(samples.count == 240)
    #expect(DatabaseScript.fault(story.told, try database.everything()) == nil)
  }

  @Test("a retry of a sample that is in a block by now is a success")
  func retries() throws {
    var story = Story()
    let database = try story.setup.open()
    let body = [SentSeries("m", 1, [(story.told.time + 60_000, 1.5)])]
    try story.writer.write(body, to: database.head, now: story.told.time)
    story.told.note(body, acknowledged: true)
    try story.run(database, minutes: 400)
    #expect(database.blocks.current.blocks.count > 0)
    let identity = SentSeries("m", 2, []).identity
    let oldest = (story.told.sent[identity] ?? [:]).sorted { $0.key < $1.key }.prefix(3)
    #expect(oldest.count == 3)
    let again = try story.writer.write(
      writeRequest([SentSeries("m", 2, oldest.map { ($0.key, Double(bitPattern: $0.value)) })]), to: database,
      now: story.told.time)
    #expect(again == [[.late, .late, .late]], "\(again)")
    // Another value for the time of one that is in a block: taken as late, but the first to come counts.
    let next = (story.told.sent[identity] ?? [:]).sorted { $0.key < $1.key }[4]
    let other = try story.writer.write(
      writeRequest([SentSeries("m", 2, [(next.key, -1)])]), to: database, now: story.told.time)
    #expect(other == [[.late]], "\(other)")
    for _ in 0..<2 {
      #expect(try database.everything()[identity]?[next.key] == next.value)
      try story.run(database, minutes: 200)
    }
  }

  @Test("what is deleted from the head stays deleted, through a flush and a restart")
  func deletions() throws {
    var story = Story()
    var database = try story.setup.open()
    try story.run(database, minutes: 100)
    let range = (DatabaseSetup.epoch + 600_000)...(DatabaseSetup.epoch + 3_000_000)
    try database.delete([try CompiledMatcher(Matcher(.equal, "instance", "host-1"))], in: range)
    for (labels, samples) in story.told.sent
    where labels.withValue(of: "instance", { $0?.elementsEqual("host-1".utf8) == true }) {
      story.told.sent[labels] = samples.filter { !range.contains($0.key) }
      story.told.acknowledged[labels] = story.told.sent[labels]
    }
    #expect(DatabaseScript.fault(story.told, try database.everything()) == nil)
    database = try story.setup.open()
    #expect(DatabaseScript.fault(story.told, try database.everything()) == nil)
    try story.run(database, minutes: 200)
    #expect(database.blocks.current.blocks.count > 0)
    #expect(DatabaseScript.fault(story.told, try database.everything()) == nil)
    database = try story.setup.open()
    #expect(DatabaseScript.fault(story.told, try database.everything()) == nil)
    #expect(database.head.deletions.all.isEmpty)
  }
}
