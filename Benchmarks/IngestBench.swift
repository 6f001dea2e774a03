import TestKit

/// CPU of taking in a load: samples per CPU-second of the whole server process, counted to the last answer and, since
/// servers put work off, to the end of a settling time.
func runIngest(_ options: BenchOptions) throws {
  let workload = try options.workload(series: 200_000, scrapes: 40)
  var table = FigureTable(title("ingest", workload, options))
  var digests: [UInt64] = []
  for contender in options.contenders {
    let trial = try Trial(contender, options)
    let sent = try trial.load(workload)
    let atLast = try trial.usage()
    sleepThread(.seconds(options.settleSeconds))
    let settled = try trial.usage()
    let cpuAtLast = atLast.cpuSeconds - trial.usageAtStart.cpuSeconds
    let cpuSettled = settled.cpuSeconds - trial.usageAtStart.cpuSeconds
    let samples = Double(workload.samples)
    table.add(
      contender.rawValue,
      [
        ("samples / CPU-second, settled", samples / max(cpuSettled, 0.01), 0),
        ("samples / CPU-second, to the last answer", samples / max(cpuAtLast, 0.01), 0),
        ("CPU seconds, settled", cpuSettled, 2),
        ("CPU seconds, to the last answer", cpuAtLast, 2),
        ("of these in the kernel", atLast.systemSeconds - trial.usageAtStart.systemSeconds, 2),
        ("wall seconds", sent.wallSeconds, 2),
        ("samples / wall second", samples / sent.wallSeconds, 0),
        ("resident MiB, settled", mebibytes(settled.residentBytes), 1),
        ("resident MiB, most", mebibytes(settled.residentBytesMax), 1),
        ("bytes on disk / sample", Double(bytesOnDisk(trial.dataPath)) / samples, 2),
        ("bodies sent again", Double(sent.retries), 0),
        ("generator CPU seconds", sent.generatorCPUSeconds, 2),
      ])
    digests.append(sent.digest)
    trial.end()
  }
  print(table.text)
  try printDigest(digests)
}

/// Resident memory per active series.
func runMemory(_ options: BenchOptions) throws {
  let workload = try options.workload(series: 1_000_000, scrapes: 10)
  var table = FigureTable(title("memory", workload, options))
  var digests: [UInt64] = []
  for contender in options.contenders {
    let trial = try Trial(contender, options)
    let sent = try trial.load(workload)
    let atLast = try trial.usage()
    sleepThread(.seconds(options.settleSeconds))
    let settled = try trial.usage()
    let series = Double(workload.series)
    table.add(
      contender.rawValue,
      [
        ("resident bytes / series, settled", Double(settled.residentBytes) / series, 0),
        ("of these anonymous", Double(settled.anonymousBytes) / series, 0),
        ("of these pages of files", Double(settled.fileBytes) / series, 0),
        ("resident bytes / series, at the last answer", Double(atLast.residentBytes) / series, 0),
        ("resident bytes / series, most", Double(settled.residentBytesMax) / series, 0),
        ("resident MiB, settled", mebibytes(settled.residentBytes), 1),
        ("resident MiB before the load", mebibytes(trial.usageAtStart.residentBytes), 1),
        ("CPU seconds, settled", settled.cpuSeconds - trial.usageAtStart.cpuSeconds, 2),
      ])
    digests.append(sent.digest)
    trial.end()
  }
  print(table.text)
  try printDigest(digests)
}
