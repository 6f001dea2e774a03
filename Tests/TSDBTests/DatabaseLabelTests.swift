import Format
import Model
import Platform
import TestKit
import Testing

@testable import TSDB

/// What is known of labels when a part of the data is in blocks and a part in the head.
@Suite struct DatabaseLabelTests {
  private static let minute: Int64 = 60_000
  private static let minutes = 480

  /// Eight hours of series that come and go: of every one it is known in which minutes it had samples.
  private func fill(_ database: Database) throws {
    let writer = HeadWriter()
    for minute in 1...DatabaseLabelTests.minutes {
      let time = DatabaseSetup.epoch + Int64(minute) * DatabaseLabelTests.minute
      var body: [SentSeries] = []
      for number in 0..<60 where number % 4 == 0 || minute / 40 == number % 12 {
        var labels = [
          ("__name__", "m\(number % 3)"), ("instance", "host-\(number)"), ("job", "test"),
          ("shift", "s\(number % 12)"),
        ]
        if number % 7 == 0 { labels.append(("rare", "r\(number % 5)")) }
        if number >= 50 { labels.append(("zone-\(number)", "ä")) }
        body.append(SentSeries(labels, [(time, Double(minute).bitPattern)]))
      }
      try writer.write(body, to: database.head, now: time)
    }
  }

  private static let selectors: [[Matcher]] = [
    [Matcher(.equal, "__name__", "m1")], [Matcher(.regex, "instance", "host-1.*")],
    [Matcher(.equal, "__name__", "m2"), Matcher(.equal, "rare", "")], [Matcher(.notEqual, "rare", "")],
    [Matcher(.regex, "__name__", ".+")], [Matcher(.equal, "instance", "host-7")],
    [Matcher(.equal, "instance", "none")], [Matcher(.notRegex, "shift", "s1.*"), Matcher(.equal, "job", "test")],
    [Matcher(.equal, "zone-55", "ä")],
  ]

  private struct Answers: Equatable {
    var names: [[String]] = []
    var values: [[String]] = []
    var series: [[Labels]] = []
  }

  private func compiled(_ places: [Int]) throws -> [[CompiledMatcher]] {
    try places.map { try DatabaseLabelTests.selectors[$0].map { try CompiledMatcher($0) } }
  }

  private static let choices: [[Int]] = [[]] + selectors.indices.map { [$0] } + [[0, 1], [2, 5, 8], [3, 3], [6, 4]]

  private func answers(_ database: Database, from first: Int64, through last: Int64, limit: Int = 0) throws -> Answers {
    var answers = Answers()
    for choice in DatabaseLabelTests.choices {
      let sets = try compiled(choice)
      answers.names.append(try database.labelNames(matching: sets, from: first, through: last, limit: limit).texts)
      for name in ["__name__", "instance", "rare", "shift", "none", "zone-51"] {
        answers.values.append(
          try database.labelValues(of: name, matching: sets, from: first, through: last, limit: limit).texts)
      }
      if choice.isEmpty { continue }
      let found = try database.series(matching: sets, from: first, through: last, limit: limit)
      #expect(!found.isTooLarge)
      // The head alone lists series as they were made.
      answers.series.append(limit == 0 ? found.labels.sorted() : found.labels)
    }
    return answers
  }

  @Test(
    "names, values and series of the head and blocks together are those of the head alone before it was written out")
  func acrossBlocks() throws {
    let setup = DatabaseSetup()
    let database = try setup.open()
    try fill(database)
    let alone = try answers(database, from: .min, through: .max)
    #expect(alone.series.contains { $0.count == 60 } && alone.names[0].count > 14)
    #expect(database.blocks.current.blocks.isEmpty)
    setup.clock.advance(milliseconds: 86_400_000)
    var flushed = 0
    while database.flushHead(shouldStop: { false }), flushed < 10 { flushed += 1 }
    let blocks = database.blocks.current.blocks.count
    #expect(blocks >= 3, "\(blocks) blocks")
    // Some are in blocks only, some in the head too.
    #expect(database.head.seriesCount < 60 && database.head.seriesCount > 14, "\(database.head.seriesCount)")
    let together = try answers(database, from: .min, through: .max)
    #expect(together == alone)
    database.compact()
    #expect(try answers(database, from: .min, through: .max) == alone)
    try setup.close(database)
    #expect(try answers(try setup.open(), from: .min, through: .max) == alone)
  }

