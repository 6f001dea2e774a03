import Format
import Model

/// The histograms of one series in the head: an open chunk, one for late histograms, and complete ones. A value; part of
/// its shard, and so under the shard's mutex.
///
/// Complete chunks stay in memory until they are flushed to a block; until then the log keeps what they hold. Chunks of
/// late histograms overlap others; whoever reads merges.
struct SeriesHistograms: Sendable {
  struct Complete: Sendable {
    var chunk: EncodedHistogramChunk
    /// It is in a block, which may not be readable yet.
    var isFlushed = false
  }

  private(set) var complete: [Complete] = []
  private var open: HistogramChunkWriter?
  private var late: HistogramChunkWriter?
  /// Of the last one in order; nil before the first.
  private(set) var lastTime: Int64?

  var hasNone: Bool { complete.isEmpty && open == nil && late == nil }
  var chunkCount: Int { complete.count + (open == nil ? 0 : 1) + (late == nil ? 0 : 1) }

  /// The first time of any.
  var oldestTime: Int64? {
    let starts = complete.map(\.chunk.minTime) + [open?.firstTime, late?.firstTime].compactMap { $0 }
    return starts.min()
  }

  /// Appends by the rules for floats.
  mutating func append(
    _ time: Int64, _ histogram: Histogram, isFloat: Bool, _ bounds: AppendBounds
  ) -> SampleOutcome {
    guard time <= bounds.newest else { return .tooFarInFuture }
    if time > lastTime ?? .min && time >= bounds.inOrderOldest {
      appendInOrder(time, histogram, isFloat: isFloat)
      return .accepted
    }
    if let present = histogramAt(time) {
      if !SeriesHistograms.isSame(present, histogram) { return .conflict }
      return time == lastTime ? .duplicate : .lateDuplicate
    }
    guard bounds.takesLate else { return time > lastTime ?? .min ? .outOfBounds : .outOfOrder }
    // What a block holds already is not in the head to be compared with.
    guard time >= bounds.lateOldest, time >= bounds.flushedBefore else { return .tooOld }
    insertLate(time, histogram, isFloat: isFloat)
    return .late
  }

  /// One of the log, or of a snapshot; those that are there are left out.
  mutating func restore(_ time: Int64, _ histogram: Histogram, isFloat: Bool) {
    if time > lastTime ?? .min {
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
    if let present = late, present.lastTime >= time {
      complete.append(Complete(chunk: EncodedHistogramChunk(present)))
      late = nil
    }
    SeriesHistograms.add(time, histogram, isFloat, to: &late, &complete)
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

  private func histogramAt(_ time: Int64) -> Histogram? {
    if let open, open.lastTime == time { return open.last }
    var column = HistogramColumn()
    for chunk in chunks(from: time, through: time) {
      // These chunks were written here.
      _ = chunk.bytes.withUnsafeBytes { HistogramChunk.decode($0, encoding: chunk.encoding, into: &column) }
    }
    return column.times.firstIndex(of: time).map { column.values[$0] }
  }

  /// Whether two say the same, however their buckets are stored.
  private static func isSame(_ one: Histogram, _ two: Histogram) -> Bool {
    if one.isStale || two.isStale { return one.isStale && two.isStale }
    var (left, right) = (one, two)
    left.compact()
    right.compact()
    return left.isEqual(to: right)
  }

  /// The chunks that reach into a time.
  func chunks(from first: Int64, through last: Int64) -> [EncodedHistogramChunk] {
    var found = complete.map(\.chunk).filter { $0.minTime <= last && $0.maxTime >= first }
    for writer in [open, late] {
      guard let writer, writer.firstTime <= last, writer.lastTime >= first else { continue }
      found.append(EncodedHistogramChunk(writer))
    }
    return found
  }

  /// Whether there is a chunk that reaches into a time.
  func overlap(from first: Int64, through last: Int64) -> Bool {
    complete.contains { $0.chunk.minTime <= last && $0.chunk.maxTime >= first }
      || open.map { $0.firstTime <= last && $0.lastTime >= first } == true
      || late.map { $0.firstTime <= last && $0.lastTime >= first } == true
  }

  /// Makes complete chunks of what lies before `border`.
  mutating func complete(before border: Int64) {
    if let writer = open, writer.lastTime < border {
      complete.append(Complete(chunk: EncodedHistogramChunk(writer)))
      open = nil
    }
    if let writer = late, writer.firstTime < border {
      complete.append(Complete(chunk: EncodedHistogramChunk(writer)))
      late = nil
    }
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
}
