import Format
import Model
import Platform
import PlatformSimulation
import Synchronization
import TestKit
import Testing

@testable import TSDB

/// What a snapshot on request holds, whatever state the samples are in when it is made.
@Suite struct DatabaseSnapshotTests {
  /// A database with samples that only it has written, and what they are.
  private struct Story {
    let setup = DatabaseSetup()
    let writer = HeadWriter()
    let histogramWriter = HistogramWriter()
    var told = DatabaseScript.Told()
    var histograms: PlainHistograms = [:]

    /// One body in which each of some series has the samples that `samples` gives it.
    mutating func write(_ database: Database, series: Int, _ samples: (Int) -> [(Int64, Double)]) throws {
      for number in 0..<series {
        for sample in samples(number) {
          let body = [SentSeries("m", number, [sample])]
          let outcomes = try writer.write(body, to: database.head, now: max(sample.0, DatabaseSetup.epoch + 7_000_000))
          #expect(outcomes.allSatisfy { $0.allSatisfy { $0?.isStored == true } }, "\(outcomes)")
          told.note(body, acknowledged: true)
        }
      }
    }

    mutating func writeHistograms(_ database: Database, _ samples: [(series: Int, time: Int64)]) throws {
      for (place, (series, time)) in samples.enumerated() {
        let sent = SentHistograms(series, [(time, grownHistogram(place + 1))])
        let outcomes = try histogramWriter.write(
          [sent], to: database.head, now: DatabaseSetup.epoch + 7_000_000)
        #expect(outcomes.allSatisfy { $0?.isStored == true }, "\(outcomes)")
        histograms[sent.identity, default: [:]][time] = sent.histograms[0].histogram
      }
    }

    /// Takes a snapshot, verifies its blocks and opens it as a data directory of its own.
    func expectWhole(_ database: Database, _ name: Comment) throws {
      let snapshot = try database.administration.snapshot(skipsHead: false)
      let root = "/data/snapshots/" + snapshot.name
      let opened = try BlockSnapshot.open(root, on: setup.disk)
      #expect(opened.unopened.isEmpty, name)
      for block in opened.snapshot.blocks {
        #expect(try BlockVerification(block.directory, on: setup.disk).findings == [], name)
      }
      let copy = try Database.open(
        DatabaseOptions(directory: root), disk: setup.disk, clock: setup.clock, log: setup.kept.log,
        registry: MetricsRegistry())
      try copy.restore()
      let difference = difference(wanted: told.sent, found: try copy.everything().filter { !$0.value.isEmpty })
      #expect(difference == nil, name)
      let found = try copy.allHistograms()
      #expect(fault(acknowledged: histograms, sent: histograms, found: found) == nil, name)
    }

    /// As it is, after a clean end and after a kill.
    mutating func expectWholeAlways(_ database: consuming Database) throws {
      try expectWhole(database, "as written")
      try setup.close(database)
      var again = try setup.open()
      try expectWhole(again, "after a restart")
      again = try setup.open()
      try expectWhole(again, "after a kill")
      try setup.disk.removeFile("/data/apus.head")
      again = try setup.open()
      try expectWhole(again, "from the log alone")
    }
  }

  private let start = DatabaseSetup.epoch

  @Test("a snapshot holds open chunks")
  func openChunks() throws {
    var story = Story()
    let database = try story.setup.open()
    try story.write(database, series: 20) { number in
      (0..<60).map { (start + Int64($0) * 15_000, Double(($0 * 7919 + number) % 97)) }
    }
    try story.expectWholeAlways(database)
  }

  @Test("a snapshot holds series of one value, which own no chunk, and of one sample")
  func constants() throws {
    var story = Story()
    let database = try story.setup.open()
    try story.write(database, series: 20) { number in
      (0..<(number % 4 == 0 ? 1 : 30 + number)).map { (start + Int64($0) * 15_000, Double(number)) }
    }
    try story.expectWholeAlways(database)
  }

  @Test("a snapshot holds late samples, in their cells and in chunks, with and without others of their series")
  func late() throws {
    var story = Story()
    let database = try story.setup.open()
    try story.write(database, series: 6) { number in
      // Backwards, so that all but the first are late: one, a cell that is not full, and more than a cell holds.
      let late = [1, 5, 31, 32, 33, 80][number]
      return (0...late).map { (start + 3_500_000 - Int64($0) * 30_000 - Int64(number), Double($0 * number)) }
    }
    try story.expectWholeAlways(database)
  }

