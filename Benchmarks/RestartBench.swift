import TestKit

/// The time from a start to ready when the server was killed with the whole load in its log: the median of some starts.
func runRestart(_ options: BenchOptions) throws {
  let workload = try options.workload(series: 1_000_000, scrapes: 120)
  var table = FigureTable(title("restart after SIGKILL", workload, options))
  var digests: [UInt64] = []
  for contender in options.contenders {
    var trial = try Trial(contender, options)
    let firstStart = trial.server.startDuration
    let sent = try trial.load(workload)
    sleepThread(.seconds(options.settleSeconds))
    let diskBytes = bytesOnDisk(trial.dataPath)
    var starts: [(seconds: Double, cpuSeconds: Double)] = []
    for _ in 0..<restartRounds {
      try trial.killAndRestart()
      starts.append((trial.server.startDuration.inSeconds, try trial.usage().cpuSeconds))
    }
    let usage = try trial.usage()
    let lastIsThere = try trial.findsLast(of: workload, sent)
    table.add(
      contender.rawValue,
      [
        ("seconds to ready", median(starts.map(\.seconds)), 2),
        ("CPU seconds to ready", median(starts.map(\.cpuSeconds)), 2),
        ("resident MiB when ready", mebibytes(usage.residentBytes), 1),
        ("resident MiB, most", mebibytes(usage.residentBytesMax), 1),
        ("seconds to ready when empty", firstStart.inSeconds, 2),
        ("MiB on disk when killed", mebibytes(diskBytes), 1),
        ("wall seconds of the load", sent.wallSeconds, 1),
        ("last sample there (1) or lost (0)", lastIsThere ? 1 : 0, 0),
      ])
    digests.append(sent.digest)
    trial.end()
  }
  print(table.text)
  try printDigest(digests)
}

private let restartRounds = 3

/// Rounds of SIGKILL under load: nothing acknowledged may be missing.
func runKill(_ options: BenchOptions) throws {
  var rounds = KillRounds(rounds: options.rounds, seed: options.seed)
  rounds.arguments = options.apusFlags
  let result = try rounds.run { report($0) }
  print(
    """
    kill: \(options.rounds) rounds, seed \(options.seed): nothing acknowledged was lost
      bodies acknowledged            \(result.bodiesAcknowledged)
      samples asked for              \(result.samplesAskedFor)
      unacknowledged bodies kept     \(result.bodiesInFlightKept)
      starts killed as well          \(result.startsKilled)
      slowest start                  \(result.startSecondsMax) s
    """)
}
