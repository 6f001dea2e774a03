import Model
import PromQL
import Testing

@testable import Rules

@Suite("the database of a unit test") struct UnitTestDatabaseTests {
  private let database = UnitTestDatabase(subqueryStep: 60_000)
  private let labels = Labels([("__name__", "a"), ("b", "c")])

  private func histogram(_ count: Double, _ hint: CounterResetHint = .unknown) -> SampleValue {
    var histogram = Histogram()
    histogram.count = count
    histogram.positiveSpans = [BucketSpan(offset: 0, length: 1)]
    histogram.positiveBuckets = [count]
    histogram.hint = hint
    return .histogram(histogram)
  }

  private func hints() throws -> [CounterResetHint] {
    try database.select([Matcher(.equal, "__name__", "a")], from: 0, through: 1_000_000)
      .flatMap { $0.samples.histograms.map(\.hint) }
  }

  @Test("a sample that is not newer is refused, the same one again is taken") func order() {
    #expect(database.append(labels, at: 1000, .float(1)) == nil)
    #expect(database.append(labels, at: 1000, .float(1)) == nil)
    #expect(
      database.append(labels, at: 1000, .float(2.5))
        == "duplicate sample for timestamp 1000; overrides not allowed: existing 1, new value 2.5")
    #expect(database.append(labels, at: 999, .float(1)) == "out of order sample")
    #expect(database.append(.empty, at: 1, .float(1)) == "empty labelset: invalid sample")
    #expect(database.append(labels, at: 2000, .float(3)) == nil)
    let write = database.append([
      VectorSample(labels: labels, timestamp: 3000, value: .float(1)),
      VectorSample(labels: labels, timestamp: 1, value: .float(1)),
      VectorSample(labels: labels, timestamp: 3000, value: histogram(-1)),
    ])
    #expect(write.stored == 1 && write.refused == 2 && write.error == "out of order sample")
  }

  @Test("series are found by their matchers, in order, with the samples of the time") func selection() throws {
    let other = Labels([("__name__", "a"), ("b", "a")])
    let third = Labels([("b", "z")])
    for (labels, value) in [(labels, 1.0), (other, 2), (third, 3)] {
      for time in 1...5 { #expect(database.append(labels, at: Int64(time) * 1000, .float(value)) == nil) }
    }
    let found = try database.select([Matcher(.equal, "__name__", "a")], from: 2000, through: 4000)
    #expect(found.map(\.labels) == [other, labels] && found[0].samples.timestamps == [2000, 3000, 4000])
    #expect(
      try database.select([Matcher(.regex, "b", "[az]")], from: 5000, through: 9000).map(\.labels) == [other, third])
    #expect(try database.select([], from: 5001, through: 9000).isEmpty)
    let result = try database.instant("sum by (b) (count_over_time(a{b=\"c\"}[2m:]))", at: 125_000) { false }
    guard case .vector(let samples) = result.value else {
      Issue.record("no vector")
      return
    }
    // The subquery has the step of the test: 60 s and 120 s.
    #expect(samples.map(\.labels) == [Labels([("b", "c")])])
    guard case .float(2)? = samples.first?.value else {
      Issue.record("\(samples)")
      return
    }
  }

  @Test("histograms have the hints that stored chunks give them") func hinted() throws {
    for (time, value) in [
      histogram(1), histogram(2), histogram(1), histogram(3, .reset), histogram(4), histogram(5, .gauge),
    ]
    .enumerated() {
      #expect(database.append(labels, at: Int64(time) * 1000, value) == nil)
    }
    #expect(try hints() == [.unknown, .notReset, .unknown, .unknown, .notReset, .gauge])
    // A stale marker of a series of histograms is one of them.
    #expect(database.append(labels, at: 7000, .float(StaleMarker.value)) == nil)
    #expect(database.append(labels, at: 8000, histogram(9)) == nil)
    #expect(try hints().suffix(2) == [.unknown, .unknown])
    let found = try database.select([], from: 7000, through: 7000)
    #expect(found.first?.samples.histograms.first?.isStale == true)
  }

  @Test("a canceled evaluation ends") func cancel() {
    #expect(database.append(labels, at: 0, .float(1)) == nil)
    #expect(throws: QueryError.canceled) { try database.instant("a", at: 0) { true } }
  }
}
