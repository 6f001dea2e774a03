import Format
import Model
import Platform

/// Makes blocks of samples that come in any order from outside. It gathers them up to a bound, then writes aligned
/// blocks; the blocks of two gatherings may overlap, which the compaction of the server puts right. Memory: twenty
/// bytes a sample up to `samplesMax`, and the labels of all series.
package struct SampleImport: ~Copyable {
  package static let samplesMaxDefault = 4 << 20
  /// A gathering is cut into at most about as many blocks, by making them longer.
  private static let blocksPerGatheringMax: Int64 = 64

  private let root: String
  private let disk: any Disk
  private let clock: any Clock
  private let samplesMax: Int
  private var numbers: [Labels: UInt32] = [:]
  private var labels: [Labels] = []
  private var series = Column<UInt32>()
  private var times = Column<Int64>()
  private var values = Column<UInt64>()
  private var random = SystemRandomNumberGenerator()
  package private(set) var blocks: [BlockMeta] = []
  package private(set) var sampleCount = 0

  package init(
    into root: String, on disk: any Disk, clock: any Clock, samplesMax: Int = SampleImport.samplesMaxDefault
  ) {
    self.root = root
    self.disk = disk
    self.clock = clock
    self.samplesMax = samplesMax
  }

  package var seriesCount: Int { labels.count }

  /// Adds a sample; throws for a time that no head accepts either.
  package mutating func add(_ labels: Labels, time: Int64, value: Double) throws(BlockError) {
    guard AppendBounds.times.contains(time) else { throw .tooLarge("the time \(time) ms is out of range") }
    if times.count == samplesMax { try flush() }
    let number = numbers[labels] ?? UInt32(self.labels.count)
    if Int(number) == self.labels.count {
      numbers[labels] = number
      self.labels.append(labels)
    }
    series.append(number)
    times.append(time)
    values.append(value.bitPattern)
    sampleCount += 1
  }

  /// Writes the gathered samples to blocks.
  package mutating func flush() throws(BlockError) {
    let count = times.count
    if count == 0 { return }
    let range = rangeMilliseconds()
    var ranks = Array(repeating: 0, count: labels.count)
    for (rank, number) in labels.indices.sorted(by: { labels[$0] < labels[$1] }).enumerated() { ranks[number] = rank }
    let (series, times) = (series.base, times.base)
    let order = (0..<count).sorted { one, two in
      let starts = (
        CompactionRanges.start(of: times[one], range: range), CompactionRanges.start(of: times[two], range: range)
      )
      if starts.0 != starts.1 { return starts.0 < starts.1 }
      if series[one] != series[two] { return ranks[Int(series[one])] < ranks[Int(series[two])] }
      return (times[one], one) < (times[two], two)
    }
    var first = 0
    while first < count {
      let start = CompactionRanges.start(of: times[order[first]], range: range)
      var end = first
      while end < count, CompactionRanges.start(of: times[order[end]], range: range) == start { end += 1 }
      try write(order[first..<end], from: start, to: start + range)
      first = end
    }
    self.series.removeAll()
    self.times.removeAll()
    values.removeAll()
  }

  private func rangeMilliseconds() -> Int64 {
    var (low, high) = (Int64.max, Int64.min)
    for time in times.elements { (low, high) = (min(low, time), max(high, time)) }
    let ranges = CompactionRanges(retentionMilliseconds: 0).milliseconds
    let wanted = ranges.first { (high - low) / $0 < SampleImport.blocksPerGatheringMax }
    return wanted ?? ranges[ranges.count - 1]
  }

  /// Writes one block of samples sorted by series and time.
  private mutating func write(_ order: ArraySlice<Int>, from minTime: Int64, to maxTime: Int64) throws(BlockError) {
    let ulid = ULID(milliseconds: clock.nowMilliseconds(), using: &random)
    var writer = try BlockWriter(disk, root: root, ulid: ulid)
    do throws(BlockError) {
      let symbols = try writeSymbols(order, &writer)
      var chunks = ChunkMerge()
      var first = order.startIndex
      while first < order.endIndex {
        let number = series[order[first]]
        var end = first
        while end < order.endIndex, series[order[end]] == number { end += 1 }
        chunks.encode { samples in
          for place in order[first..<end] {
            samples.times.append(times[place])
            samples.values.append(values[place])
          }
        }
        var numbers: [UInt32] = []
        for pair in labels[Int(number)].pairs { numbers += [pair.name, pair.value].compactMap { symbols[$0] } }
        writer.beginSeries(numbers)
        for chunk in chunks.chunks {
          try writer.addChunk(
            minTime: chunk.minTime, maxTime: chunk.maxTime, encoding: chunk.encoding, sampleCount: chunk.sampleCount,
            chunk.bytes)
        }
        try writer.endSeries()
        first = end
      }
      var meta = BlockMeta(ulid: ulid, minTime: minTime, maxTime: maxTime)
      meta.compaction.sources = [ulid]
      if let written = try writer.finish(meta) { blocks.append(written) }
    } catch {
      writer.abandon()
      throw error
    }
  }

  private func writeSymbols(
    _ order: ArraySlice<Int>, _ writer: inout BlockWriter
  ) throws(BlockError) -> [String: UInt32] {
    var texts = Set<String>()
    for number in Set(order.map { series[$0] }) {
      for pair in labels[Int(number)].pairs {
        texts.insert(pair.name)
        texts.insert(pair.value)
      }
    }
    var symbols: [String: UInt32] = [:]
    for text in texts.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
      try Array(text.utf8).lend { (bytes) throws(BlockError) in try writer.addSymbol(bytes.raw) }
      symbols[text] = UInt32(symbols.count)
    }
    return symbols
  }
}
