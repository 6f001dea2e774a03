import Format
import Ingest
import Model
import Platform
import PlatformSimulation
import TSDB
import TestKit
import Testing

@testable import Scrape

/// One target over a real database on a disk in memory, with the clock in the test's hand. One test's own.
final class ScrapeBench {
  static let start: Int64 = 1_700_000_000_000

  let clock = SimulatedClock(nowMilliseconds: ScrapeBench.start)
  let disk = SimulatedDisk()
  let registry = MetricsRegistry()
  let database: Database
  let intake: Intake
  let metrics: ScrapeSampleMetrics
  var options = ScrapeOptions()
  var target: TargetSeries
  /// The time of the present scrape.
  var time = ScrapeBench.start

  init(
    _ limits: IngestLimits = IngestLimits(), labels: Labels = ScrapeBench.labels,
    head: HeadOptions = HeadOptions(), _ configure: (inout ScrapeOptions) -> Void = { _ in }
  ) throws {
    let log = Log(level: .error, format: .logfmt) { _ in }
    var databaseOptions = DatabaseOptions(directory: "/data")
    databaseOptions.head = head
    database = try Database.open(databaseOptions, disk: disk, clock: clock, log: log, registry: registry)
    try database.restore()
    intake = Intake(
      Appender(database), limits: limits, clock: clock, log: log, metrics: ReceiverMetrics(registry),
      replicas: HATracker(
        HAOptions(), path: database.layout.haLeaders, disk: disk, clock: clock, log: log, damaged: database.damaged,
        registry: registry))
    metrics = ScrapeSampleMetrics(registry)
    configure(&options)
    target = try ScrapeBench.target(options, labels, intake, metrics, clock)
  }

  static let labels = Labels([("job", "j"), ("instance", "i:1")])

  static func target(
    _ options: ScrapeOptions, _ labels: Labels, _ intake: Intake, _ metrics: ScrapeSampleMetrics, _ clock: any Clock
  ) throws -> TargetSeries {
    TargetSeries(
      options, labels: labels, metricRelabelling: try Relabelling(options.metricRelabelling), intake: intake,
      metrics: metrics, clock: clock)
  }

  /// Another target of the same database.
  func another(_ labels: Labels = ScrapeBench.labels) throws -> TargetSeries {
    try ScrapeBench.target(options, labels, intake, metrics, clock)
  }

  // MARK: Scrapes

  /// Scrapes 15 seconds after the last one.
  @discardableResult
  func scrape(_ text: String, _ type: String? = "text/plain; version=0.0.4") -> ScrapeReport {
    scrape(.body(Array(text.utf8), contentType: type))
  }

  @discardableResult
  func scrape(_ content: ScrapeAnswer.Content) -> ScrapeReport {
    advance()
    return target.store(ScrapeAnswer(content: content, time: time, startNanoseconds: clock.monotonicNanoseconds()))
  }

  func advance(_ milliseconds: Int64 = 15_000) {
    clock.advance(milliseconds: milliseconds)
    time = clock.nowMilliseconds()
  }

  /// Lets the head forget all series, as if their samples were in blocks for long.
  func forgetSeries() { _ = database.head.truncate(before: time + 1) }

  // MARK: What is stored

  enum Value: Equatable, CustomStringConvertible {
    case number(Double), stale, histogram(Double), staleHistogram

    var description: String {
      switch self {
      case .number(let number): "\(number)"
      case .stale: "stale"
      case .histogram(let count): "histogram of \(count)"
      case .staleHistogram: "stale histogram"
      }
    }
  }

  /// All samples of all series with this metric name, by their labels without it and without those of the target; times in
  /// seconds since the start.
  func samples(_ metric: String) throws -> [String: [String]] {
    var found: [String: [String]] = [:]
    var scratch = HeadReadScratch()
    var samples = SeriesSamples()
    for one in try database.head.select([CompiledMatcher(Matcher(.equal, LabelName.metric, metric))]) {
      database.head.read(one, from: .min, through: .max, &scratch, into: &samples)
      var list: [(Int64, Value)] = []
      for index in 0..<samples.count {
        let bits = samples.values[index]
        list.append((samples.times[index], bits == StaleMarker.bits ? .stale : .number(Double(bitPattern: bits))))
      }
      for (index, histogram) in samples.histograms.values.enumerated() {
        list.append(
          (samples.histograms.times[index], histogram.isStale ? .staleHistogram : .histogram(histogram.count)))
      }
      list.sort { $0.0 < $1.0 }
      let labels = one.labels.pairs.filter { $0.name != LabelName.metric && !isTargets($0) }
      found[labels.map { "\($0.name)=\($0.value)" }.joined(separator: ",")] = list.map {
        "\(($0.0 - ScrapeBench.start) / 1000) \($0.1)"
      }
    }
    return found
  }

  private func isTargets(_ label: (name: String, value: String)) -> Bool {
    ScrapeBench.labels[label.name] == label.value
  }

  /// The samples of the only series of this name.
  func only(_ metric: String) throws -> [String] {
    let all = try samples(metric)
    #expect(all.count <= 1, "\(all)")
    return all.first?.value ?? []
  }

  /// The labels of all series of this name.
  func labels(_ metric: String) throws -> [String] {
    try database.head.select([CompiledMatcher(Matcher(.equal, LabelName.metric, metric))]).map { "\($0.labels)" }
      .sorted()
  }

  /// The value of a counter without labels.
  func count(_ name: String) -> Int {
    for family in registry.families() where family.name == name { return Int(family.samples.first?.value ?? -1) }
    return -1
  }
}
