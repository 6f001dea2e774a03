import Format
import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import TSDB

/// The log alone brings back all that is not in blocks or chunk files, whatever the head's snapshot was and whenever it goes.
@Suite struct NamesInLogTests {
  private final class Story {
    let setup = DatabaseSetup()
    var database: Database
    private(set) var told = DatabaseScript.Told()
    private let floats = HeadWriter()
    private let histograms = HistogramWriter()
    private var histogramCount = 0

    init() throws { database = try setup.open() }

    /// A sample a minute of two series and, where wanted, of a third one; a histogram a minute.
    func run(minutes: Int, withThird: Bool = true) throws {
      for minute in 0..<minutes {
        told.time += 60_000
        setup.clock.advance(milliseconds: 60_000)
        let body = (0..<(withThird ? 3 : 2)).map { SentSeries("m", $0, [(told.time, Double(minute + $0))]) }
        try floats.write(body, to: database.head, now: told.time)
        told.note(body, acknowledged: true)
        try histograms.write(
          [SentHistograms(1, [(told.time, grownHistogram(histogramCount))])], to: database.head, now: told.time)
        histogramCount += 1
      }
    }

    /// A late sample into each of three segments of the log of late samples, behind another one.
    func runLate() throws {
      for round in 0..<3 {
        try run(minutes: 1)
        let body = [SentSeries("late", 1, [(told.time, Double(round)), (told.time - 1_000_000, Double(round))])]
        try floats.write(body, to: database.head, now: told.time)
        told.note(body, acknowledged: true)
        try database.head.files.wbl.cutSegment()
      }
    }

    func shorten() throws {
      for _ in 0..<4 {
        database.truncateLogs(now: told.time)
        try run(minutes: 1, withThird: false)
      }
    }

    func kill() throws { database = try setup.open() }

    func loseSnapshot() throws {
      for name in try setup.disk.list("/data") where name.hasPrefix("apus.head") {
        try setup.disk.removeFile("/data/\(name)")
      }
    }

    /// What is missing or wrong; nil: nothing.
    func fault() throws -> String? {
      if let fault = try DatabaseScript.fault(told, database.everything()) { return fault }
      let found = try database.allHistograms().values.first?.count ?? 0
      return found == histogramCount ? nil : "\(found) of \(histogramCount) histograms"
    }
  }

  @Test(
    "a series that ended and came again keeps a name in the log, also where a start brought its old one from a snapshot"
  )
  func endedAndBack() throws {
    let story = try Story()
    try story.run(minutes: 100)
    #expect(story.database.writeSnapshot() > 0)
    // The third series ends, leaves the head, and its name leaves the log.
    try story.run(minutes: 300, withThird: false)
    #expect(story.database.flushHead { false })
    #expect(story.database.head.seriesCount == 3)
    try story.shorten()
    try story.run(minutes: 20)
    try story.kill()
    try story.run(minutes: 20)
    try story.shorten()
    try story.run(minutes: 20)
    try story.kill()
    try story.loseSnapshot()
    try story.kill()
    let fault = try story.fault()
    #expect(fault == nil, "\(fault ?? "")")
  }

  @Test("names stay in the log as long as no new snapshot can be written")
  func noSnapshot() throws {
    let story = try Story()
    try story.run(minutes: 100)
    #expect(story.database.writeSnapshot() > 0)
    try story.run(minutes: 300, withThird: false)
    #expect(story.database.flushHead { false })
    story.setup.disk.inject(SimulatedFault(code: 5) { operation, path in path.hasPrefix("/data/apus.head") })
    try story.shorten()
    #expect(try !story.database.head.files.wal.directory.checkpoints().isEmpty)
    story.setup.disk.removeFaults()
    try story.run(minutes: 20)
    try story.kill()
    try story.run(minutes: 20)
    try story.loseSnapshot()
    try story.kill()
    let fault = try story.fault()
    #expect(fault == nil, "\(fault ?? "")")
  }

  @Test(
    "what only a snapshot still holds is logged again at the next start, and the gap of the log is told",
    arguments: ["checkpoint", "part", "segment", "late segment"])
  func gap(of what: String) throws {
    let story = try Story()
    try story.run(minutes: 100)
    try story.shorten()
    try story.run(minutes: 30)
    try story.database.head.files.wal.cutSegment()
    try story.run(minutes: 10)
    try story.runLate()
    try story.setup.close(story.database)
    let directory = story.database.head.files.wal.directory
    let checkpoint = directory.checkpointPath(try #require(try directory.checkpoints().last))
    switch what {
    case "checkpoint": try story.setup.disk.removeTree(checkpoint)
    case "late segment":
      let late = story.database.head.files.wbl.directory
      try story.setup.disk.removeFile(late.segmentPath(try #require(try late.segments().dropFirst().first)))
    case "part": try story.setup.disk.removeFile(checkpoint + "/00000000")
    default:
      try story.setup.disk.removeFile(directory.segmentPath(try #require(try directory.segments().dropLast().last)))
    }
    try story.kill()
    #expect(story.setup.logged("what the snapshot holds was logged again"))
    try story.run(minutes: 5)
    try story.kill()
    try story.loseSnapshot()
    try story.kill()
    let fault = try story.fault()
    #expect(fault == nil, "\(fault ?? "")")
  }

  @Test("a start that finds no log and no snapshot where both were says so; a first start has nothing to say")
  func lostWithoutSnapshot() throws {
    let story = try Story()
    #expect(story.setup.damaged("wal") == 0)
    try story.run(minutes: 20)
    for name in try story.setup.disk.list("/data/wal") { try story.setup.disk.removeFile("/data/wal/\(name)") }
    try story.kill()
    #expect(story.setup.damaged("wal") == 1 && story.setup.logged("samples that were only in it are missing"))
    try story.kill()
    #expect(story.setup.damaged("wal") == 0)
  }
}
