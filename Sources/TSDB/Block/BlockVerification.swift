import Format
import Model
import Platform

/// Everything that can be wrong with a block, found by reading all of it: each checksum, each invariant of its format, and
/// whether its parts agree with each other. Memory: 24 bytes and more for each label pair.
package struct BlockVerification {
  package struct Finding: Equatable, Sendable, CustomStringConvertible {
    package var path: String
    package var reason: String

    package var description: String { "\(path): \(reason)" }
  }

  /// Findings that are described; the others are only counted.
  package static let findingsMax = 100

  package private(set) var findings: [Finding] = []
  package private(set) var findingCount = 0
  /// The counts that the block's description has, counted anew.
  package private(set) var stats = BlockMeta.Stats()

  package var isWhole: Bool { findingCount == 0 }

  /// - Parameter shouldStop: asked for each series; true ends the verification with `stopped`.
  package init(
    _ directory: String, on disk: any Disk, shouldStop: () -> Bool = { false }
  ) throws(BlockError) {
    let block: Block
    do throws(BlockError) {
      block = try Block(directory, on: disk)
    } catch {
      guard case .corrupt(let path, let reason) = error else { throw error }
      add(path, reason)
      return
    }
    var pairs = LabelPairSums()
    try checkSeries(block, &pairs, shouldStop)
    try checkPostings(block, pairs, shouldStop)
    checkTombstones(block)
    if let damage = block.foundDescriptionDamage {
      add(DiskPath.join(directory, BlockDescription.fileName), damage)
    }
    checkStats(block)
  }

  private mutating func add(_ path: String, _ reason: String) {
    findingCount += 1
    if findings.count < BlockVerification.findingsMax { findings.append(Finding(path: path, reason: reason)) }
  }

  private mutating func add(_ block: Block, index reason: String) { add(block.directory + "/index", reason) }
}

/// For each label pair, the number of series that have it, and the sum of their references' hashes.
private struct LabelPairSums {
  struct Sum: Equatable {
    var count = 0
    var hash: UInt64 = 0

    mutating func add(_ reference: UInt32) {
      count += 1
      hash &+= KeyedHash.mix(UInt64(reference) + 1)
    }
  }

  var sums: [UInt64: Sum] = [:]

  mutating func add(_ labels: [UInt32], _ reference: UInt32) {
    for place in stride(from: 0, to: labels.count - 1, by: 2) {
      sums[UInt64(labels[place]) << 32 | UInt64(labels[place + 1]), default: Sum()].add(reference)
    }
  }
}

// Series and their chunks.
extension BlockVerification {
  private mutating func checkSeries(
    _ block: Block, _ pairs: inout LabelPairSums, _ shouldStop: () -> Bool
  ) throws(BlockError) {
    let all: IndexPostings
    do throws(IndexDamage) { all = try block.index.everySeries() } catch { return add(block, index: "\(error)") }
    if !all.isSorted { add(block, index: "the list of all series is not sorted") }
    var chunks = ChunkCheck(block)
    var series = DecodedSeries()
    var previous: [UInt32] = []
    func aligned(_ offset: Int) -> Int {
      (offset + IndexLayout.seriesAlignment - 1) / IndexLayout.seriesAlignment * IndexLayout.seriesAlignment
    }
    var next = aligned(block.index.contents.series)
    for place in 0..<all.count {
      if shouldStop() { throw .stopped }
      do throws(IndexDamage) {
        if Int(all[place]) * IndexLayout.seriesAlignment != next {
          add(block, index: "series between the listed ones, or none where one is listed, at byte \(next)")
        }
        let end = try block.index.decode(all[place], into: &series)
        next = aligned(end)
      } catch {
        add(block, index: "\(error)")
        continue
      }
      stats.series += 1
      if place > 0 && !previous.lexicographicallyPrecedes(series.labels) {
        add(block, index: "series \(all[place]) is not behind the one before it")
      }
      previous = series.labels
      pairs.add(series.labels, all[place])
      chunks.check(series, all[place])
      for reason in chunks.takeFindings() { add(block.directory + "/chunks", reason) }
    }
    if next < block.index.contents.seriesEnd { add(block, index: "series behind the listed ones, at byte \(next)") }
    stats.chunks = chunks.stats.chunks
    stats.samples = chunks.stats.samples
    stats.floatSamples = chunks.stats.floatSamples
    stats.histogramSamples = chunks.stats.histogramSamples
    let unnamed = block.segments.reduce(0) { $0 + $1.bytes.count } - chunks.byteCount
    if unnamed != 0 && findingCount == 0 {
      add(block.directory + "/chunks", "\(unnamed) bytes belong to no series")
    }
  }
}

/// Looks at the chunks of one series after another.
private struct ChunkCheck: ~Copyable {
  private let block: Block
  private var findings: [String] = []
  private var samples = SeriesSamples()
  private(set) var stats = BlockMeta.Stats()
  /// Bytes of the chunks and of the headers of their files.
  private(set) var byteCount: Int

  init(_ block: Block) {
    self.block = block
    byteCount = block.segments.count * ChunkSegment.headerBytes
  }

  mutating func takeFindings() -> [String] {
    if findings.isEmpty { return [] }
    defer { findings = [] }
    return findings
  }

