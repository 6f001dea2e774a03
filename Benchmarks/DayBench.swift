import Format
import TestKit

/// What blocks cost: a day of samples in the order of their times, which become blocks while they come in, and the same
/// number of samples within the head's range, which do not. The difference of CPU is that of flush and compaction.
func runDay(_ options: BenchOptions) throws {
  let scrapes = options.scrapes ?? 5760
  let day = options.workload(series: options.series ?? 2000, scrapes: scrapes, interval: 15_000)
  // All within less than two hours: nothing is flushed.
  let still = options.workload(series: day.series, scrapes: scrapes, interval: 1000)
  var options = options
  options.apusFlags.append("--no-storage.own-metrics")
  var table = FigureTable(title("a day into blocks", day, options))
  var digests: [UInt64] = []
  for contender in options.contenders {
    let ingest = try loaded(contender, still, options) { _ in }
    var stored = StoredBlocks()
    let whole = try loaded(contender, day, options) { stored = try StoredBlocks(in: $0) }
    let samples = Double(day.samples)
    let isBlocks = stored.blocks > 0
    table.add(
      contender.rawValue,
      [
        ("CPU ns / sample, in all", whole.cpuSeconds / samples * 1e9, 1),
        ("CPU ns / sample, ingest alone", ingest.cpuSeconds / samples * 1e9, 1),
        ("CPU ns / sample, flush and compaction", (whole.cpuSeconds - ingest.cpuSeconds) / samples * 1e9, 1),
        ("bytes / sample in blocks", isBlocks ? Double(stored.bytes) / Double(stored.samples) : nil, 3),
        ("of these in chunks", isBlocks ? Double(stored.chunkBytes) / Double(stored.samples) : nil, 3),
        ("bytes / sample of the whole folder", Double(whole.folderBytes) / samples, 3),
        ("blocks", Double(stored.blocks), 0),
        ("samples / chunk", isBlocks ? Double(stored.samples) / Double(stored.chunks) : nil, 2),
        ("samples in blocks", Double(stored.samples), 0),
        ("resident MiB, most", mebibytes(whole.residentBytesMax), 1),
      ])
    digests.append(whole.digest)
  }
  print(table.text)
  try printDigest(digests)
}

private struct LoadFigures {
  var cpuSeconds: Double
  var folderBytes: Int
  var residentBytesMax: Int
  var digest: UInt64
}

/// CPU of a load and of everything it left to do.
private func loaded(
  _ contender: Contender, _ workload: Workload, _ options: BenchOptions, _ look: (String) throws -> Void
) throws -> LoadFigures {
  let trial = try Trial(contender, options)
  let sent = try trial.load(workload)
  if contender == .victoria { _ = try trial.server.get("/internal/force_flush") }
  sleepThread(.seconds(options.settleSeconds))
  _ = try eventually(within: .seconds(300), every: .milliseconds(1)) {
    let before = try trial.usage().cpuSeconds
    sleepThread(.seconds(2))
    return try trial.usage().cpuSeconds - before < 0.06
  }
  let usage = try trial.usage()
  try look(trial.dataPath)
  let bytes = bytesOnDisk(trial.dataPath)
  let used = usage.cpuSeconds - trial.usageAtStart.cpuSeconds
  trial.end()
  return LoadFigures(
    cpuSeconds: used, folderBytes: bytes, residentBytesMax: usage.residentBytesMax, digest: sent.digest)
}

/// What lies in the blocks of a data directory, in the format that Prometheus and Apus share.
private struct StoredBlocks {
  var blocks = 0
  var samples: Int64 = 0
  var chunks: Int64 = 0
  var bytes = 0
  var chunkBytes = 0

  init() {}

  init(in folder: String) throws {
    for name in namesInFolder(folder) {
      guard let text = readFile("\(folder)/\(name)/meta.json") else { continue }
      guard let meta = text.withUnsafeBytes({ BlockMeta(json: $0) }) else {
        throw Trial.Failure(description: "\(name) has a description that cannot be read")
      }
      blocks += 1
      samples += meta.stats.samples
      chunks += meta.stats.chunks
      chunkBytes += bytesInFiles("\(folder)/\(name)/chunks")
      bytes += bytesInFiles("\(folder)/\(name)")
    }
  }
}