  @Test("a snapshot holds open chunks of histograms and late histograms")
  func histograms() throws {
    var story = Story()
    let database = try story.setup.open()
    var samples: [(series: Int, time: Int64)] = []
    for series in 0..<4 {
      for place in 0..<20 where place % 3 != 0 { samples.append((series, start + Int64(place) * 60_000)) }
      for place in 0..<20 where place % 3 == 0 { samples.append((series, start + Int64(place) * 60_000)) }
    }
    samples.append((7, start))
    try story.writeHistograms(database, samples)
    let all = [[try CompiledMatcher(Matcher(.equal, "__name__", "h"))]]
    #expect(try database.series(matching: all, from: .min, through: .max, limit: 0).labels.count == 5)
    try story.expectWholeAlways(database)
  }

  @Test("a snapshot holds what is in blocks, complete and open at once, each sample in it once")
  func mixture() throws {
    var story = Story()
    let database = try story.setup.open()
    for hour in 0..<7 as Range<Int64> {
      story.setup.clock.advance(milliseconds: 3_600_000)
      try story.write(database, series: 10) { number in
        (0..<60).map { (start + hour * 3_600_000 + $0 * 60_000, Double(($0 * 31 + Int64(number)) % 7)) }
      }
      try story.write(database, series: 3) { _ in
        [3, 7, 45].map { (start + hour * 3_600_000 + $0 * 60_000 + 30_000, Double($0)) }
      }
      _ = database.flushHead { false }
    }
    #expect(database.blocks.current.blocks.count > 1)
    database.writeCompletedChunks()
    try story.expectWholeAlways(database)
  }

  @Test("what was deleted from the head is not in a snapshot")
  func deletions() throws {
    var story = Story()
    let database = try story.setup.open()
    try story.write(database, series: 3) { number in (0..<30).map { (start + Int64($0) * 15_000, Double(number)) } }
    let range = (start + 100_000)...(start + 300_000)
    try database.delete([try CompiledMatcher(Matcher(.equal, "instance", "host-1"))], in: range)
    let identity = SentSeries("m", 1, []).identity
    story.told.sent[identity] = story.told.sent[identity]?.filter { !range.contains($0.key) }
    try story.expectWhole(database, "after a deletion")
  }

  @Test("a snapshot that fails leaves nothing that looks like one, at whichever step of the disk it fails")
  func failures() throws {
    var failed = 0
    for operation in 1... as PartialRangeFrom<Int> {
      var story = Story()
      let database = try story.setup.open()
      try story.write(database, series: 3) { number in (0..<9).map { (start + Int64($0) * 15_000, Double(number)) } }
      let count = Mutex(0)
      story.setup.disk.inject(
        SimulatedFault(code: 5) { kind, _ in
          kind.isCounted
            && count.withLock {
              $0 += 1
              return $0 >= operation
            }
        })
      let outcome = Result { try database.administration.snapshot(skipsHead: false) }
      story.setup.disk.removeFaults()
      if case .success = outcome { break }
      failed += 1
      let names = (try? story.setup.disk.list("/data/snapshots")) ?? []
      for name in names where !name.hasSuffix(".tmp-for-creation") {
        // Only the last step of all failed, and so did its undoing.
        let left = try BlockSnapshot.open("/data/snapshots/" + name, on: story.setup.disk)
        #expect(left.unopened.isEmpty && left.snapshot.blocks.map(\.meta.stats.samples) == [27], "\(operation)")
        try story.setup.disk.removeTree("/data/snapshots/" + name)
      }
      // What is left goes with the next one.
      let next = try database.administration.snapshot(skipsHead: false)
      #expect(try story.setup.disk.list("/data/snapshots") == [next.name])
    }
    #expect(failed > 10)
  }

  @Test("a snapshot of nothing says that it is empty")
  func empty() throws {
    let setup = DatabaseSetup()
    let database = try setup.open()
    let snapshot = try database.administration.snapshot(skipsHead: false)
    #expect(snapshot.warnings.count == 1 && snapshot.warnings[0].contains("empty"), "\(snapshot.warnings)")
  }
}
