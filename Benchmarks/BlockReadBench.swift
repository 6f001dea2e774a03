import Format
import Glibc
import Model
import Platform
import TSDB
import TestKit

/// Selecting and reading all series of a block, again and again: nanoseconds a sample of the quickest round, the file cache
/// warm. Chunks hold 120 samples, 15 s apart.
func runBlockRead(_ options: BenchOptions) throws {
  let folder = try TemporaryDirectory("block-read", in: BenchFolder.path(options))
  let path = try writeBlock(in: folder.path, options.series ?? 1000, 0..<(options.scrapes ?? 480), offset: 0)
  let start = now()
  let block = try Block(path, on: LinuxDisk())
  print("opened in \(now() - start) ns, \(block.index.byteCount) bytes held, \(block.sizeBytes) mapped")
  let matchers = [try CompiledMatcher(Matcher(.equal, "__name__", "metric_total"))]
  var best = BlockReadRound()
  for _ in 0..<options.rounds { best.keepQuicker(try readRound(block, matchers)) }
  let samples = Double(best.samples)
  print(
    """
    \(best.series) series, \(best.samples) samples
      select             \(Double(best.select) / Double(best.series)) ns a series
      labels, one by one \(Double(best.labels) / Double(best.series)) ns a series, decoding included
      labels, remembered \(Double(best.remembered) / Double(best.series)) ns a series, decoding included
      read               \(Double(best.read) / samples) ns a sample, decoding of the series included
      select and read    \(Double(best.select + best.read) / samples) ns a sample
    """)
}

private struct BlockReadRound {
  var series = 0
  var samples = 0
  var select = Int64.max
  var labels = Int64.max
  var remembered = Int64.max
  var read = Int64.max

  mutating func keepQuicker(_ other: BlockReadRound) {
    series = other.series
    samples = other.samples
    select = min(select, other.select)
    labels = min(labels, other.labels)
    remembered = min(remembered, other.remembered)
    read = min(read, other.read)
  }
}

private func readRound(_ block: Block, _ matchers: [CompiledMatcher]) throws -> BlockReadRound {
  var round = BlockReadRound()
  var start = now()
  let references = try block.select(matchers)
  round.select = now() - start
  round.series = references.count
  var series = DecodedSeries()
  var bytes = 0
  start = now()
  for reference in references where block.index.read(reference, into: &series) {
    bytes += block.labels(series.labels)?.count ?? 0
  }
  round.labels = now() - start
  start = now()
  var labels = IndexLabels(block.index)
  for reference in references where block.index.read(reference, into: &series) {
    bytes -= labels.labels(of: series)?.count ?? 0
  }
  round.remembered = now() - start
  precondition(bytes == 0, "both ways give the same labels")
  var samples = SeriesSamples()
  start = now()
  for reference in references where block.index.read(reference, into: &series) {
    samples.removeAll()
    block.read(series, reference, from: .min, through: .max, into: &samples)
    round.samples += samples.count
  }
  round.read = now() - start
  return round
}

private func now() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
