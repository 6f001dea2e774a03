import Format
import Model
import Platform
import PlatformSimulation
import Synchronization
import TestKit
import Testing

@testable import TSDB

/// Samples by time, the value as bits.
typealias SampleMap = [Int64: UInt64]

/// Writes one chunk; the times rise.
func encodedChunk(_ samples: [(time: Int64, value: UInt64)]) -> [UInt8] {
  let capacity = 32 + samples.count * 20
  return [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
    guard let base = buffer.baseAddress, let first = samples.first else { return }
    var tail = XORTail()
    XORChunk.start(time: first.time, value: first.value, tail: &tail, at: base, capacity: capacity)
    for sample in samples.dropFirst() {
      let isWritten = XORChunk.append(time: sample.time, value: sample.value, to: &tail, at: base, capacity: capacity)
      #expect(isWritten)
    }
    count = tail.byteCount
  }
}

func decodedChunk(_ bytes: UnsafeRawBufferPointer) -> [(time: Int64, value: UInt64)]? {
  var samples = SeriesSamples()
  guard samples.append(chunk: bytes) else { return nil }
  return (0..<samples.count).map { (samples.times[$0], samples.values[$0]) }
}

/// The samples of a test's blocks, by series.
typealias SeriesMap = [Labels: SampleMap]

/// A data directory on a simulated disk, and what it takes to look after its blocks.
final class BlockBench {
  static let root = "/data"
  static let hour: Int64 = 3_600_000

  let disk: SimulatedDisk
  let clock: SimulatedClock
  let stop = CancelFlag()
  var registry = MetricsRegistry()
  let lines = LoggedLines()
  private var random: RandomSource
  private var log: Log { Log(level: .debug, format: .logfmt, clock: clock) { [lines] in lines.append($0) } }

  init(now: Int64 = 1_000 * BlockBench.hour, seed: UInt64 = 1) throws {
    clock = SimulatedClock(nowMilliseconds: now)
    disk = SimulatedDisk(clock: clock)
    random = RandomSource(seed: seed)
    try disk.makeDirectories(BlockBench.root)
  }

  var now: Int64 { clock.nowMilliseconds() }

  /// What a start finds.
  func open() throws -> (blocks: BlockSet, compactor: Compactor) {
    registry = MetricsRegistry()
    let blocks = BlockSet(
      BlockBench.root, quarantine: BlockBench.root + "/quarantine", disk: disk, log: log, registry: registry)
    try blocks.load()
    return (blocks, Compactor(blocks, clock: clock, stop: stop))
  }

  /// Later than all before it.
  func newULID() -> ULID {
    clock.advance(milliseconds: 1)
    return ULID(milliseconds: now, using: &random)
  }

  /// Writes a block of the first level.
  @discardableResult
  func write(
    _ series: SeriesMap, from minTime: Int64, to maxTime: Int64, samplesPerChunk: Int = 120, hints: [String] = [],
    encoding: UInt8 = 1
  ) throws -> BlockMeta {
    var writer = try BlockWriter(disk, root: BlockBench.root, ulid: newULID())
    let symbols = Set(series.keys.flatMap { $0.pairs.flatMap { [$0.name, $0.value] } }).sorted {
      $0.utf8.lexicographicallyPrecedes($1.utf8)
    }
    for symbol in symbols { try Array(symbol.utf8).withUnsafeBytes { try writer.addSymbol($0) } }
    for (labels, samples) in series.sorted(by: { $0.key < $1.key }) {
      let numbers = labels.pairs.flatMap { pair in
        [pair.name, pair.value].map { text in UInt32(symbols.firstIndex(of: text) ?? 0) }
      }
      numbers.withUnsafeBufferPointer { writer.beginSeries($0) }
      let sorted = samples.sorted { $0.key < $1.key }
      for start in stride(from: 0, to: sorted.count, by: samplesPerChunk) {
        let part = sorted[start..<min(start + samplesPerChunk, sorted.count)].map { (time: $0.key, value: $0.value) }
        try encodedChunk(part).withUnsafeBytes { bytes in
          try writer.addChunk(
            minTime: part[0].time, maxTime: part[part.count - 1].time, encoding: encoding, sampleCount: part.count,
            bytes)
        }
      }
      try writer.endSeries()
    }
    var meta = BlockMeta(ulid: writer.ulid, minTime: minTime, maxTime: maxTime)
    meta.compaction.sources = [writer.ulid]
    meta.compaction.hints = hints
    return try #require(try writer.finish(meta))
  }

  /// The names of blocks in the directory.
  var folders: [String] { get throws { try disk.list(BlockBench.root).filter { $0 != "quarantine" } } }
}

/// Every sample that a reader of the blocks sees; nil, and an issue, where one is seen twice.
func samples(of snapshot: BlockSnapshot) throws -> SeriesMap? {
  var all: SeriesMap = [:]
  for block in snapshot.blocks {
    for (labels, found) in try samples(of: block) {
      for (time, value) in found {
        if all[labels, default: [:]].updateValue(value, forKey: time) != nil { return nil }
      }
    }
  }
  return all
}

func samples(of block: Block) throws -> SeriesMap {
  var all: SeriesMap = [:]
  var series = DecodedSeries()
  for reference in try block.allSeries() {
    #expect(block.index.read(reference, into: &series))
    var found = SeriesSamples()
    block.read(series, reference, from: .min, through: .max, into: &found)
    let labels = try block.labels(of: reference)
    #expect(all[labels] == nil)
    for index in 0..<found.count {
      let isNew = all[labels, default: [:]].updateValue(found.values[index], forKey: found.times[index]) == nil
      #expect(isNew)
    }
  }
  #expect(block.unreadable.value == 0)
  return all
}

/// What was logged. Any thread.
final class LoggedLines: Sendable {
  private let lines = Mutex<[String]>([])

  var all: [String] { lines.withLock { $0 } }
  func append(_ line: String) { lines.withLock { $0.append(line) } }
}
