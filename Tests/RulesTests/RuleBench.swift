import Ingest
import Model
import Platform
import PlatformSimulation
import PromQL
import Query
import Synchronization
import TSDB
import TestKit

@testable import Rules

/// A database in memory, as rules ask it and write to it. One test's own.
final class RuleBench {
  static let now: Int64 = 1_700_000_000_000

  let clock = SimulatedClock(nowMilliseconds: RuleBench.now)
  let registry = MetricsRegistry()
  let disk = SimulatedDisk()
  let database: Database
  let intake: Intake
  let service: QueryService
  let rules: WorkspaceRuleDatabase
  let sent = Sent()
  let lines = Sent()

  /// What groups hand on, from any thread.
  final class Sent: Sendable {
    private let notices = Mutex<[AlertNotice]>([])
    private let texts = Mutex<[String]>([])
    func add(_ more: [AlertNotice]) { notices.withLock { $0 += more } }
    func add(_ text: String) { texts.withLock { $0.append(text) } }
    var all: [AlertNotice] { notices.withLock { $0 } }
    var text: [String] { texts.withLock { $0 } }
  }

  init(_ change: (inout DatabaseOptions) -> Void = { _ in }) throws {
    let log = Log(level: .error, format: .logfmt) { _ in }
    var options = DatabaseOptions(directory: "/data")
    change(&options)
    database = try Database.open(options, disk: disk, clock: clock, log: log, registry: registry)
    try database.restore()
    try database.start()
    let replicas = HATracker(
      HAOptions(), path: database.layout.haLeaders, disk: disk, clock: clock, log: log, damaged: database.damaged,
      registry: registry)
    intake = Intake(
      Appender(database), limits: IngestLimits(), clock: clock, log: log, metrics: ReceiverMetrics(registry),
      replicas: replicas)
    var queries = QueryOptions()
    queries.concurrencyMax = 1
    service = try QueryService(queries, clock: clock, registry: registry)
    rules = WorkspaceRuleDatabase(querier: service.querier(over: database), intake: intake)
  }

  deinit {
    service.stop()
    database.close()
  }

  var log: Log { Log(level: .debug, format: .logfmt) { [lines] in lines.add($0) } }

  var surroundings: RuleSurroundings {
    var surroundings = RuleSurroundings()
    surroundings.clock = clock
    surroundings.log = log
    surroundings.send = { [sent] in sent.add($0) }
    return surroundings
  }

  func group(
    _ rules: [RuleDefinition], limit: Int = 0, offset: Int64? = nil, options: RuleOptions = RuleOptions()
  ) -> RuleGroup {
    let definition = RuleGroupDefinition(
      file: "f.yml", name: "g", intervalMilliseconds: 15_000, queryOffsetMilliseconds: offset, limit: limit,
      rules: rules)
    return RuleGroup(definition, options: options, database: self.rules, surroundings: surroundings)
  }

  /// Stores samples of one time, each text a series.
  func store(_ series: [(String, [String: String], Double)], at time: Int64 = RuleBench.now) {
    let samples = series.map { name, labels, value in
      VectorSample(
        labels: Labels([(name: "__name__", value: name)] + labels.map { (name: $0.key, value: $0.value) }),
        timestamp: time, value: .float(value))
    }
    _ = rules.append(samples)
  }

  /// The results of an expression as texts, sorted.
  func answer(_ expression: String, at time: Int64 = RuleBench.now) -> [String] {
    guard let result = try? rules.instant(expression, at: time, isCanceled: { false }) else { return ["failed"] }
    guard case .vector(let samples) = result.value else { return ["no vector"] }
    return samples.map { sample in
      switch sample.value {
      case .float(let value): "\(sample.labels) \(value)"
      case .histogram(let histogram): "\(sample.labels) count \(histogram.count)"
      }
    }.sorted()
  }

  func metric(_ name: String, _ group: String = "f.yml;g") -> Double? {
    for family in registry.families() {
      for sample in family.samples
      where sample.name == name && sample.labels.allSatisfy({ $0.name != "rule_group" || $0.value == group }) {
        return sample.value
      }
    }
    return nil
  }
}

extension RuleDefinition {
  static func record(_ name: String, _ expression: String, _ labels: [(String, String)] = []) -> RuleDefinition {
    RuleDefinition(
      kind: .recording, name: name, expression: expression, labels: labels.map { TemplateField($0.0, $0.1) })
  }

  static func alert(_ name: String, _ expression: String, hold: Int64 = 0) -> RuleDefinition {
    RuleDefinition(kind: .alerting(AlertTerms(holdMilliseconds: hold)), name: name, expression: expression)
  }
}
