import Synchronization
import TestKit

/// What a sample, a series and a query cost at growing numbers of series: what does not grow stays flat, and a step that is
/// not flat is to be explained.
func runGrowth(_ options: BenchOptions) throws {
  let scrapes = options.scrapes ?? 20
  guard (2...Workload.scrapesMax) ~= scrapes else {
    throw BenchOptions.Mistake(description: "--scrapes \(scrapes): 2 to \(Workload.scrapesMax)")
  }
  let contenders = options.areContendersChosen ? options.contenders : [.apus]
  var json: [String] = []
  for contender in contenders {
    var steps: [GrowthStep] = []
    for series in growthSizes(upTo: options.seriesMax) {
      steps.append(try GrowthStep(contender, try options.workload(series: series, scrapes: scrapes), options))
    }
    print(
      "growth of \(contender.rawValue): \(scrapes) scrapes, seed \(options.seed); in brackets times the row above\n")
    print(growthTable(steps))
    json += steps.map { $0.json(contender) }
  }
  if let path = options.jsonFile { try writeFile(array(json) + "\n", to: path) }
}

func growthSizes(upTo most: Int) -> [Int] {
  let usual = [10_000, 100_000, 1_000_000, 5_000_000].filter { $0 <= most }
  return usual.isEmpty ? [max(most / 10, 1), most] : usual
}

private func growthTable(_ steps: [GrowthStep]) -> String {
  var table = [["series"] + GrowthStep.columns]
  for (index, step) in steps.enumerated() {
    let cells = step.figures.enumerated().map { column, figure in
      let text = FigureTable.number(figure, figure < 100 ? 1 : 0)
      guard index > 0 else { return text }
      return "\(text) (\(FigureTable.number(figure / steps[index - 1].figures[column], 2)))"
    }
    table.append([FigureTable.number(Double(step.series), 0)] + cells)
  }
  return markdownTable(table, left: [])
}

/// The figures at one number of series. A plain value.
struct GrowthStep {
  static let columns = [
    "CPU ns / sample", "CPU ns / new series", "resident bytes / series", "of these above idle",
    "one series, us / query", "one pod, us / query", "one metric, us / query", "one metric, ns / series",
  ]

  var series: Int
  /// As `columns`.
  var figures: [Double]

  init(_ contender: Contender, _ workload: Workload, _ options: BenchOptions) throws {
    series = workload.series
    var options = options
    options.leaveOutOwnMetrics()
    options.victoriaFlags = ["-search.disableCache"]
    let trial = try Trial(contender, options)
    let clock = try ProcessClock(trial.server)
    let start = clock.seconds
    let first = FirstScrape(connections: options.connections, clock)
    let sent = try trial.load(workload) { if $0 == 1 { first.wait() } }
    sleepThread(.seconds(options.settleSeconds))
    let settled = clock.seconds
    let known = Double(workload.samples - workload.series)
    let residentBytes = try trial.usage().residentBytes
    figures = [
      (settled - first.cpuSeconds) / known * 1e9, (first.cpuSeconds - start) / Double(series) * 1e9,
      Double(residentBytes) / Double(series),
      Double(residentBytes - trial.usageAtStart.residentBytes) / Double(series),
    ]
    report("\(contender.rawValue): asking")
    let queries = GrowthQueries(workload, lastSeries: sent.lastSeries)
    for target in queries.targets {
      let cost = try Self.cost(of: target, trial.server, clock, options)
      figures.append(cost * 1e6)
    }
    figures.append(figures[figures.count - 1] * 1000 / Double(queries.seriesOfMetric))
    trial.end()
  }

  /// CPU seconds: the median of some rounds.
  private static func cost(
    of target: String, _ server: ServerProcess, _ clock: ProcessClock, _ options: BenchOptions
  ) throws -> Double {
    var connection = try HTTPConnection(port: server.port, timeout: .seconds(120))
    // The first one is what warms the server up.
    let answer = try connection.exchange("GET", target)
    guard answer.status == 200, !(try QueryAnswer(answer).series.isEmpty) else {
      throw Trial.Failure(description: "\(target) was answered \(answer.status): \(answer.text.prefix(300))")
    }
    var rounds: [Double] = []
    for _ in 0..<options.queryRounds {
      let start = ContinuousClock.now
      let before = clock.seconds
      var repetitions = 0
      repeat {
        let answer = try connection.exchange("GET", target)
        if !answer.keepsAlive { connection = try HTTPConnection(port: server.port, timeout: .seconds(120)) }
        repetitions += 1
      } while (ContinuousClock.now - start).inSeconds < options.querySeconds
      rounds.append((clock.seconds - before) / Double(repetitions))
    }
    return median(rounds)
  }

  func json(_ contender: Contender) -> String {
    object(
      [("server", quoted(contender.rawValue)), ("series", "\(series)")]
        + zip(Self.columns, figures).map { ($0, number($1)) })
  }
}

/// Three queries: of one series, of all counters of one pod over time, and of one metric over all pods.
private struct GrowthQueries {
  let targets: [String]
  let seriesOfMetric: Int

  init(_ workload: Workload, lastSeries: Int) {
    let scrape = workload.scrapes - 1
    let end = workload.timestamp(scrape: scrape) / 1000 + (workload.jitterMilliseconds + 999) / 1000
    let labels = workload.labels(of: lastSeries, scrape: scrape)
    let matchers = labels.dropFirst().map { "\($0.0)=\"\($0.1)\"" }.joined(separator: ",")
    let pod = labels.first { $0.0 == "pod" }?.1 ?? ""
    seriesOfMetric = (workload.series + Workload.metrics - 1) / Workload.metrics
    func instant(_ query: String) -> String { "/api/v1/query?query=\(percentEncoded(query))&time=\(end)&nocache=1" }
    let byPod = "sum by (job) (last_over_time({__name__=~\".+_total\",pod=\"\(pod)\"}[2m]))"
    targets = [
      instant("\(labels[0].1){\(matchers)}"),
      "/api/v1/query_range?query=\(percentEncoded(byPod))&start=\(end - 120)&end=\(end)&step=15&nocache=1",
      instant("sum by (namespace) (rate(\(workload.metricName(0))[2m]))"),
    ]
  }
}

/// Where the connections wait for each other behind the first scrape, so that new series and known ones are told apart.
/// Safe to use from any thread.
private final class FirstScrape: Sendable {
  private let connections: Int
  private let clock: ProcessClock
  private let state = Mutex((arrived: 0, cpuSeconds: 0.0))

  init(connections: Int, _ clock: ProcessClock) {
    self.connections = connections
    self.clock = clock
  }

  /// What the server had used by then.
  var cpuSeconds: Double { state.withLock { $0.cpuSeconds } }

  func wait() {
    state.withLock { state in
      state.arrived += 1
      if state.arrived == connections { state.cpuSeconds = clock.seconds }
    }
    while state.withLock({ $0.arrived < connections }) { sleepThread(.milliseconds(1)) }
  }
}
