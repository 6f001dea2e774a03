import Format
import Model

/// The histograms of one series in the head: an open chunk, a few late histograms, and complete chunks. A value; part of
/// its shard, and so under the shard's mutex.
///
/// Complete chunks stay in memory until they are flushed to a block; until then the log keeps what they hold. Chunks of
/// late histograms overlap others; whoever reads merges.
/// Invariant: `late` is sorted by time, each time once.
struct SeriesHistograms: Sendable {
  struct Complete: Sendable {
    var chunk: EncodedHistogramChunk
    var isLate = false
    /// True if the chunk is in a block, which may not be readable yet.
    var isFlushed = false
  }

  struct Late: Sendable {
    var time: Int64
    var histogram: Histogram
    var isFloat: Bool
  }

  /// Late histograms before they become chunks.
  private static let lateMax = 32
  /// Chunks that a late histogram is compared with at most, and those that are decoded for it where there are more.
  private static let chunksSeenMax = 40
  private static let chunksDecodedMax = 2

  private(set) var complete: [Complete] = []
  private var open: HistogramChunkWriter?
  private var late: [Late] = []
  /// The time of the last histogram in order; nil before the first.
  private(set) var lastTime: Int64?

  var hasNone: Bool { complete.isEmpty && open == nil && late.isEmpty }
  var chunkCount: Int { complete.count + (open == nil ? 0 : 1) + (late.isEmpty ? 0 : 1) }

  /// The first time of any.
  var oldestTime: Int64? {
    var oldest = min(open?.firstTime ?? .max, late.first?.time ?? .max)
    for entry in complete { oldest = min(oldest, entry.chunk.minTime) }
    return hasNone ? nil : oldest
  }

  /// Appends a histogram by the rules for floats.
  mutating func append(
    _ time: Int64, _ histogram: Histogram, isFloat: Bool, _ bounds: AppendBounds
  ) -> SampleOutcome {
    guard time <= bounds.newest else { return .tooFarInFuture }
    if time > lastTime ?? .min && time >= bounds.inOrderOldest {
      appendInOrder(time, histogram, isFloat: isFloat)
      return .accepted
    }
    let isSuperseded = time <= lastTime ?? .min && bounds.isSuperseded(time)
    if let present = histogramAt(time) {
      if !SeriesHistograms.isSame(present.histogram, histogram) {
        return isSuperseded ? .superseded : .conflict
      }
      // Logged where the one that is there belongs: the log of late ones is shortened by what is late in memory.
      return present.isLate ? .lateDuplicate : .duplicate
    }
    if isSuperseded { return .superseded }
    guard bounds.takesLate else { return time > lastTime ?? .min ? .outOfBounds : .outOfOrder }
    guard time >= bounds.lateOldest else { return .tooOld }
    insertLate(time, histogram, isFloat: isFloat)
    return .late
  }

  /// Restores a histogram of the log, or of a snapshot, unless it is there.
  mutating func restore(_ time: Int64, _ histogram: Histogram, isFloat: Bool, isLate: Bool) {
    if !isLate && time > lastTime ?? .min {
      appendInOrder(time, histogram, isFloat: isFloat)
    } else if histogramAt(time) == nil {
      insertLate(time, histogram, isFloat: isFloat)
    }
  }

  private mutating func appendInOrder(_ time: Int64, _ histogram: Histogram, isFloat: Bool) {
    lastTime = time
    SeriesHistograms.add(time, histogram, isFloat, to: &open, &complete)
  }

  private mutating func insertLate(_ time: Int64, _ histogram: Histogram, isFloat: Bool) {
    if late.count == SeriesHistograms.lateMax { completeLate() }
    var place = late.count
    while place > 0, late[place - 1].time > time { place -= 1 }
    late.insert(Late(time: time, histogram: histogram, isFloat: isFloat), at: place)
  }

  /// Makes chunks of the late histograms, none across the borders of blocks.
  private mutating func completeLate() {
    complete += SeriesHistograms.chunks(of: late[...]).map { Complete(chunk: $0, isLate: true) }
    late.removeAll()
  }

  private static func chunks(of late: ArraySlice<Late>) -> [EncodedHistogramChunk] {
    var chunks: [EncodedHistogramChunk] = []
    var rest = late
    while let first = rest.first {
      let border = HeadShard.rangeEnd(of: first.time)
      var column = HistogramColumn()
      while let next = rest.first, next.time < border {
        column.append(next.time, next.histogram, isFloat: next.isFloat)
        rest.removeFirst()
      }
      chunks += HistogramChunk.encode(column)
    }
    return chunks
  }

  /// Chunks do not cross the borders of blocks.
  private static func add(
    _ time: Int64, _ histogram: Histogram, _ isFloat: Bool, to open: inout HistogramChunkWriter?,
    _ complete: inout [Complete]
  ) {
    let header: ResetHeader
    if var writer = open.take() {
      let cut: ResetHeader?
      if writer.isFloat != isFloat {
        cut = HistogramChunkWriter.header(of: histogram)
      } else if HistogramChunk.isFull(writer) || time >= HeadShard.rangeEnd(of: writer.firstTime) {
        cut = HistogramChunk.header(of: histogram, after: writer)
      } else {
        cut = writer.append(time, histogram)
      }
      guard let cut else {
        open = writer
        return
      }
      complete.append(Complete(chunk: EncodedHistogramChunk(writer)))
      header = cut
    } else {
      header = HistogramChunkWriter.header(of: histogram)
    }
    open = HistogramChunkWriter(time, histogram, isFloat: isFloat, header: header)
  }

