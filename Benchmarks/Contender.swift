import TestKit

/// A server that is measured.
enum Contender: String, CaseIterable {
  case apus, prometheus, victoria

  /// Starts it on `data`, with nothing to scrape but itself.
  func start(data: String, _ options: BenchOptions, in directory: TemporaryDirectory) throws -> ServerProcess {
    let patience = Duration.seconds(1800)
    switch self {
    case .apus:
      return try .apus(data: data, options.apusFlags, readyWithin: patience)
    case .prometheus:
      let configuration = try directory.write("{}\n", to: "prometheus.yml")
      return try .prometheus(data: data, configuration: configuration, readyWithin: patience)
    case .victoria:
      return try .victoriaMetrics(data: data, options.victoriaFlags, readyWithin: patience)
    }
  }
}

/// A server under load: started on a fresh data directory, which lives as long as this does.
struct Trial: ~Copyable {
  let contender: Contender
  let options: BenchOptions
  let directory: TemporaryDirectory
  private(set) var server: ServerProcess
  /// What the start had used before the first body.
  let usageAtStart: ProcessUsage

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  init(_ contender: Contender, _ options: BenchOptions) throws {
    try Interruption.check()
    report("\(contender.rawValue): starting")
    let directory = try TemporaryDirectory("apus-bench-\(contender.rawValue)", in: BenchFolder.path(options))
    let server = try contender.start(data: directory.path("data"), options, in: directory)
    guard let usage = server.child.usage else { throw Failure(description: "\(contender.rawValue) ended at once") }
    self.contender = contender
    self.options = options
    self.directory = directory
    self.server = server
    usageAtStart = usage
  }

  var dataPath: String { directory.path("data") }

  func usage() throws -> ProcessUsage {
    guard let usage = server.child.usage else {
      let output = server.child.standardError.complete().suffix(2000)
      throw Failure(description: "\(contender.rawValue) ended under load: \(output)")
    }
    return usage
  }

  /// Sends the whole load, then asks for the last sample of the last series: a server that drops bodies is fast.
  func load(_ workload: Workload, onScrape: @escaping @Sendable (Int) -> Void = { _ in }) throws -> SentLoad {
    report("\(contender.rawValue): sending \(workload.series) series x \(workload.scrapes)")
    let sent: SentLoad
    do throws(LoadSender.Failure) {
      var sender = LoadSender(workload: workload, connections: options.connections)
      sender.onScrape = onScrape
      sent = try sender.send(to: server.port)
    } catch {
      _ = try usage()  // a server that has ended is the better explanation
      throw error
    }
    guard try findsLast(of: workload, sent) else {
      throw Failure(description: "\(contender.rawValue) does not have the last sample of the load")
    }
    guard try workload.churn == 0 || findsAllPods(of: workload) else {
      throw Failure(description: "\(contender.rawValue) does not have all series of the load")
    }
    return sent
  }

  /// Whether as many series of one metric are there as pods have ever been, for each replica that is kept apart.
  private func findsAllPods(of workload: Workload) throws -> Bool {
    let end = workload.timestamp(scrape: workload.scrapes - 1) + workload.intervalMilliseconds
    let seconds = (end - workload.firstTimestamp) / 1000 + 60
    return try eventually(within: .seconds(30)) {
      let answer = try server.query("count(last_over_time(\(workload.metricName(0))[\(seconds)s]))", at: end)
      let found = Int(answer.series.first?.points.first?.value ?? 0)
      return found % workload.podsEver == 0 && (1...max(workload.replicas.count, 1)) ~= found / workload.podsEver
    }
  }

  /// Whether the last sample of the last series is answered.
  func findsLast(of workload: Workload, _ sent: SentLoad) throws -> Bool {
    let scrape = workload.scrapes - 1
    let labels = workload.labels(of: sent.lastSeries, scrape: scrape)
    let matchers = labels.dropFirst().map { "\($0.0)=\"\($0.1)\"" }.joined(separator: ",")
    let time = workload.timestamp(scrape: scrape, pod: sent.lastSeries / Workload.metrics)
    return try eventually(within: .seconds(30)) {
      let answer = try server.query("\(labels[0].1){\(matchers)}", at: time)
      // Where replicas are not made one, each has its series.
      return (1...max(workload.replicas.count, 1)) ~= answer.series.count
        && answer.series.contains { $0.points.last?.value == sent.lastValue }
    }
  }

  /// SIGKILL, and a new start on the same data.
  mutating func killAndRestart() throws {
    report("\(contender.rawValue): killing and starting again")
    server.child.killAndReap()
    try Interruption.check()
    server = try contender.start(data: dataPath, options, in: directory)
  }

  consuming func end() { _ = server.child.terminate(within: .seconds(120)) }
}