  @Test("a time asks only the blocks of that time, and the series that have chunks in it")
  func times() throws {
    let setup = DatabaseSetup()
    let database = try setup.open()
    try fill(database)
    while database.flushHead(shouldStop: { false }) {}
    let epoch = DatabaseSetup.epoch
    for (from, through) in [(1, 39), (45, 75), (100, 130), (200, 310), (400, 480)] {
      let first = epoch + Int64(from) * DatabaseLabelTests.minute
      let last = epoch + Int64(through) * DatabaseLabelTests.minute
      let found = try database.series(matching: try compiled([4]), from: first, through: last, limit: 0).labels
      for number in 0..<60 {
        let isThere = found.contains { $0["instance"] == "host-\(number)" }
        let hasSamples = number % 4 == 0 || (from...through).contains { $0 / 40 == number % 12 }
        // A chunk may begin before and end after, without a sample between; never the other way round.
        if hasSamples { #expect(isThere, "host-\(number) \(from)") }
        // Its one stretch of time, and a chunk's length around it.
        if number % 4 != 0 && isThere {
          let stretch = (number % 12 * 40)...(number % 12 * 40 + 40)
          #expect(stretch.overlaps(from...through), "host-\(number) \(from)")
        }
      }
      let values = try database.labelValues(
        of: "instance", matching: try compiled([4]), from: first, through: last, limit: 0
      ).texts
      #expect(Set(found.compactMap { $0["instance"] }).isSubset(of: Set(values)))
    }
  }

  @Test("a limit gives the first of all in order, whatever lies where, and says that there is more")
  func limits() throws {
    let setup = DatabaseSetup()
    let database = try setup.open()
    try fill(database)
    while database.flushHead(shouldStop: { false }) {}
    for choice in [[4], [0, 1], [2, 5, 8]] {
      let sets = try compiled(choice)
      let all = try database.series(matching: sets, from: .min, through: .max, limit: 0).labels
      for limit in [1, 2, all.count - 1, all.count, all.count + 1] where limit > 0 {
        let found = try database.series(matching: sets, from: .min, through: .max, limit: limit)
        #expect(found.labels == Array(all.prefix(limit)) && found.isTruncated == (limit < all.count))
        let values = try database.labelValues(of: "instance", matching: sets, from: .min, through: .max, limit: limit)
        let allValues = try database.labelValues(of: "instance", matching: sets, from: .min, through: .max, limit: 0)
        #expect(values.texts == Array(allValues.texts.prefix(limit)))
        #expect(values.isTruncated == (limit < allValues.count))
      }
    }
  }

  @Test("a listing of series ends at its bound of bytes, in the head as in blocks, and says so")
  func bound() throws {
    let setup = DatabaseSetup()
    let database = try setup.open()
    try fill(database)
    for isFlushed in [false, true] {
      if isFlushed { while database.flushHead(shouldStop: { false }) {} }
      for choice in [[4], [0, 4]] {
        let sets = try compiled(choice)
        let all = try database.series(matching: sets, from: .min, through: .max, limit: 0)
        let bytes = all.labels.reduce(0) { $0 + $1.packed.count + SeriesCollection.bytesPerSeries }
        #expect(
          try !database.series(matching: sets, from: .min, through: .max, limit: 0, bytesMax: bytes).isTooLarge)
        for bound in [0, 200, bytes - 1] {
          let found = try database.series(matching: sets, from: .min, through: .max, limit: 0, bytesMax: bound)
          #expect(found.isTooLarge && found.byteCount <= bound + 300, "\(found.byteCount) of \(bound)")
        }
      }
    }
  }

  @Test("a collection with a limit holds little, and what it keeps is the first of all")
  func collection() {
    var random = RandomSource(seed: 5)
    for limit in [1, 10, 500] {
      var collection = SeriesCollection(limit: limit, bytesMax: 6000 * (SeriesCollection.bytesPerSeries + 40))
      var all: Set<Labels> = []
      for _ in 0..<40_000 {
        let labels = Labels([(name: "a", value: "\(random.below(20_000))")])
        all.insert(labels)
        let goesOn = collection.insert(labels)
        #expect(goesOn)
      }
      collection.sort()
      #expect(collection.labels == Array(all.sorted().prefix(limit)) && collection.isTruncated)
    }
  }
}
