import Ingest
import Platform
import PlatformSimulation
import Query
import TSDB
import TestKit

/// A database in memory with a series `m_total` for each of some labels, counting up to `now`, and a querier of it. One test's
/// own.
final class QueryBench {
  static let now: Int64 = 1_700_000_000_000

  let clock = SimulatedClock(nowMilliseconds: QueryBench.now)
  let registry = MetricsRegistry()
  let database: Database
  let service: QueryService

  var querier: Querier { service.querier(over: database) }

  init(series: Int = 4, _ change: (inout QueryOptions) -> Void = { _ in }) throws {
    let (disk, log) = (SimulatedDisk(), Log(level: .error, format: .logfmt) { _ in })
    database = try Database.open(
      DatabaseOptions(directory: "/data"), disk: disk, clock: clock, log: log, registry: registry)
    try database.restore()
    try database.start()
    let replicas = HATracker(
      HAOptions(), path: database.layout.haLeaders, disk: disk, clock: clock, log: log, damaged: database.damaged,
      registry: registry)
    let receiver = Receiver(
      Intake(
        Appender(database), limits: IngestLimits(), clock: clock, log: log, metrics: ReceiverMetrics(registry),
        replicas: replicas))
    var options = QueryOptions()
    options.concurrencyMax = 1
    change(&options)
    service = try QueryService(options, clock: clock, registry: registry)
    var body = RemoteWriteBody()
    let samples = (0..<20).map { (timestamp: QueryBench.now - 285_000 + Int64($0) * 15_000, value: Double($0)) }
    for index in (0..<series).reversed() { body.add("m_total", ["i": "\(index)"], samples) }
    _ = body.snappy.lend { receiver.receive($0, encoding: .snappy) }
  }

  deinit {
    service.stop()
    database.close()
  }

  /// The value of a metric of the process, labels included in its name.
  func metric(_ name: String, _ labels: [(String, String)] = []) -> Double? {
    for family in registry.families() {
      for sample in family.samples where sample.name == name {
        if sample.labels.map({ "\($0)=\($1)" }) == labels.map({ "\($0)=\($1)" }) { return sample.value }
      }
    }
    return nil
  }
}
