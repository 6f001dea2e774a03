import Glibc

/// The promise "a killed process loses nothing acknowledged", put to the test: rounds of load, SIGKILL at a random
/// moment, restart, and a question for every sample that was acknowledged. A plain value; `run` blocks.
///
/// Each round writes a metric of its own from several connections; body j of a sender holds one sample per series, at
/// the j-th step of the round. So what a sender was acknowledged is a prefix, and at most one body more may be there.
package struct KillRounds {
  package static let stepMilliseconds: Int64 = 5
  package static let roundMilliseconds: Int64 = 20_000
  /// Rounds that are asked for after each restart; the end asks for all.
  package static let roundsAskedAgain = 3

  package var rounds: Int
  package var senders = 2
  package var seriesPerBody = 20
  package var loadMillisecondsMax = 600
  package var seed: UInt64
  package var arguments: [String] = []
  /// How long a start may take; a campaign beside other work has patience.
  package var readyWithin = Duration.seconds(60)

  package init(rounds: Int, seed: UInt64) {
    precondition(Int64(rounds) * Self.roundMilliseconds <= 40 * 60_000, "the rounds must fit into the last 40 minutes")
    self.rounds = rounds
    self.seed = seed
  }

  package struct Report: Sendable {
    package var bodiesAcknowledged = 0
    package var samplesAskedFor = 0
    package var bodiesInFlightKept = 0
    package var startsKilled = 0
    package var startSecondsMax = 0.0

    package init() {}

    /// What both have seen.
    package mutating func add(_ other: Report) {
      bodiesAcknowledged += other.bodiesAcknowledged
      samplesAskedFor += other.samplesAskedFor
      bodiesInFlightKept += other.bodiesInFlightKept
      startsKilled += other.startsKilled
      startSecondsMax = max(startSecondsMax, other.startSecondsMax)
    }
  }

  package struct Loss: Error, CustomStringConvertible {
    package var description: String
  }

  /// Runs all rounds on a data directory of its own; throws at the first sample that is missing, wrong or unsent.
  package func run(progress: (String) -> Void = { _ in }) throws -> Report {
    let directory = try TemporaryDirectory("apus-kill")
    let data = directory.path("data")
    let origin = nowMilliseconds() - 45 * 60_000
    var random = RandomSource(seed: seed)
    var report = Report()
    var acknowledged: [[Int]] = []
    for round in 0..<rounds {
      if round % 4 == 2 {
        try killDuringStart(data, after: .milliseconds(random.below(200)))
        report.startsKilled += 1
      }
      let server = try ServerProcess.apus(data: data, arguments, readyWithin: readyWithin)
      report.startSecondsMax = max(report.startSecondsMax, server.startDuration.inSeconds)
      for earlier in max(0, round - Self.roundsAskedAgain)..<round {
        try ask(server, earlier, origin, acknowledged[earlier], &report)
      }
      let counts = try load(server, round, origin, killAfter: .milliseconds(random.below(loadMillisecondsMax)))
      acknowledged.append(counts)
      report.bodiesAcknowledged += counts.reduce(0, +)
      progress("round \(round): killed after \(counts) acknowledged bodies")
    }
    let server = try ServerProcess.apus(data: data, arguments, readyWithin: readyWithin)
    for round in 0..<rounds { try ask(server, round, origin, acknowledged[round], &report) }
    return report
  }

  private func killDuringStart(_ data: String, after delay: Duration) throws {
    let port = FreePort.next()
    let child = try ChildProcess(
      try apusBinary(), ["--storage.tsdb.path=\(data)", "--web.listen-address=127.0.0.1:\(port)"] + arguments)
    sleepThread(delay)
    child.killAndReap()
  }

  /// Writes from all senders until the server is killed; how many bodies each was acknowledged.
  private func load(
    _ server: ServerProcess, _ round: Int, _ origin: Int64, killAfter delay: Duration
  ) throws -> [Int] {
    let results = onThreads(senders + 1) { [self] number -> SenderResult in
      guard number < senders else {
        sleepThread(delay)
        server.child.killAndReap()
        return SenderResult()
      }
      return send(to: server.port, round, number, origin)
    }
    if let refusal = results.compactMap(\.refusal).first {
      throw Loss(description: "a good body of round \(round) was refused: \(refusal)")
    }
    return results.prefix(senders).map(\.acknowledged)
  }

  private struct SenderResult: Sendable {
    var acknowledged = 0
    var refusal: String?
  }

  private func send(to port: UInt16, _ round: Int, _ sender: Int, _ origin: Int64) -> SenderResult {
    var result = SenderResult()
    do {
      var connection = try HTTPConnection(port: port)
      while result.acknowledged < Int(Self.roundMilliseconds / Self.stepMilliseconds) {
        let body = body(round, sender, result.acknowledged, origin)
        let answer = try connection.exchange(
          "POST", "/api/v1/write", headers: RemoteWriteBody.headers, body: body.snappy)
        guard answer.status / 100 == 2 else {
          result.refusal = "\(answer.status) \(answer.text)"
          break
        }
        result.acknowledged += 1
      }
    } catch {
      // The kill ends the connection, at the latest the next one: what was acknowledged until then is what counts.
      if error == .timedOut { result.refusal = "no answer in time" }
    }
    return result
  }

  private func body(_ round: Int, _ sender: Int, _ count: Int, _ origin: Int64) -> RemoteWriteBody {
    var body = RemoteWriteBody()
    for series in 0..<seriesPerBody {
      body.add(
        "kill_round_\(round)", ["sender": "\(sender)", "series": "\(series)"],
        [(timestamp(round, count, origin), value(count, series))])
    }
    return body
  }

  private func timestamp(_ round: Int, _ count: Int, _ origin: Int64) -> Int64 {
    origin + Int64(round) * Self.roundMilliseconds + Int64(count) * Self.stepMilliseconds
  }

  private func value(_ count: Int, _ series: Int) -> Double { Double(count * 1000 + series) }

  /// Asks for every sample of a round.
  private func ask(
    _ server: ServerProcess, _ round: Int, _ origin: Int64, _ acknowledged: [Int], _ report: inout Report
  ) throws {
    for (sender, count) in acknowledged.enumerated() {
      let selector = "kill_round_\(round){sender=\"\(sender)\"}[1h]"
      let answer = try server.query(selector, at: origin + 50 * 60_000)
      func loss(_ what: String) -> Loss { Loss(description: "seed \(seed): \(selector): \(what)") }
      guard count == 0 || answer.series.count == seriesPerBody else {
        throw loss("\(answer.series.count) series of \(seriesPerBody), \(count) bodies were acknowledged")
      }
      for series in answer.series {
        guard let number = series.labels["series"].flatMap({ Int($0) }) else {
          throw loss("a series without its label")
        }
        // Beyond what was acknowledged, only the one body that was on its way when the kill came.
        guard series.points.count == count || series.points.count == count + 1 else {
          throw loss("series \(number) has \(series.points.count) samples, \(count) were acknowledged")
        }
        for (index, point) in series.points.enumerated() {
          guard point.timestampMilliseconds == timestamp(round, index, origin), point.value == value(index, number)
          else { throw loss("series \(number), sample \(index) is \(point)") }
        }
        report.samplesAskedFor += count
      }
      if answer.series.contains(where: { $0.points.count > count }) { report.bodiesInFlightKept += 1 }
    }
  }
}
