import Glibc
import TestKit

/// CPU of the whole server process for each query of a mix over a day of samples, caches off; and whether the answers are
/// those of Prometheus. All servers have their load before the first query, and are asked by turns, so that what else the
/// machine does falls on all of them alike.
func runQueries(_ options: BenchOptions) throws {
  let workload = options.queryWorkload(series: 1056, scrapes: 5760)
  let measured = try QueryFigures(options, workload)
  if let failure = measured.failures.first { throw failure.value }
  printQueries(measured, workload, options)
}

/// What the servers needed for each query of the mix, in its order. A plain value.
struct QueryFigures {
  private(set) var figures: [Contender: [QueryFigure]] = [:]
  /// Of the servers that could not be asked.
  private(set) var failures: [Contender: any Error] = [:]
  private(set) var samples = 0

  init(_ options: BenchOptions, _ workload: QueryWorkload) throws {
    var options = options
    options.victoriaFlags = ["-search.disableCache"]
    options.leaveOutOwnMetrics()
    var trials: [(contender: Contender, trial: StartedTrial, server: QueriedServer)] = []
    for contender in options.contenders {
      do {
        let trial = StartedTrial(try Trial(contender, options))
        trials.append((contender, trial, try QueriedServer(contender, trial.server, options, workload)))
      } catch {
        failures[contender] = error
      }
    }
    for query in trials.isEmpty ? [] : DashboardQuery.mix {
      for (one, figure) in zip(trials, try measure(query, on: trials.map(\.server), options)) {
        report("\(one.contender.rawValue): \(query.name): \(milliseconds(figure.cpuSeconds)) ms")
        figures[one.contender, default: []].append(figure)
      }
    }
    for one in trials { one.trial.end() }
    let sent = trials.map(\.server.samplesSent)
    guard sent.allSatisfy({ $0 == sent[0] }) else { throw Trial.Failure(description: "not the same samples: \(sent)") }
    samples = sent.first ?? 0
  }

  /// Apus's need of each query as a multiple of a peer's.
  func ratios(to peer: Contender, _ figure: KeyPath<QueryFigure, Double>) -> [Double] {
    zip(figures[.apus] ?? [], figures[peer] ?? []).map { $0[keyPath: figure] / $1[keyPath: figure] }
  }

  /// Where Apus does not say what a peer says.
  func differences(from peer: Contender) -> [String] {
    guard let own = figures[.apus], let theirs = figures[peer] else { return [] }
    return DashboardQuery.mix.enumerated().compactMap { index, query in
      let tolerance = peer == .victoria ? query.victoriaTolerance : query.hasTies ? 1e-6 : 1e-9
      return AnswerComparison(tolerance).difference(own[index].answer, theirs[index].answer).map {
        "answers differ from \(peer.rawValue): \(query.name): \($0)"
      }
    }
  }
}

/// A trial among others.
private final class StartedTrial {
  private var trial: Trial?
  let server: ServerProcess

  init(_ trial: consuming Trial) {
    server = trial.server
    self.trial = .some(consume trial)
  }

  func end() { trial.take()?.end() }
}

/// The median over some rounds of the mean CPU of a round's repetitions, the servers by turns.
private func measure(
  _ query: DashboardQuery, on servers: [QueriedServer], _ options: BenchOptions
) throws -> [QueryFigure] {
  // The first answer is also what warms a server up.
  var figures = try servers.map { QueryRounds(answer: try $0.answer(query)) }
  for _ in 0..<options.queryRounds {
    for (place, server) in servers.enumerated() { try server.repeatedly(query, for: &figures[place]) }
  }
  return figures.map(\.figure)
}

private struct QueryRounds {
  let answer: QueryAnswer
  var cpu: [Double] = []
  var wall: [Double] = []

  var figure: QueryFigure { QueryFigure(cpuSeconds: median(cpu), wallSeconds: median(wall), answer: answer) }
}

/// What one server needs for one query.
struct QueryFigure {
  var cpuSeconds: Double
  var wallSeconds: Double
  var answer: QueryAnswer
}

/// A server with the load of the queries in it.
struct QueriedServer {
  let server: ServerProcess
  let options: BenchOptions
  let workload: QueryWorkload
  let samplesSent: Int
  private let clock: ProcessClock

  init(_ contender: Contender, _ server: ServerProcess, _ options: BenchOptions, _ workload: QueryWorkload) throws {
    self.server = server
    self.options = options
    self.workload = workload
    var load = QueryLoad(workload)
    report("\(contender.rawValue): sending \(load.seriesCount) series x \(workload.scrapes)")
    try load.send { body in
      let answer = try server.request("POST", "/api/v1/write", headers: RemoteWriteBody.headers, body: body)
      guard answer.status / 100 == 2 else {
        throw Trial.Failure(description: "a body was answered \(answer.status): \(answer.text.prefix(300))")
      }
    }
    samplesSent = load.samplesSent
    if contender == .victoria { _ = try server.get("/internal/force_flush") }
    clock = try ProcessClock(server)
    settle()
  }

  func cpuSeconds() -> Double { clock.seconds }

