import TestKit

/// What taking in a load costs a server. A plain value.
struct IngestFigures {
  var samples: Double
  /// CPU to the last answer and, since servers put work off, to the end of a settling time.
  var cpuSecondsAtLast: Double
  var cpuSecondsSettled: Double
  var kernelSeconds: Double
  var residentBytesAtLast: Int
  var settled: ProcessUsage
  var usageAtStart: ProcessUsage
  var diskBytes: Int
  var sent: SentLoad

  var samplesPerCPUSecond: Double { samples / cpuSecondsSettled }
  var samplesPerWallSecond: Double { samples / sent.wallSeconds }

  /// Starts the server on an empty folder, loads it and lets it settle.
  init(_ contender: Contender, _ workload: Workload, _ options: BenchOptions) throws {
    let trial = try Trial(contender, options)
    let clock = try ProcessClock(trial.server)
    let start = clock.seconds
    sent = try trial.load(workload)
    let atLast = try trial.usage()
    cpuSecondsAtLast = clock.seconds - start
    sleepThread(.seconds(options.settleSeconds))
    settled = try trial.usage()
    usageAtStart = trial.usageAtStart
    samples = Double(workload.samples)
    cpuSecondsSettled = clock.seconds - start
    kernelSeconds = atLast.systemSeconds - usageAtStart.systemSeconds
    residentBytesAtLast = atLast.residentBytes
    diskBytes = bytesOnDisk(trial.dataPath)
    trial.end()
  }
}

/// CPU of taking in a load: samples per CPU-second of the whole server process.
func runIngest(_ options: BenchOptions) throws {
  let workload = try options.workload(usualSeries: 200_000, usualScrapes: 40)
  var table = FigureTable(title("ingest", workload, options))
  var digests: [UInt64] = []
  for contender in options.contenders {
    let figures = try IngestFigures(contender, workload, options)
    table.add(
      contender.rawValue,
      [
        ("samples / CPU-second, settled", figures.samplesPerCPUSecond, 0),
        ("samples / CPU-second, to the last answer", figures.samples / figures.cpuSecondsAtLast, 0),
        ("CPU seconds, settled", figures.cpuSecondsSettled, 2),
        ("CPU seconds, to the last answer", figures.cpuSecondsAtLast, 2),
        ("of these in the kernel", figures.kernelSeconds, 2),
        ("wall seconds", figures.sent.wallSeconds, 2),
        ("samples / wall second", figures.samplesPerWallSecond, 0),
        ("resident MiB, settled", mebibytes(figures.settled.residentBytes), 1),
        ("resident MiB, most", mebibytes(figures.settled.residentBytesMax), 1),
        ("bytes on disk / sample", Double(figures.diskBytes) / figures.samples, 2),
        ("bodies sent again", Double(figures.sent.retries), 0),
        ("generator CPU seconds", figures.sent.generatorCPUSeconds, 2),
      ])
    digests.append(figures.sent.digest)
  }
  print(table.text)
  try printDigest(digests)
}

/// Resident memory per active series.
func runMemory(_ options: BenchOptions) throws {
  let workload = try options.workload(usualSeries: 1_000_000, usualScrapes: 10)
  var table = FigureTable(title("memory", workload, options))
  var digests: [UInt64] = []
  for contender in options.contenders {
    let figures = try IngestFigures(contender, workload, options)
    let settled = figures.settled
    let series = Double(workload.series)
    table.add(
      contender.rawValue,
      [
        ("resident bytes / series, settled", Double(settled.residentBytes) / series, 0),
        ("of these anonymous", Double(settled.anonymousBytes) / series, 0),
        ("of these pages of files", Double(settled.fileBytes) / series, 0),
        ("resident bytes / series, at the last answer", Double(figures.residentBytesAtLast) / series, 0),
        ("resident bytes / series, most", Double(settled.residentBytesMax) / series, 0),
        ("resident MiB, settled", mebibytes(settled.residentBytes), 1),
        ("resident MiB before the load", mebibytes(figures.usageAtStart.residentBytes), 1),
        ("CPU seconds, settled", figures.cpuSecondsSettled, 2),
      ])
    digests.append(figures.sent.digest)
  }
  print(table.text)
  try printDigest(digests)
}
