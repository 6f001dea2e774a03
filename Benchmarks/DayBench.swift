import Format
import Synchronization
import TestKit

/// What blocks cost: a day of samples in the order of their times, which become blocks while they come in. Servers write a
/// block when the head reaches three hours beyond the last one, at odd hours of the clock: the load stops there, and what the
/// server uses until it idles again is the CPU of flush and compaction.
func runDay(_ options: BenchOptions) throws {
  let day = options.workload(series: options.series ?? 2000, scrapes: options.scrapes ?? 5760, interval: 15_000)
  var options = options
  options.apusFlags.append("--no-storage.own-metrics")
  var table = FigureTable(title("a day into blocks", day, options))
  var digests: [UInt64] = []
  for contender in options.contenders {
    var stored = StoredBlocks()
    let load = try loaded(contender, day, options) { stored = try StoredBlocks(in: $0) }
    let samples = Double(day.samples)
    let hasBlocks = stored.blocks > 0
    let blockSeconds = hasBlocks ? load.blockSeconds : nil
    table.add(
      contender.rawValue,
      [
        ("CPU ns / sample, in all", load.cpuSeconds / samples * 1e9, 1),
        ("CPU ns / sample in blocks, flush and compaction", blockSeconds.map { $0 / Double(stored.samples) * 1e9 }, 1),
        ("bytes / sample in blocks", hasBlocks ? Double(stored.bytes) / Double(stored.samples) : nil, 3),
        ("of these in chunks", hasBlocks ? Double(stored.chunkBytes) / Double(stored.samples) : nil, 3),
        ("bytes / sample of the whole folder", Double(load.folderBytes) / samples, 3),
        ("blocks", Double(stored.blocks), 0),
        ("samples / chunk", hasBlocks ? Double(stored.samples) / Double(stored.chunks) : nil, 2),
        ("samples in blocks", Double(stored.samples), 0),
        ("resident MiB, most", mebibytes(load.residentBytesMax), 1),
      ])
    digests.append(load.digest)
  }
  print(table.text)
  try printDigest(digests)
}

private struct LoadFigures {
  var cpuSeconds: Double
  var blockSeconds: Double
  var folderBytes: Int
  var residentBytesMax: Int
  var digest: UInt64
}

/// CPU of a load and of everything it left to do.
private func loaded(
  _ contender: Contender, _ workload: Workload, _ options: BenchOptions, _ look: (String) throws -> Void
) throws -> LoadFigures {
  let trial = try Trial(contender, options)
  let meter = BlockMeter(trial.server.child.processID, workload, idleSeconds: min(options.settleSeconds, 2))
  var sender = LoadSender(workload: workload, connections: 1)
  sender.onScrape = { meter.note($0) }
  report("\(contender.rawValue): sending \(workload.series) series x \(workload.scrapes)")
  let sent = try sender.send(to: trial.server.port)
  guard try trial.findsLast(of: workload, sent) else {
    throw Trial.Failure(description: "\(contender.rawValue) does not have the last sample of the load")
  }
  if contender == .victoria { _ = try trial.server.get("/internal/force_flush") }
  meter.finish()
  let usage = try trial.usage()
  try look(trial.dataPath)
  let bytes = bytesOnDisk(trial.dataPath)
  let used = usage.cpuSeconds - trial.usageAtStart.cpuSeconds
  trial.end()
  return LoadFigures(
    cpuSeconds: used, blockSeconds: meter.seconds, folderBytes: bytes, residentBytesMax: usage.residentBytesMax,
    digest: sent.digest)
}

/// Measures what a server uses around the moments at which blocks become due, with the load stopped. One thread's at a time.
private final class BlockMeter: Sendable {
  private static let hour: Int64 = 3_600_000
  /// Scrapes that are sent on after the due one, so that every server has seen that it is due.
  private static let scrapesBehind = 3

  private let process: Int32
  private let workload: Workload
  private let idleSeconds: Double
  private let state = Mutex((used: 0.0, begun: Double?.none, end: 0))

  init(_ process: Int32, _ workload: Workload, idleSeconds: Double) {
    self.process = process
    self.workload = workload
    self.idleSeconds = idleSeconds
  }

  var seconds: Double { state.withLock { $0.used } }

  /// Before a scrape is sent.
  func note(_ scrape: Int) {
    if state.withLock({ $0.begun != nil && scrape >= $0.end }) { close() }
    if scrape > 0, isDue(scrape), state.withLock({ $0.begun == nil }) {
      waitUntilIdle()
      state.withLock { $0 = ($0.used, cpuSeconds(), scrape + Self.scrapesBehind) }
    }
  }

  /// Behind the last scrape.
  func finish() { if state.withLock({ $0.begun }) != nil { close() } else { waitUntilIdle() } }

  private func close() {
    waitUntilIdle()
    let now = cpuSeconds()
    state.withLock { $0 = ($0.used + now - ($0.begun ?? now), nil, 0) }
  }

  /// Whether the head reaches three hours with a scrape, or an odd hour.
  private func isDue(_ scrape: Int) -> Bool {
    let time = workload.timestamp(scrape: scrape)
    let before = workload.timestamp(scrape: scrape - 1)
    let first = workload.firstTimestamp + 3 * Self.hour
    if before <= first && time > first { return true }
    return (time + Self.hour - 1) / (2 * Self.hour) != (before + Self.hour - 1) / (2 * Self.hour) && time > first
  }

  private func waitUntilIdle() {
    _ = eventually(within: .seconds(120), every: .milliseconds(1)) {
      let before = cpuSeconds()
      sleepThread(.seconds(max(idleSeconds, 0.01)))
      return cpuSeconds() - before < 0.02 * max(idleSeconds, 0.01) + 0.02
    }
  }

  private func cpuSeconds() -> Double { ProcessUsage(processID: process)?.cpuSeconds ?? 0 }
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
