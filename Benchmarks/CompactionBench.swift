import Format
import Glibc
import Model
import Platform
import TSDB
import TestKit

/// Compaction of three blocks that follow each other, and of two that lie over each other: time, memory and bytes a sample.
func runCompaction(_ options: BenchOptions) throws {
  let folder = try TemporaryDirectory("compaction", in: BenchFolder.path(options))
  let series = options.series ?? 20_000
  let scrapes = options.scrapes ?? 5000
  let apart = try (0..<3).map { part in
    try writeBlock(in: folder.path, series, part * scrapes / 3..<(part + 1) * scrapes / 3, offset: 0)
  }
  try merge("three blocks in a row", apart, in: folder.path)
  let few = scrapes / 10
  let overlapping = try [0, 7000].map { offset in
    try writeBlock(in: folder.path, series, 0..<few, offset: Int64(offset))
  }
  try merge("two blocks over each other", overlapping, in: folder.path)
}

private func merge(_ title: String, _ folders: [String], in root: String) throws {
  let parents = try folders.map { try Block($0, on: LinuxDisk()) }
  let samples = parents.reduce(0) { $0 + $1.meta.stats.samples }
  guard let before = ProcessUsage(processID: getpid()) else { return }
  // Looked at beside the merge, so that the index at its end counts, too.
  let isOver = CancelFlag()
  let anonymousBytesMax = Gauge()
  let watch = try NamedThread(name: "memory") {
    while !isOver.isCancelled {
      let bytes = Double(ProcessUsage(processID: getpid())?.anonymousBytes ?? 0)
      anonymousBytesMax.set(max(anonymousBytesMax.value, bytes))
      usleep(20_000)
    }
  }
  defer {
    isOver.cancel()
    watch.join()
  }
  let merge = BlockMerge(parents, now: 0)
  guard let child = try merge.run(in: root, on: LinuxDisk()), let after = ProcessUsage(processID: getpid()) else {
    return
  }
  let merged = try Block(root + "/\(child.ulid)", on: LinuxDisk())
  let nanoseconds = (after.cpuSeconds - before.cpuSeconds) * 1e9 / Double(samples)
  print(
    """
    \(title): \(samples) samples in, \(child.stats.samples) out, \(child.stats.series) series, \(child.stats.chunks) chunks
      CPU \(after.cpuSeconds - before.cpuSeconds) s, \(nanoseconds) ns a sample
      own memory at most \((Int(anonymousBytesMax.value) - before.anonymousBytes) >> 20) MiB more
      \(Double(merged.sizeBytes) / Double(child.stats.samples)) bytes a sample, \
    before \(Double(parents.reduce(0) { $0 + $1.sizeBytes }) / Double(samples))
    """)
}

/// Samples 15 s apart, of counters that grow by small steps, in chunks of 120.
func writeBlock(
  in root: String, _ seriesCount: Int, _ scrapes: Range<Int>, offset: Int64
) throws -> String {
  var random = RandomSource(seed: 1)
  let name = ULID(high: UInt64(scrapes.lowerBound), low: UInt64(scrapes.count) << 32 | UInt64(offset))
  var writer = try BlockWriter(LinuxDisk(), root: root, ulid: name)
  var symbols = ["__name__", "instance", "metric_total"] + (0..<seriesCount).map { "instance-\($0)" }
  symbols.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  for symbol in symbols { try Array(symbol.utf8).withUnsafeBytes { try writer.addSymbol($0) } }
  func number(_ text: String) -> UInt32 { UInt32(symbols.firstIndex(of: text) ?? 0) }
  let (metricName, metric, instance) = (number("__name__"), number("metric_total"), number("instance"))
  let chunk = UnsafeMutablePointer<UInt8>.allocate(capacity: 4096)
  defer { chunk.deallocate() }
  for place in symbols.indices where symbols[place].hasPrefix("instance-") {
    [metricName, metric, instance, UInt32(place)].withUnsafeBufferPointer { writer.beginSeries($0) }
    var value = Double(random.below(1_000_000))
    for first in stride(from: scrapes.lowerBound, to: scrapes.upperBound, by: 120) {
      let last = min(first + 120, scrapes.upperBound) - 1
      var tail = XORTail()
      for scrape in first...last {
        value += Double(random.below(50))
        let time = Int64(scrape) * 15_000 + offset
        if scrape == first {
          XORChunk.start(time: time, value: value.bitPattern, tail: &tail, at: chunk, capacity: 4096)
        } else {
          _ = XORChunk.append(time: time, value: value.bitPattern, to: &tail, at: chunk, capacity: 4096)
        }
      }
      try writer.addChunk(
        minTime: Int64(first) * 15_000 + offset, maxTime: Int64(last) * 15_000 + offset, encoding: 1,
        sampleCount: last - first + 1, UnsafeRawBufferPointer(start: chunk, count: tail.byteCount))
    }
    try writer.endSeries()
  }
  var meta = BlockMeta(
    ulid: name, minTime: Int64(scrapes.lowerBound) * 15_000, maxTime: Int64(scrapes.upperBound) * 15_000)
  meta.compaction.sources = [name]
  _ = try writer.finish(meta)
  return root + "/\(name)"
}