  /// The one at `time`, as far as it is seen at once.
  private func histogramAt(_ time: Int64) -> (histogram: Histogram, isLate: Bool)? {
    if let found = late.first(where: { $0.time == time }) { return (found.histogram, true) }
    if let open {
      if open.lastTime == time { return (open.last, false) }
      if open.firstTime <= time, time < open.lastTime,
        let found = SeriesHistograms.histogram(at: time, in: EncodedHistogramChunk(open))
      {
        return (found, false)
      }
    }
    var left = complete.count > SeriesHistograms.chunksSeenMax ? SeriesHistograms.chunksDecodedMax : .max
    for entry in complete.suffix(SeriesHistograms.chunksSeenMax).reversed()
    where entry.chunk.minTime <= time && time <= entry.chunk.maxTime {
      if let found = SeriesHistograms.histogram(at: time, in: entry.chunk) { return (found, entry.isLate) }
      left -= 1
      if left == 0 { break }
    }
    return nil
  }

  private static func histogram(at time: Int64, in chunk: EncodedHistogramChunk) -> Histogram? {
    var column = HistogramColumn()
    // These chunks were written here.
    _ = HistogramChunk.decode(chunk.bytes, encoding: chunk.encoding, into: &column)
    return column.times.firstIndex(of: time).map { column.values[$0] }
  }

  /// True if both are stale, or neither is and they are equal, however their buckets are stored.
  private static func isSame(_ one: Histogram, _ two: Histogram) -> Bool {
    if one.isStale || two.isStale { return one.isStale && two.isStale }
    var (left, right) = (one, two)
    left.compact()
    right.compact()
    return left.isEqual(to: right)
  }

  /// The chunks that reach into a time.
  func chunks(from first: Int64, through last: Int64) -> [EncodedHistogramChunk] {
    var found: [EncodedHistogramChunk] = []
    for entry in complete where entry.chunk.minTime <= last && entry.chunk.maxTime >= first {
      found.append(entry.chunk)
    }
    if let open, open.firstTime <= last, open.lastTime >= first { found.append(EncodedHistogramChunk(open)) }
    if let oldest = late.first, let newest = late.last, oldest.time <= last, newest.time >= first {
      found += SeriesHistograms.chunks(of: late[...])
    }
    return found
  }

  /// True if a chunk, or the time that the late histograms span, touches the range, both ends included.
  func overlap(from first: Int64, through last: Int64) -> Bool {
    complete.contains { $0.chunk.minTime <= last && $0.chunk.maxTime >= first }
      || open.map { $0.firstTime <= last && $0.lastTime >= first } == true
      || late.first.map { $0.time <= last } == true && late.last.map { $0.time >= first } == true
  }

  var inOrderChunks: [EncodedHistogramChunk] {
    complete.filter { !$0.isLate }.map(\.chunk) + (open.map { [EncodedHistogramChunk($0)] } ?? [])
  }

  /// The late histograms that no block holds for sure, as chunks.
  var lateChunks: [EncodedHistogramChunk] {
    complete.filter { $0.isLate && !$0.isFlushed }.map(\.chunk) + SeriesHistograms.chunks(of: late[...])
  }

  /// Makes complete chunks of what lies before `border`.
  mutating func complete(before border: Int64) {
    completeOpen(before: border)
    if let oldest = late.first, oldest.time < border { completeLate() }
  }

  private mutating func completeOpen(before border: Int64) {
    guard let writer = open, writer.lastTime < border else { return }
    complete.append(Complete(chunk: EncodedHistogramChunk(writer)))
    open = nil
  }

  /// Lets the series go on behind `time`; what lies behind that counts as late from here on.
  mutating func setBack(to time: Int64?) {
    guard let newest = lastTime, newest > time ?? .min else { return }
    completeOpen(before: .max)
    for place in complete.indices where complete[place].chunk.maxTime > time ?? .min { complete[place].isLate = true }
    lastTime = time
  }

  mutating func markFlushed(before end: Int64, from start: Int64) {
    for place in complete.indices where complete[place].chunk.maxTime < end && complete[place].chunk.maxTime >= start {
      complete[place].isFlushed = true
    }
  }

  mutating func unmark(from time: Int64) {
    for place in complete.indices where complete[place].chunk.maxTime >= time { complete[place].isFlushed = false }
  }

  mutating func removeFlushed() { complete.removeAll(where: \.isFlushed) }

  mutating func remove(before time: Int64) {
    complete(before: time)
    complete.removeAll { $0.chunk.maxTime < time }
  }

  /// Removes what came in order: a block has it.
  mutating func removeInOrder(before time: Int64) {
    completeOpen(before: time)
    complete.removeAll { !$0.isLate && $0.chunk.maxTime < time }
  }
}
