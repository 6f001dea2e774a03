import Format
import Synchronization
import TestKit

/// What blocks cost: a day of samples in the order of their times, which become blocks while they come in. Servers write a
/// block when the head reaches three hours beyond the last one, at odd hours of the clock: the load stops there, and what the
/// server uses until it idles again is the CPU of flush and compaction. A plain value.
struct DayFigures {
  var samples: Double
  var cpuSeconds: Double
  var folderBytes: Int
  var residentBytesMax: Int
  var digest: UInt64
  /// Nothing where the server has blocks of another kind.
  var blocks: StoredBlocks?
  private var blockSeconds: Double

  /// CPU of flush and compaction for each sample in blocks.
  var blockNanosecondsPerSample: Double? { blocks.map { blockSeconds / Double($0.samples) * 1e9 } }
  var blockBytesPerSample: Double? { blocks.map { Double($0.bytes) / Double($0.samples) } }
  var folderBytesPerSample: Double { Double(folderBytes) / samples }
  var nanosecondsPerSample: Double { cpuSeconds / samples * 1e9 }

  init(_ contender: Contender, _ workload: Workload, _ options: BenchOptions) throws {
    let trial = try Trial(contender, options)
    let clock = try ProcessClock(trial.server)
    let start = clock.seconds
    let meter = BlockMeter(clock, workload, idleSeconds: min(options.settleSeconds, 2))
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
    let stored = try StoredBlocks(in: trial.dataPath)
    blocks = stored.blocks > 0 ? stored : nil
    samples = Double(workload.samples)
    folderBytes = bytesOnDisk(trial.dataPath)
    cpuSeconds = clock.seconds - start
    residentBytesMax = usage.residentBytesMax
    digest = sent.digest
    blockSeconds = meter.seconds
    trial.end()
  }
}

func runDay(_ options: BenchOptions) throws {
  let day = try options.workload(series: options.series ?? 2000, scrapes: options.scrapes ?? 5760, interval: 15_000)
  var options = options
  options.leaveOutOwnMetrics()
  var table = FigureTable(title("a day into blocks", day, options))
  var digests: [UInt64] = []
  for contender in options.contenders {
    let figures = try DayFigures(contender, day, options)
    let blocks = figures.blocks
    table.add(
      contender.rawValue,
      [
        ("CPU ns / sample, in all", figures.nanosecondsPerSample, 1),
        ("CPU ns / sample in blocks, flush and compaction", figures.blockNanosecondsPerSample, 1),
        ("bytes / sample in blocks", figures.blockBytesPerSample, 3),
        ("of these in chunks", blocks.map { Double($0.chunkBytes) / Double($0.samples) }, 3),
        ("bytes / sample of the whole folder", figures.folderBytesPerSample, 3),
        ("blocks", Double(blocks?.blocks ?? 0), 0),
        ("samples / chunk", blocks.map { Double($0.samples) / Double($0.chunks) }, 2),
        ("samples in blocks", Double(blocks?.samples ?? 0), 0),
        ("resident MiB, most", mebibytes(figures.residentBytesMax), 1),
      ])
    digests.append(figures.digest)
  }
  print(table.text)
  try printDigest(digests)
}

/// Measures what a server uses around the moments at which blocks become due, with the load stopped. One thread's at a time.
private final class BlockMeter: Sendable {
  private static let hour: Int64 = 3_600_000
  /// Scrapes that are sent on after the due one, so that every server has seen that it is due.
  private static let scrapesBehind = 3
  /// Servers look once a second whether something is due.
  private static let noticeSeconds = 1.2

  private let clock: ProcessClock
  private let workload: Workload
  private let idleSeconds: Double
  private let state = Mutex((used: 0.0, begun: Double?.none, end: 0))

  init(_ clock: ProcessClock, _ workload: Workload, idleSeconds: Double) {
    self.clock = clock
    self.workload = workload
    self.idleSeconds = idleSeconds
  }

  var seconds: Double { state.withLock { $0.used } }

  /// Before a scrape is sent.
  func note(_ scrape: Int) {
    if state.withLock({ $0.begun != nil && scrape >= $0.end }) { close() }
    if scrape > 0, isDue(scrape), state.withLock({ $0.begun == nil }) {
      waitUntilIdle()
      state.withLock { $0 = ($0.used, clock.seconds, scrape + Self.scrapesBehind) }
    }
  }

  /// Behind the last scrape.
  func finish() { if state.withLock({ $0.begun }) != nil { close() } else { waitUntilIdle() } }

  private func close() {
    waitUntilIdle(atLeast: Self.noticeSeconds)
    let now = clock.seconds
    state.withLock { $0 = ($0.used + now - ($0.begun ?? now), nil, 0) }
  }

  /// Whether the head reaches three hours with a scrape, or an odd hour: one server takes the very moment for enough, the
  /// other wants to be past it. The scrape must not be sent before the meter runs.
  private func isDue(_ scrape: Int) -> Bool {
    let time = workload.timestamp(scrape: scrape)
    let before = workload.timestamp(scrape: scrape - 1)
    let first = workload.firstTimestamp + 3 * Self.hour
    if before < first && time >= first { return true }
    return (time + Self.hour) / (2 * Self.hour) != (before + Self.hour) / (2 * Self.hour) && time >= first
  }

  private func waitUntilIdle(atLeast leastSeconds: Double = 0.01) {
    let seconds = max(idleSeconds, leastSeconds)
    _ = eventually(within: .seconds(120), every: .milliseconds(1)) {
      let before = clock.seconds
      sleepThread(.seconds(seconds))
      return clock.seconds - before < 0.02 * seconds + 0.02
    }
  }
}

/// What lies in the blocks of a data directory, in the format that Prometheus and Apus share.
struct StoredBlocks {
  var blocks = 0
  var samples: Int64 = 0
  var chunks: Int64 = 0
  var bytes = 0
  var chunkBytes = 0

  init(in folder: String) throws {
    for name in namesInFolder(folder) {
      guard let text = readFile("\(folder)/\(name)/meta.json") else { continue }
      guard let meta = text.lend({ BlockMeta(json: $0) }) else {
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
