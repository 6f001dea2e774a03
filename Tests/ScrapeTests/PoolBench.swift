import Discovery
import HTTP
import Model
import Outbound
import Platform
import PlatformSimulation
import Synchronization

@testable import Scrape

/// A manager on a clock in the test's hand, without threads and sockets: works run where they are handed over, targets
/// answer as the test says, and what would be stored is written down.
final class PoolBench {
  /// 1 s past a minute, so that phases are no accident of zero.
  static let start: Int64 = 1_700_000_041_000

  let clock = SimulatedClock(nowMilliseconds: start)
  let registry = MetricsRegistry()
  let exchange: FakeExchange
  let record = ScrapeRecord()
  let lines = ScrapeLines()
  let wheel: TimeWheel
  let scraper: Scraper
  let manager: ScrapeManager
  let disk = SimulatedDisk()
  var server = ScrapeServerOptions()

  init(host: String = "a", options: ScrapeServerOptions = ScrapeServerOptions()) {
    server = options
    wheel = TimeWheel(clock, name: "scrape-wheel")
    exchange = FakeExchange(wheel)
    let (clock, record, lines) = (clock, record, lines)
    let log = Log(level: .debug, format: .logfmt, clock: clock) { lines.add($0) }
    let metrics = ScrapeMetrics(registry, clock: clock)
    scraper = Scraper(wheel, exchange, metrics, log: log, options: options, submit: Self.run, prepare: Self.run)
    manager = ScrapeManager(
      ScrapeManager.Parts(
        scraper: scraper, metrics: metrics, clock: clock, log: log, disk: disk, host: host,
        userAgent: "Prometheus/3.5.0",
        makeSeries: { _, labels, _ in SeriesRoom(FakeSeries(labels, record)) },
        stopThreads: { _ in }),
      registry: registry)
  }

  private static let run: Scraper.Submit = { work in
    work()
    return true
  }

  func configure(_ jobs: ScrapeOptions...) {
    manager.reconfigure(jobs, externalLabels: .empty, server: server)
    wheel.turn()
  }

  /// Tells addresses that a discovery finds for a job.
  func find(_ job: String, _ addresses: [String], labels: Labels = .empty) {
    let targets = addresses.map { Labels([("__address__", $0)]) }
    manager.take([job: [TargetGroup(source: "test", labels: labels, targets: targets)]])
    wheel.turn()
  }

  /// Moves the clock on, and calls all that falls due at its moment.
  func run(milliseconds: Int64) {
    let end = clock.monotonicNanoseconds() + milliseconds * 1_000_000
    while let next = wheel.next, next <= end {
      clock.advance(nanoseconds: max(0, next - clock.monotonicNanoseconds()))
      wheel.turn()
    }
    clock.advance(nanoseconds: end - clock.monotonicNanoseconds())
  }

  var now: Int64 { clock.nowMilliseconds() }

  func metric(_ name: String, _ labels: [String: String] = [:]) -> Double? {
    for family in registry.families() {
      for sample in family.samples where sample.name == name {
        let has = Dictionary(sample.labels.map { ($0.name, $0.value) }) { first, _ in first }
        if labels.allSatisfy({ has[$0.key] == $0.value }) { return sample.value }
      }
    }
    return nil
  }

  func text(_ path: String) throws -> String {
    let file = try disk.open(path, .read)
    return String(decoding: try file.bytes(file.size(), at: 0), as: UTF8.self)
  }

  func target(_ address: String) -> TargetState? {
    manager.activeTargets().first { $0.discoveredLabels["__address__"] == address }
  }
}

extension ScrapeOptions {
  static func test(
    _ name: String = "job", interval: Int64 = 15_000, timeout: Int64 = 10_000,
    _ change: (inout ScrapeOptions) -> Void = { _ in }
  ) -> ScrapeOptions {
    var options = ScrapeOptions()
    options.jobName = name
    options.intervalMilliseconds = interval
    options.timeoutMilliseconds = timeout
    change(&options)
    return options
  }
}

/// Everything that was to be stored. Any thread.
final class ScrapeRecord: Sendable {
  struct Entry: Sendable, Equatable {
    var instance: String
    var time: Int64
    var isEnd = false
    var error: String?
    /// Which series of the target, counted over all that were made.
    var series: Int
  }

  private let entries = Mutex<[Entry]>([])
  private let texts = Mutex<[String]>([])
  private let made = Mutex(0)

