import TestKit

/// How long a server needs to be ready again after SIGKILL, with a load in its log. A plain value.
struct RestartFigures {
  static let rounds = 3

  /// Medians of the rounds.
  var seconds: Double
  var cpuSeconds: Double
  var emptySeconds: Double
  var usage: ProcessUsage
  var diskBytes: Int
  var lastIsThere: Bool
  var sent: SentLoad

  init(_ contender: Contender, _ workload: Workload, _ options: BenchOptions) throws {
    var trial = try Trial(contender, options)
    emptySeconds = trial.server.startDuration.inSeconds
    sent = try trial.load(workload)
    sleepThread(.seconds(options.settleSeconds))
    diskBytes = bytesOnDisk(trial.dataPath)
    var starts: [(seconds: Double, cpuSeconds: Double)] = []
    for _ in 0..<Self.rounds {
      try trial.killAndRestart()
      starts.append((trial.server.startDuration.inSeconds, try trial.usage().cpuSeconds))
    }
    seconds = median(starts.map(\.seconds))
    cpuSeconds = median(starts.map(\.cpuSeconds))
    usage = try trial.usage()
    lastIsThere = try trial.findsLast(of: workload, sent)
    trial.end()
  }
}

/// The time from a start to ready when the server was killed with the whole load in its log.
func runRestart(_ options: BenchOptions) throws {
  let workload = try options.workload(usualSeries: 1_000_000, usualScrapes: 120)
  var table = FigureTable(title("restart after SIGKILL", workload, options))
  var digests: [UInt64] = []
  for contender in options.contenders {
    let figures = try RestartFigures(contender, workload, options)
    table.add(
      contender.rawValue,
      [
        ("seconds to ready", figures.seconds, 2),
        ("CPU seconds to ready", figures.cpuSeconds, 2),
        ("resident MiB when ready", mebibytes(figures.usage.residentBytes), 1),
        ("resident MiB, most", mebibytes(figures.usage.residentBytesMax), 1),
        ("seconds to ready when empty", figures.emptySeconds, 2),
        ("MiB on disk when killed", mebibytes(figures.diskBytes), 1),
        ("wall seconds of the load", figures.sent.wallSeconds, 1),
        ("last sample there (1) or lost (0)", figures.lastIsThere ? 1 : 0, 0),
      ])
    digests.append(figures.sent.digest)
  }
  print(table.text)
  try printDigest(digests)
}

/// Rounds of SIGKILL under load: nothing acknowledged may be missing.
func runKill(_ options: BenchOptions) throws {
  var sum = KillRounds.Report()
  var roundsDone = 0
  // Each restart reads the log of all rounds before: a directory for a dozen of them keeps a kill cheap.
  let roundsPerDirectory = 12
  while roundsDone < options.rounds {
    let seed = options.seed &+ UInt64(roundsDone / roundsPerDirectory)
    var rounds = KillRounds(rounds: min(roundsPerDirectory, options.rounds - roundsDone), seed: seed)
    rounds.arguments = options.apusFlags
    rounds.readyWithin = .seconds(600)
    sum.add(try rounds.run())
    roundsDone += rounds.rounds
    report("\(roundsDone) rounds, seed \(seed) the last: \(roundsDone + sum.startsKilled) kills, nothing lost")
  }
  print(
    """
    kill: \(options.rounds) rounds from seed \(options.seed): nothing acknowledged was lost
      kills                          \(roundsDone + sum.startsKilled)
      of them during a start         \(sum.startsKilled)
      bodies acknowledged            \(sum.bodiesAcknowledged)
      samples asked for              \(sum.samplesAskedFor)
      unacknowledged bodies kept     \(sum.bodiesInFlightKept)
      slowest start                  \(sum.startSecondsMax) s
    """)
}
