import Glibc
import Synchronization
import TestKit

/// CPU of recording and alerting rules: 200,000 series come in every 15 s, and 1,000 groups of ten rules are evaluated as often.
/// Counted is what the server uses with rules less what the same server used before, under the same load.
func runRules(_ options: BenchOptions) throws {
  let shape = RulesShape(
    series: options.series ?? 200_000, groups: options.groups ?? 1000, rules: options.rules ?? 10,
    intervalSeconds: options.intervalSeconds ?? 15, seconds: options.seconds ?? 120)
  var table = FigureTable(
    "rules: \(shape.groups) groups x \(shape.rules) rules every \(shape.intervalSeconds) s over \(shape.series) series, "
      + "\(shape.seconds) s without rules and \(shape.seconds) s with them; seed \(options.seed)")
  for contender in options.contenders where contender != .victoria {
    let figures = try RulesFigures(contender, shape, options)
    table.add(
      contender.rawValue,
      [
        ("CPU microseconds / evaluation", figures.cpuOfRules / figures.evaluations * 1e6, 1),
        ("CPU seconds of rules / second", figures.cpuOfRules / figures.secondsWith, 3),
        ("CPU seconds / second, load alone", figures.cpuWithout / figures.secondsWithout, 3),
        ("evaluations / second", figures.evaluations / figures.secondsWith, 1),
        ("evaluations / due", figures.evaluations / figures.secondsWith / shape.evaluationsPerSecond, 3),
        ("iterations missed", figures.missed, 0),
        ("evaluations failed", figures.failed, 0),
        ("samples of rules / round", figures.samplesPerRound, 0),
        ("alerts", figures.alerts, 0),
        ("resident MiB, load alone", mebibytes(figures.residentWithout), 1),
        ("resident MiB, with rules", mebibytes(figures.residentWith), 1),
      ])
  }
  print(table.text)
}

/// The rules that are evaluated, and over how much. A plain value.
struct RulesShape {
  /// Scrapes that are there before anything is counted: what a rate over five minutes reads.
  static let scrapesBefore = 21

  var series: Int
  var groups: Int
  var rules: Int
  var intervalSeconds: Int
  /// Counted once without rules, once with them.
  var seconds: Int

  var evaluationsPerSecond: Double { Double(groups * rules) / Double(intervalSeconds) }
  /// From the first round to the time that is counted.
  var settlingSeconds: Int { 2 * intervalSeconds + 5 }
}

/// What rules cost. A plain value.
struct RulesFigures {
  var cpuWithout = 0.0
  var secondsWithout = 0.0
  var cpuWith = 0.0
  var secondsWith = 0.0
  var evaluations = 0.0
  var missed = 0.0
  var failed = 0.0
  var samplesPerRound = 0.0
  var alerts = 0.0
  var residentWithout = 0
  var residentWith = 0

  var cpuOfRules: Double { cpuWith - cpuWithout / secondsWithout * secondsWith }

  init(_ contender: Contender, _ shape: RulesShape, _ options: BenchOptions) throws {
    try Interruption.check()
    report("\(contender.rawValue): loading \(shape.series) series")
    let directory = try TemporaryDirectory("apus-bench-rules", in: BenchFolder.path(options))
    let world = try RulesWorld(contender, shape, options, in: directory)
    defer { world.end() }
    (cpuWithout, secondsWithout) = try world.watch(shape.seconds)
    residentWithout = try world.usage().residentBytes

    report("\(contender.rawValue): \(shape.groups) groups of \(shape.rules) rules")
    try world.setRules()
    try world.pass(shape.settlingSeconds)
    let before = try world.counters()
    (cpuWith, secondsWith) = try world.watch(shape.seconds)
    let after = try world.counters()
    evaluations = after.evaluations - before.evaluations
    missed = after.missed - before.missed
    failed = after.failures - before.failures
    samplesPerRound = after.lastSamples
    residentWith = try world.usage().residentBytes
    alerts = try world.server.query("count(ALERTS)", at: nowMilliseconds()).series.first?.points.first?.value ?? 0
    // Rules that find nothing cost nothing.
    guard evaluations > 0, samplesPerRound > 0 else {
      throw Trial.Failure(description: "\(contender.rawValue): \(evaluations) evaluations, \(samplesPerRound) samples")
    }
  }
}

/// A server under a load that goes on in real time, and its rules. One thread's own.
private final class RulesWorld {
  let server: ServerProcess
  private let contender: Contender
  private let clock: ProcessClock
  private let rules: String
  private let directory: TemporaryDirectory
  private let sender: PacedSender