  /// The bodies, as text.
  var bodies: [String] { texts.withLock { $0 } }
  func add(body: [UInt8]) { texts.withLock { $0.append(String(decoding: body, as: UTF8.self)) } }

  func add(_ entry: Entry) { entries.withLock { $0.append(entry) } }
  func nextSeries() -> Int {
    made.withLock { made in
      made += 1
      return made
    }
  }

  var seriesMade: Int { made.withLock { $0 } }
  var all: [Entry] { entries.withLock { $0 } }
  func removeAll() {
    entries.withLock { $0 = [] }
    texts.withLock { $0 = [] }
  }

  func times(_ instance: String) -> [Int64] { all.filter { $0.instance == instance && !$0.isEnd }.map(\.time) }
  func ends(_ instance: String) -> [Int64] { all.filter { $0.instance == instance && $0.isEnd }.map(\.time) }
}

final class FakeSeries: ScrapedSeries {
  private let instance: String
  private let record: ScrapeRecord
  private let number: Int

  init(_ labels: Labels, _ record: ScrapeRecord) {
    instance = labels["instance"] ?? ""
    self.record = record
    number = record.nextSeries()
  }

  func store(_ answer: ScrapeAnswer) -> ScrapeReport {
    var report = ScrapeReport()
    switch answer.content {
    case .failure(let text, _): report.error = text
    case .body(let body, _): record.add(body: body)
    }
    record.add(ScrapeRecord.Entry(instance: instance, time: answer.time, error: report.error, series: number))
    return report
  }

  func end(at time: Int64) {
    record.add(ScrapeRecord.Entry(instance: instance, time: time, isEnd: true, series: number))
  }

  func reconfigure(_ options: ScrapeOptions) {}
  var metadata: [TargetMetadata] { [] }
  var metadataSize: (entries: Int, bytes: Int) { (3, 70) }
}

/// Targets that answer after as long as the test says, on the wheel of the bench.
final class FakeExchange: ScrapeExchange {
  struct Behaviour: Sendable {
    var milliseconds: Int64 = 5
    var result: Result<ClientResponse, HTTPClientError> = .success(
      ClientResponse(status: 200, statusText: "200 OK", headers: [("Content-Type", "text/plain")], body: []))
    /// Bytes that its body asks room for.
    var bodyBytes = 0
  }

  private struct State: Sendable {
    var behaviours: [String: Behaviour] = [:]
    var requests: [(request: ClientRequest, at: Int64)] = []
    var running = 0
    var runningMax = 0
  }

  private let wheel: TimeWheel
  private let state = Mutex(State())

  init(_ wheel: TimeWheel) { self.wheel = wheel }

  /// The behaviour of the target at an address.
  func set(_ address: String, _ behaviour: Behaviour) { state.withLock { $0.behaviours[address] = behaviour } }

  var requests: [(request: ClientRequest, at: Int64)] { state.withLock { $0.requests } }
  var runningMax: Int { state.withLock { $0.runningMax } }

  func start(
    _ request: ClientRequest, by client: SigningClient, prepareOn: @escaping Scraper.Submit,
    then: @escaping @Sendable (Result<ClientResponse, HTTPClientError>) -> Void
  ) {
    let now = wheel.clock.monotonicNanoseconds()
    let address = request.url.split(separator: "/").dropFirst().first.map(String.init) ?? ""
    let behaviour = state.withLock { state in
      var kept = request
      kept.takesBytes = nil
      state.requests.append((kept, now))
      state.running += 1
      state.runningMax = max(state.runningMax, state.running)
      return state.behaviours[address] ?? Behaviour()
    }
    let timeout = Int64(request.totalMillisecondsMax ?? 0)
    let isLate = behaviour.milliseconds > timeout
    wheel.set(wheel.place(), at: now + min(behaviour.milliseconds, timeout) * 1_000_000) { [self] in
      state.withLock { $0.running -= 1 }
      if let takes = request.takesBytes, behaviour.bodyBytes > 0, !takes(behaviour.bodyBytes) {
        return then(.failure(.noRoom))
      }
      then(isLate ? .failure(.timedOut) : behaviour.result)
    }
  }

  func stop() {}
}

/// The lines of a log. Any thread.
final class ScrapeLines: Sendable {
  private let lines = Mutex<[String]>([])

  func add(_ line: String) { lines.withLock { $0.append(line) } }
  var all: [String] { lines.withLock { $0 } }
  func contain(_ texts: String...) -> Bool {
    lines.withLock { $0 }.contains { line in texts.allSatisfy { line.contains($0) } }
  }
}
