import CAllocationCount
import Format
import Ingest
import Model
import Platform
import PlatformSimulation
import TSDB
import TestKit
import Testing

/// What the write path asks of the heap, from the bytes of a body to its place in the log.
@Suite struct AllocationTests {
  /// A receiver over a database on the real disk, which keeps files in no memory of this process.
  private final class Site {
    let folder: TemporaryDirectory
    let database: Database
    let receiver: Receiver

    init(_ rules: IngestRules = IngestRules()) throws {
      folder = try TemporaryDirectory("apus-allocations")
      let clock = SimulatedClock(nowMilliseconds: ReceiverBench.now)
      let log = Log(level: .error, format: .logfmt) { _ in }
      let registry = MetricsRegistry()
      let options = DatabaseOptions(directory: folder.path("data"))
      database = try Database.open(options, disk: LinuxDisk(), clock: clock, log: log, registry: registry)
      try database.restore()
      receiver = Receiver(
        Intake(
          Appender(database), limits: IngestLimits(), clock: clock, log: log, metrics: ReceiverMetrics(registry),
          replicas: HATracker(
            HAOptions(), path: folder.path("leaders"), disk: LinuxDisk(), clock: clock, log: log,
            damaged: database.damaged, registry: registry)))
      try receiver.intake.reconfigure(rules)
    }

    /// What one body costs.
    func allocations(of body: [UInt8], _ message: WriteMessage) -> Int {
      body.lend { bytes in
        let before = apus_allocation_count()
        let outcome = receiver.receive(bytes, encoding: .snappy, message: message).outcome
        let asked = apus_allocation_count() - before
        guard case .stored = outcome else {
          Issue.record("\(outcome)")
          return .max
        }
        return asked
      }
    }
  }

  /// One sample of each of some series, at a time and with values of its own.
  private func body(_ series: Int, _ round: Int, _ message: WriteMessage) -> [UInt8] {
    var body = RemoteWriteBody()
    var newer = RemoteWriteV2Body()
    for number in 0..<series {
      let samples = [
        (
          timestamp: ReceiverBench.now - 3_600_000 + Int64(round) * 15_000,
          value: Double(number * 31 + round * (number % 5))
        )
      ]
      let labels = [
        ("__name__", "allocations_total"), ("job", "job-\(number % 7)"), ("pod", "pod-\(number)"),
      ]
      switch message {
      case .v1: body.add(labels, samples)
      case .v2:
        newer.add(labels, samples, metadata: .init(kind: 1, help: "How often the heap was asked."))
      }
    }
    return message == .v1 ? body.snappy : newer.snappy
  }

  /// Other names for all, less labels, and a seventh of the series dropped.
  private static let rules: IngestRules = {
    var rules = IngestRules()
    rules.renames = [.init(from: "(.*)_total", to: "$1")]
    rules.relabel = [
      RelabelRule(.drop, of: ["job"], regex: "job-3"), RelabelRule(.labelmap, regex: "p(.*)", replacement: "_$1"),
      RelabelRule(.labeldrop, regex: "job"),
    ]
    return rules
  }()

  @Test(
    "a known series and its sample cost no allocation: large bodies ask the heap no more often than small ones",
    arguments: [WriteMessage.v1, .v2], [IngestRules(), rules])
  func known(_ message: WriteMessage, _ rules: IngestRules) throws {
    if apus_allocation_count() < 0 { return }
    var costs: [Int: [Int]] = [:]
    for series in [100, 5000] {
      let site = try Site(rules)
      for round in 0..<110 {
        let body = body(series, round, message)
        let cost = site.allocations(of: body, message)
        // Or the count counts nothing.
        if round == 0 { #expect(cost > 20, "\(cost)") }
        // The first bodies make the series, and let scratch and arenas grow to their size.
        if round >= 10 { costs[series, default: []].append(cost) }
      }
      let asked = rules == IngestRules() ? 0 : series
      #expect(site.receiver.intake.metrics.relabelled.value == asked)
      #expect((site.receiver.intake.metrics.relabelDropped.value > 110 * series / 8) == (asked > 0))
    }
    // Of the bodies of a chunk's length most open no chunk and move none: those cost the same few.
    let small = (costs[100] ?? []).sorted()
    let large = (costs[5000] ?? []).sorted()
    #expect(small.count == 100 && large.count == 100)
    #expect(large[50] <= small[50] + 2, "\(small[50]) of 100 series, \(large[50]) of 5,000")
    #expect(small[50] < 40, "\(small[50])")
    // Chunks that grow take cells from arenas: all rounds together stay far below one allocation for each of a thousand samples.
    print("allocations of a body: \(small[50]) with 100 known series, \(large[50]) with 5,000; most \(large[99])")
    #expect(large.reduce(0, +) - 100 * large[50] < 500_000 / 1000, "\(large)")
  }
}
