import CAllocationCount
import Format
import Ingest
import Model
import Platform
import PlatformSimulation
import TSDB
import TestKit
import Testing

@testable import Scrape

/// Allocations of a scrape, from the bytes of an answer to their place in the log.
@Suite struct ScrapeAllocationTests {
  /// A target of a database on the real disk, which keeps files in no memory of this process.
  private final class Site {
    let folder: TemporaryDirectory
    let clock = SimulatedClock(nowMilliseconds: ScrapeBench.start)
    let database: Database
    let target: TargetSeries

    init() throws {
      folder = try TemporaryDirectory("apus-scrape-allocations")
      let log = Log(level: .error, format: .logfmt) { _ in }
      let registry = MetricsRegistry()
      database = try Database.open(
        DatabaseOptions(directory: folder.path("data")), disk: LinuxDisk(), clock: clock, log: log, registry: registry)
      try database.restore()
      let intake = Intake(
        Appender(database), limits: IngestLimits(), clock: clock, log: log, metrics: ReceiverMetrics(registry),
        replicas: HATracker(
          HAOptions(), path: folder.path("leaders"), disk: LinuxDisk(), clock: clock, log: log,
          damaged: database.damaged, registry: registry))
      target = try ScrapeBench.target(
        ScrapeOptions(), ScrapeBench.labels, intake, ScrapeSampleMetrics(registry), clock)
    }

    /// Allocations of one scrape.
    func allocations(of body: [UInt8]) -> Int {
      clock.advance(milliseconds: 15_000)
      let answer = ScrapeAnswer(
        content: .body(body, contentType: "text/plain"), time: clock.nowMilliseconds(),
        startNanoseconds: clock.monotonicNanoseconds())
      let before = apus_allocation_count()
      let report = target.store(answer)
      let asked = apus_allocation_count() - before
      #expect(report.error == nil && report.warning.isEmpty, "\(report)")
      return asked
    }
  }

  /// An answer with some series, two in a family, and values of a round.
  private func body(_ series: Int, _ round: Int) -> [UInt8] {
    var text = ""
    for number in 0..<series {
      if number % 2 == 0 { text += "# HELP m\(number)_total How often.\n# TYPE m\(number)_total counter\n" }
      text += "m\(number / 2 * 2)_total{job=\"x\",pod=\"pod-\(number)\"} \(number * 31 + round * (number % 5))\n"
    }
    return Array(text.utf8)
  }

  /// Allocations of reading the answer by itself; where the scanner is not optimised it asks the heap.
  private func scannerCost(_ body: [UInt8]) -> Int {
    body.lend { bytes in
      let before = apus_allocation_count()
      var scanner = ExpositionScanner(bytes, .text)
      while let entry = try? scanner.next(), entry != .end {}
      return apus_allocation_count() - before
    }
  }

  @Test("a known series, its metadata and its sample cost no allocation: a large answer asks as seldom as a small one")
  func known() throws {
    if apus_allocation_count() < 0 { return }
    var costs: [Int: [Int]] = [:]
    for series in [100, 3000] {
      let site = try Site()
      for round in 0..<21 {
        let body = body(series, round)
        let cost = site.allocations(of: body) - scannerCost(body)
        // Or the count counts nothing.
        if round == 0 { #expect(cost > series, "\(cost)") }
        if round >= 10 { costs[series, default: []].append(cost) }
      }
    }
    let small = (costs[100] ?? []).sorted()
    let large = (costs[3000] ?? []).sorted()
    print("allocations of a scrape: \(small[5]) with 100 known series, \(large[5]) with 3,000; most \(large[10])")
    #expect(large[5] <= small[5] + 20, "\(small[5]) of 100 series, \(large[5]) of 3,000")
    #expect(small[5] < 400, "\(small[5])")
  }
}