  /// Returns when the server has what the first round reads.
  init(_ contender: Contender, _ shape: RulesShape, _ options: BenchOptions, in directory: TemporaryDirectory) throws {
    let interval = Int64(shape.intervalSeconds) * 1000
    let last = nowMilliseconds() / 1000 * 1000
    let scrapes = RulesShape.scrapesBefore + (2 * shape.seconds + shape.settlingSeconds) / shape.intervalSeconds + 20
    var workload = Workload(
      series: shape.series, scrapes: scrapes, seriesPerBody: options.seriesPerBody, seed: options.seed,
      firstTimestamp: last - Int64(RulesShape.scrapesBefore - 1) * interval, intervalMilliseconds: interval)
    workload.mix = options.mix
    self.contender = contender
    self.directory = directory
    rules =
      RuleMix(
        groups: shape.groups, rules: shape.rules, intervalSeconds: shape.intervalSeconds, workload: workload
      ).text
    _ = try directory.write("groups: []\n", to: "rules.yml")
    let file = try directory.write(
      "global:\n  evaluation_interval: \(shape.intervalSeconds)s\nrule_files: [rules.yml]\n", to: "prometheus.yml")
    let data = directory.path("data")
    switch contender {
    case .prometheus: server = try .prometheus(data: data, configuration: file)
    default: server = try .apus(data: data, ["--config.file=\(file)"] + options.apusFlags)
    }
    clock = try ProcessClock(server)
    sender = PacedSender(workload, options.connections, to: server.port)
    guard eventually(within: .seconds(600), { [sender] in sender.failure != nil || sender.isCaughtUp }),
      sender.failure == nil
    else {
      throw Trial.Failure(description: "\(contender.rawValue): \(sender.failure ?? "the load takes too long")")
    }
    try pass(shape.intervalSeconds)
  }

  /// SIGHUP: both read their files again.
  func setRules() throws {
    _ = try directory.write(rules, to: "rules.yml")
    server.child.send(SIGHUP)
    let isThere = try eventually(within: .seconds(60), every: .seconds(1)) { try counters().groups > 0 }
    guard isThere else { throw Trial.Failure(description: "\(contender.rawValue) has not taken the rules") }
  }

  /// Processor time and real time over so many seconds.
  func watch(_ seconds: Int) throws -> (cpu: Double, seconds: Double) {
    let (start, began) = (clock.seconds, ContinuousClock.now)
    try pass(seconds)
    return (clock.seconds - start, (ContinuousClock.now - began).inSeconds)
  }

  func pass(_ seconds: Int) throws {
    for _ in 0..<seconds {
      try Interruption.check()
      sleepThread(.seconds(1))
    }
    _ = try usage()
    if let failure = sender.failure { throw Trial.Failure(description: "\(contender.rawValue): \(failure)") }
  }

  func usage() throws -> ProcessUsage {
    guard let usage = server.child.usage else {
      throw Trial.Failure(
        description: "\(contender.rawValue) ended: \(server.child.standardError.complete().suffix(2000))")
    }
    return usage
  }

  /// The sums over all groups.
  func counters() throws
    -> (groups: Int, evaluations: Double, failures: Double, missed: Double, lastSamples: Double)
  {
    var sums: [Substring: (count: Int, sum: Double)] = [:]
    for line in try server.get("/metrics").text.split(separator: "\n") where line.hasPrefix("prometheus_rule_") {
      let name = line.prefix { $0 != "{" }
      let value = line.lastIndex(of: " ").flatMap { Double(line[line.index(after: $0)...]) } ?? 0
      let before = sums[name] ?? (0, 0)
      sums[name] = (before.count + 1, before.sum + value)
    }
    func sum(_ name: Substring) -> Double { sums["prometheus_rule_\(name)"]?.sum ?? 0 }
    return (
      sums["prometheus_rule_group_rules"]?.count ?? 0, sum("evaluations_total"), sum("evaluation_failures_total"),
      sum("group_iterations_missed_total"), sum("group_last_evaluation_samples")
    )
  }

  func end() {
    _ = server.child.terminate(within: .seconds(120))
    sender.stop()
  }
}

/// A load whose scrapes are sent when they are due: those of the past at once. Ends with its last scrape, or when it is told.
private final class PacedSender: Sendable {
  private let state = Mutex((sent: 0, isStopping: false, failure: String?.none))

  init(_ workload: Workload, _ connections: Int, to port: UInt16) {
    var sender = LoadSender(workload: workload, connections: connections)
    sender.onScrape = { [self] scrape in
      state.withLock { $0.sent = max($0.sent, scrape) }
      while nowMilliseconds() < workload.timestamp(scrape: scrape), !isStopping { sleepThread(.milliseconds(20)) }
    }
    startThread { [self, sender] in
      do throws(LoadSender.Failure) {
        _ = try sender.send(to: port)
      } catch {
        state.withLock { if !$0.isStopping { $0.failure = "\(error)" } }
      }
    }
  }

  private var isStopping: Bool { state.withLock { $0.isStopping } }
  /// The reason why it ended too early.
  var failure: String? { state.withLock { $0.failure } }
  /// True once the scrapes of the past are sent.
  var isCaughtUp: Bool { state.withLock { $0.sent >= RulesShape.scrapesBefore } }

  /// Called when the server has ended: the next body fails, and that is no failure.
  func stop() { state.withLock { $0.isStopping = true } }
}