  /// Waits until what the load left to do in the background is done.
  private func settle() {
    sleepThread(.seconds(options.settleSeconds))
    _ = eventually(within: .seconds(options.settleSeconds * 8), every: .milliseconds(1)) {
      let before = cpuSeconds()
      sleepThread(.seconds(1))
      return cpuSeconds() - before < 0.03
    }
  }

  func answer(_ query: DashboardQuery) throws -> QueryAnswer {
    var connection = try HTTPConnection(port: server.port, timeout: .seconds(120))
    return try QueryAnswer(connection.exchange("GET", target(query)))
  }

  /// One round.
  fileprivate func repeatedly(_ query: DashboardQuery, for rounds: inout QueryRounds) throws {
    var connection = try HTTPConnection(port: server.port, timeout: .seconds(120))
    let target = target(query)
    let start = ContinuousClock.now
    let cpuStart = cpuSeconds()
    var repetitions = 0
    repeat {
      _ = try connection.exchange("GET", target)
      repetitions += 1
    } while (ContinuousClock.now - start).inSeconds < options.querySeconds
    rounds.cpu.append((cpuSeconds() - cpuStart) / Double(repetitions))
    rounds.wall.append((ContinuousClock.now - start).inSeconds / Double(repetitions))
  }

  func target(_ query: DashboardQuery) -> String {
    let text = percentEncoded(query.expression)
    // Aligned as dashboards ask; no server then moves the steps.
    let end = workload.lastTimestamp / 300_000 * 300
    if query.rangeSeconds == 0 { return "/api/v1/query?query=\(text)&time=\(end)&nocache=1" }
    return
      "/api/v1/query_range?query=\(text)&start=\(end - query.rangeSeconds)&end=\(end)&step=\(query.stepSeconds)&nocache=1"
  }

}

func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  if sorted.isEmpty { return .nan }
  return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}

private func printQueries(_ measured: QueryFigures, _ workload: QueryWorkload, _ options: BenchOptions) {
  let title =
    "queries: \(workload.series.count) series x \(workload.scrapes) scrapes, \(measured.samples) samples, caches off, "
    + "milliseconds of CPU per query, seed \(workload.seed)"
  var table = FigureTable(title)
  for contender in options.contenders {
    let own = measured.figures[contender] ?? []
    table.add(
      contender.rawValue,
      zip(DashboardQuery.mix, own).map { ($0.name, milliseconds($1.cpuSeconds), 2) })
  }
  print(table.text)
  guard measured.figures[.apus] != nil else { return }
  for peer in options.contenders where peer != .apus {
    let ratios = measured.ratios(to: peer, \.cpuSeconds)
    print(
      "apus / \(peer.rawValue): CPU median \(FigureTable.number(median(ratios), 2)), most "
        + "\(FigureTable.number(ratios.max() ?? .nan, 2)); wall median "
        + "\(FigureTable.number(median(measured.ratios(to: peer, \.wallSeconds)), 2))")
    for difference in measured.differences(from: peer) { print(difference) }
  }
}

func milliseconds(_ seconds: Double) -> Double { seconds * 1000 }

/// Memory that `sum by (job) (rate(...))` over many series takes above what the server held before it.
func runQueryMemory(_ options: BenchOptions) throws {
  var options = options
  options.victoriaFlags = ["-search.disableCache"]
  options.leaveOutOwnMetrics()
  let steps: Int64 = 240
  var workload = options.queryWorkload(series: 1, scrapes: Int(steps))
  workload.wideSeries = options.series ?? 100_000
  var table = FigureTable(
    "memory of a query: sum by (job) (rate(m_total[5m])), \(workload.series.count) series x \(workload.scrapes) scrapes, "
      + "\(steps) steps")
  for contender in options.contenders {
    let trial = try Trial(contender, options)
    let queried = try QueriedServer(contender, trial.server, options, workload)
    let query = DashboardQuery("wide", "sum by (job) (rate(m_total[5m]))", (steps - 1) * 15, 15)
    var above: [Double] = []
    var seconds: [Double] = []
    for _ in 0..<3 {
      try resetPeak(trial.server.child.processID)
      let before = try trial.usage()
      let cpu = queried.cpuSeconds()
      let answer = try QueryAnswer(trial.server.request("GET", queried.target(query), timeout: .seconds(600)))
      seconds.append(queried.cpuSeconds() - cpu)
      let after = try trial.usage()
      guard !answer.series.isEmpty else { throw Trial.Failure(description: "no answer to the query") }
      above.append(mebibytes(after.residentBytesMax - before.residentBytes))
    }
    table.add(
      contender.rawValue,
      [
        ("MiB above idle, first", above[0], 1), ("MiB above idle, third", above[2], 1),
        ("CPU seconds, third", seconds[2], 2),
      ])
    trial.end()
  }
  print(table.text)
}

/// Lets the most a process has held begin anew.
private func resetPeak(_ processID: pid_t) throws {
  let descriptor = open("/proc/\(processID)/clear_refs", O_WRONLY)
  defer { close(descriptor) }
  guard descriptor >= 0, write(descriptor, "5", 1) == 1 else {
    throw Trial.Failure(description: "the peak of \(processID) cannot be reset")
  }
}
