import Format
import Model

/// Looks for the samples of a block's damaged chunks where else they may still be: in the log and in other blocks. Used once,
/// by one thread.
///
/// The index must be whole: it says which series and times a damaged chunk held, and the block's description how many samples
/// all chunks hold together, so that it is known whether everything was found again.
/// Memory: up to `samplesMax` samples of sixteen bytes, and histograms.
struct BlockRepair: ~Copyable {
  private static let chunksMax = 100_000
  private static let samplesMax = 8 << 20

  private struct DamagedSeries {
    var labels: Labels
    var chunks: [ChunkMeta]
    var samples: [Int64: UInt64] = [:]
    var histograms: [Int64: (histogram: Histogram, isFloat: Bool)] = [:]
  }

  private var series: [DamagedSeries] = []
  private var numbers: [Labels: Int] = [:]
  private(set) var chunkCount = 0
  /// The times from the first damaged chunk to the last.
  private(set) var times: ClosedRange<Int64>?
  /// The number of samples in the damaged chunks.
  private(set) var missingCount = 0
  private(set) var foundCount = 0

  var seriesCount: Int { series.count }

  /// Reads all of the block.
  init(_ block: Block, shouldStop: () -> Bool) throws(BlockError) {
    var decoded = DecodedSeries()
    var readable: Int64 = 0
    for reference in try block.allSeries() {
      if shouldStop() { throw .stopped }
      guard block.index.read(reference, into: &decoded), let labels = block.labels(decoded.labels) else {
        throw .corrupt(path: block.directory + "/index", reason: "a series is damaged, so its name is not known")
      }
      var damaged: [ChunkMeta] = []
      for chunk in decoded.chunks {
        if let (_, data) = block.chunk(chunk.reference) {
          readable += Int64(XORChunk.count(of: data) ?? 0)
        } else {
          damaged.append(chunk)
        }
      }
      if damaged.isEmpty { continue }
      chunkCount += damaged.count
      if chunkCount > BlockRepair.chunksMax { throw .tooLarge("more than \(BlockRepair.chunksMax) chunks are damaged") }
      numbers[labels] = series.count
      series.append(DamagedSeries(labels: labels, chunks: damaged))
      for chunk in damaged {
        let present = times ?? chunk.minTime...chunk.maxTime
        times = min(present.lowerBound, chunk.minTime)...max(present.upperBound, chunk.maxTime)
      }
    }
    missingCount = Int(max(0, block.meta.stats.samples - readable))
  }

  var isComplete: Bool { chunkCount > 0 && foundCount == missingCount }

  // MARK: the log

  /// Takes the samples that the logs have: late samples refer to series that the other log names.
  mutating func search(_ wal: WALDirectory, _ wbl: WALDirectory, shouldStop: () -> Bool) throws(BlockError) {
    var references: [UInt64: Int] = [:]
    for directory in [wal, wbl] {
      var scan = LogScan()
      try scan.run(directory, shouldStop: shouldStop) { (columns) throws(BlockError) in
        for row in columns.series {
          guard let labels = Labels(checking: columns.packedLabels(row.labels)) else { continue }
          references[row.ref] = numbers[labels]
        }
        if references.isEmpty { return }
        for (place, reference) in columns.samples.refs.enumerated() {
          guard let number = references[reference] else { continue }
          try take(number, columns.samples.timestamps[place], columns.samples.values[place].bitPattern)
        }
        for row in columns.histograms {
          guard let number = references[row.ref] else { continue }
          let isFloat = row.kind.isFloatHistogram
          guard let histogram = HistogramPayload.decode(LentBytes(columns.bytes(row.payload)), isFloat: isFloat) else {
            continue
          }
          try take(number, row.timestamp, histogram, isFloat: isFloat)
        }
      }
    }
  }

  // MARK: other blocks

  /// Takes the samples that another block has.
  mutating func search(_ other: Block, shouldStop: () -> Bool) throws(BlockError) {
    var decoded = DecodedSeries()
    var samples = SeriesSamples()
    for number in series.indices {
      if shouldStop() { throw .stopped }
      guard let times = BlockRepair.range(of: series[number].chunks) else { continue }
      let labels = series[number].labels
      for reference in try other.select(BlockRepair.matchers(labels)) {
        guard other.index.read(reference, into: &decoded), other.labels(decoded.labels) == labels else { continue }
        samples.removeAll()
        other.read(decoded, reference, from: times.lowerBound, through: times.upperBound, into: &samples)
        for place in 0..<samples.count { try take(number, samples.times[place], samples.values[place]) }
        let histograms = samples.histograms
        for place in 0..<histograms.count {
          try take(number, histograms.times[place], histograms.values[place], isFloat: histograms.areFloats[place])
        }
      }
    }
  }

  private static func range(of chunks: [ChunkMeta]) -> ClosedRange<Int64>? {
    guard let first = chunks.map(\.minTime).min(), let last = chunks.map(\.maxTime).max() else { return nil }
    return first...last
  }

  private static func matchers(_ labels: Labels) -> [CompiledMatcher] {
    // An equality compiles always.
    labels.pairs.compactMap { try? CompiledMatcher(Matcher(.equal, $0.name, $0.value)) }
  }

  // MARK: what was found

  private mutating func take(_ number: Int, _ time: Int64, _ value: UInt64) throws(BlockError) {
    guard isWanted(number, time), series[number].samples[time] == nil else { return }
    series[number].samples[time] = value
    try count()
  }

  private mutating func take(
    _ number: Int, _ time: Int64, _ histogram: Histogram, isFloat: Bool
  ) throws(BlockError) {
    guard isWanted(number, time), series[number].histograms[time] == nil else { return }
    series[number].histograms[time] = (histogram, isFloat)
    try count()
  }

  private func isWanted(_ number: Int, _ time: Int64) -> Bool {
    series[number].chunks.contains { $0.minTime <= time && $0.maxTime >= time }
  }

  private mutating func count() throws(BlockError) {
    foundCount += 1
    if foundCount > BlockRepair.samplesMax {
      throw .tooLarge("the damaged chunks hold more than \(BlockRepair.samplesMax) samples")
    }
  }

  /// Chunks of what was found, each in the place of a damaged one.
  mutating func chunks() -> FoundChunks {
    let found = FoundChunks()
    var merge = ChunkMerge()
    for one in series {
      var floats = one.samples.sorted { $0.key < $1.key }[...]
      var histograms = one.histograms.sorted { $0.key < $1.key }[...]
      for chunk in one.chunks.sorted(by: { $0.maxTime < $1.maxTime }) {
        let part = floats.prefix { $0.key <= chunk.maxTime }
        floats = floats[part.endIndex...]
        if !part.isEmpty {
          merge.encode { samples in for (time, value) in part { samples.append(time: time, value: value) } }
          for piece in merge.chunks { found.append(piece, for: chunk.reference) }
        }
        let others = histograms.prefix { $0.key <= chunk.maxTime }
        histograms = histograms[others.endIndex...]
        var column = HistogramColumn()
        for (time, value) in others { column.append(time, value.histogram, isFloat: value.isFloat) }
        for encoded in HistogramChunk.encode(column) {
          encoded.bytes.lend { bytes in
            let piece = ChunkPiece(
              minTime: encoded.minTime, maxTime: encoded.maxTime, encoding: encoded.encoding, bytes: bytes.raw)
            found.append(piece, for: chunk.reference)
          }
        }
      }
    }
    return found
  }
}