  mutating func check(_ series: borrowing DecodedSeries, _ reference: UInt32) {
    if series.chunks.isEmpty { findings.append("series \(reference) has no chunks") }
    var previous: (maxTime: Int64, encoding: UInt8)?
    for chunk in series.chunks {
      stats.chunks += 1
      let name = "chunk \(chunk.reference) of series \(reference)"
      guard let (encoding, data) = block.chunk(chunk.reference) else {
        findings.append("\(name) is not there, or its checksum is wrong")
        continue
      }
      byteCount += ChunkSegment.byteCount(of: data.count)
      // Two kinds of samples in one series overlap at times.
      if let previous, chunk.minTime <= previous.maxTime, previous.encoding == encoding {
        findings.append("\(name) overlaps the one before it")
      }
      previous = (chunk.maxTime, encoding)
      let isInside = chunk.minTime >= block.meta.minTime && chunk.maxTime < block.meta.maxTime
      if !isInside { findings.append("\(name) lies outside of the block's time") }
      let count = XORChunk.count(of: data) ?? 0
      stats.samples += Int64(count)
      if encoding == XORChunk.encoding {
        stats.floatSamples += Int64(count)
        checkSamples(LentBytes(data), chunk, name)
      } else {
        stats.histogramSamples += Int64(count)
        if HistogramChunk.isHistogram(encoding: encoding) {
          checkHistograms(LentBytes(data), encoding, chunk, name)
        } else {
          findings.append("\(name) has the unknown encoding \(encoding)")
        }
      }
    }
  }

  private mutating func checkHistograms(
    _ data: LentBytes, _ encoding: UInt8, _ chunk: ChunkMeta, _ name: String
  ) {
    samples.removeAll()
    guard HistogramChunk.decode(data.raw, encoding: encoding, into: &samples.histograms), !samples.histograms.isEmpty
    else {
      findings.append("\(name) cannot be decoded")
      return
    }
    let times = samples.histograms.times
    if times.first != chunk.minTime || times.last != chunk.maxTime {
      findings.append("\(name) does not span the time that the index says")
    }
    if !zip(times, times.dropFirst()).allSatisfy({ $0 < $1 }) { findings.append("\(name) is not in order of time") }
  }

  private mutating func checkSamples(_ data: LentBytes, _ chunk: ChunkMeta, _ name: String) {
    samples.removeAll()
    guard samples.append(chunk: data.raw), samples.count > 0 else {
      findings.append("\(name) cannot be decoded")
      return
    }
    if samples.times[0] != chunk.minTime || samples.times[samples.count - 1] != chunk.maxTime {
      findings.append("\(name) does not span the time that the index says")
    }
    for place in 1..<max(samples.count, 1) where samples.times[place] <= samples.times[place - 1] {
      findings.append("\(name) is not in order of time")
      break
    }
  }
}

// What the block says of itself.
extension BlockVerification {
  private mutating func checkPostings(
    _ block: Block, _ pairs: LabelPairSums, _ shouldStop: () -> Bool
  ) throws(BlockError) {
    var left = pairs.sums
    let table = block.index.table
    for place in 0..<table.nameCount {
      let name = table.name(place)
      if name.isEmpty { continue }
      let nameNumber = block.index.symbols.number(of: name)
      var isStopped = false
      table.forEachValue(place) { value, offset in
        let pair = "\(text(name))=\(quoted(text(value)))"
        isStopped = shouldStop()
        do throws(IndexDamage) {
          let list = try block.index.postings(at: offset)
          if !list.isSorted { add(block, index: "the list of \(pair) is not sorted") }
          var sum = LabelPairSums.Sum()
          for entry in 0..<list.count { sum.add(list[entry]) }
          let key = nameNumber.flatMap { name in
            block.index.symbols.number(of: value).map { UInt64(name) << 32 | UInt64($0) }
          }
          let expected = key.flatMap { left.removeValue(forKey: $0) }
          if expected != sum { add(block, index: "the list of \(pair) is not that of its series") }
        } catch {
          add(block, index: "the list of \(pair): \(error)")
        }
        return !isStopped
      }
      if isStopped { throw .stopped }
    }
    if !left.isEmpty { add(block, index: "\(left.count) labels of series have no list") }
  }

  private func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

  private mutating func checkTombstones(_ block: Block) {
    stats.tombstones = Int64(block.tombstones.count)
    if let damage = block.foundDeletions.damage { add(block.directory + "/" + BlockDeletions.fileName, damage) }
    guard !block.tombstones.isEmpty, let all = try? block.index.everySeries() else { return }
    for reference in block.tombstones.series.keys.sorted() {
      let place = UInt32(exactly: reference).map { all.gallop(0, to: $0) } ?? all.count
      if place == all.count || UInt64(all[place]) != reference {
        add(block.directory + "/tombstones", "something is deleted of a series \(reference) that is not there")
      }
    }
  }

  private mutating func checkStats(_ block: Block) {
    let said = block.meta.stats
    func compare(_ name: String, _ said: Int64, _ found: Int64) {
      if said != found { add(block.directory + "/meta.json", "\(name) is \(said), but there are \(found)") }
    }
    compare("numSeries", said.series, stats.series)
    compare("numChunks", said.chunks, stats.chunks)
    compare("numSamples", said.samples, stats.samples)
    // What is deleted counts from when the list of it is written; a crash may come before it is counted here.
    // Older versions do not tell the kinds apart.
    if said.floatSamples + said.histogramSamples > 0 {
      compare("numFloatSamples", said.floatSamples, stats.floatSamples)
      compare("numHistogramSamples", said.histogramSamples, stats.histogramSamples)
    }
  }
}
