import Format
import Model

// Histograms into the head. They come seldom and are large, so that they are appended one by one, and only bodies that
// have any pay for them.
extension Head {
  /// A late histogram waits in memory for the flush, and takes about as much there as so many late samples.
  private static var samplesPerHistogram: Int { 16 }

  /// Appends a histogram to the series of a row that `appendKnown` or `appendNew` has found. Nil if there is no such
  /// series, or it has ended meanwhile: the row has to be resolved by its labels first.
  func append(
    _ histogram: Histogram, isFloat: Bool, at time: Int64, row: Int, _ batch: AppendBatch, now: Int64
  ) -> SampleOutcome? {
    let reference = batch.references[row]
    let location = SeriesLocation(raw: batch.locations[row])
    if reference == 0 || location.isNone { return nil }
    guard time >= AppendBounds.timeMin, time <= AppendBounds.timeMax else { return .outOfBounds }
    let bounds = batch.bounds(appendBounds(now: now), group: batch.tags[row])
    let outcome = shards[location.shard].state.withLock { state -> SampleOutcome? in
      let record = state.records.pointer(location.slot)
      guard record.pointee.reference == reference, !record.pointee.has(HeadSeries.isFree) else { return nil }
      let bounds = bounds.inOrder(from: state.flushedBefore)
      let outcome = state.histograms.append(location.slot, time, histogram, isFloat: isFloat, bounds)
      if outcome == .late && time < state.flushedBefore { state.lateSinceFlush += Head.samplesPerHistogram }
      return outcome
    }
    guard let outcome else { return nil }
    if outcome == .superseded {
      batch.tally.superseded += 1
    } else if outcome.isStored {
      batch.histogramLogs.append(reference, time, histogram, isFloat: isFloat, isLate: outcome.isLoggedLate)
      batch.tally.oldest = min(batch.tally.oldest, time)
      batch.tally.newest = max(batch.tally.newest, time)
      metrics.samplesAppended.add()
      if outcome == .late { metrics.lateAppended.add() }
    } else {
      metrics.count(outcome)
    }
    return outcome
  }

  /// Logs all late histograms that are only in memory and in the log once more, or all others. False if there are none.
  func logHistograms(late isLate: Bool) throws(WALError) -> Bool {
    var hasAny = false
    for shard in shards {
      let all = shard.state.withLock { state in
        state.histograms.series.compactMap { slot, series in
          let chunks = isLate ? series.lateChunks : series.inOrderChunks
          return chunks.isEmpty ? nil : (state.records.pointer(slot).pointee.reference, chunks)
        }
      }
      var logs = HistogramLogs()
      for (reference, chunks) in all {
        var column = HistogramColumn()
        for chunk in chunks {
          // These chunks were written here.
          _ = HistogramChunk.decode(chunk.bytes, encoding: chunk.encoding, into: &column)
        }
        for place in 0..<column.count {
          logs.append(
            reference, column.times[place], column.values[place], isFloat: column.areFloats[place], isLate: isLate)
        }
      }
      if logs.isEmpty { continue }
      var body = WALBody()
      logs.write(late: isLate, to: &body)
      try (isLate ? files.wbl : files.wal).commit(body, isRepetition: true)
      hasAny = true
    }
    return hasAny
  }

  /// The first time of any histogram that is only in memory and in the log; nil if there is none.
  func oldestHistogramTime() -> Int64? {
    shards.compactMap { $0.state.withLock { $0.histograms.oldestTime } }.min()
  }
}

/// Records of the histograms of one body, one record for each kind; late ones apart, for the log of late samples. A value,
/// refilled for each body.
struct HistogramLogs: ~Copyable, Sendable {
  private static let kinds: [RecordKind] = [
    .histograms, .floatHistograms, .customBucketHistograms, .customBucketFloatHistograms,
  ]
  /// A record is ended when it has this many bytes.
  static let recordBytesMax = 1 << 20

  private var rows: [(kind: RecordKind, ref: UInt64, time: Int64, payload: Range<Int>, isLate: Bool)] = []
  private(set) var hasLate = false
  private var payloads = ByteBuffer(capacity: 64)
  private var record = ByteBuffer(capacity: 64)

  init() {}

  var isEmpty: Bool { rows.isEmpty }

  mutating func removeAll() {
    if rows.isEmpty { return }
    hasLate = false
    rows.removeAll(keepingCapacity: rows.count < 4096)
    if payloads.count > HistogramLogs.recordBytesMax {
      payloads = ByteBuffer(capacity: 64)
    } else {
      payloads.removeAll()
    }
  }

  mutating func append(_ reference: UInt64, _ time: Int64, _ histogram: Histogram, isFloat: Bool, isLate: Bool) {
    let start = payloads.count
    hasLate = hasLate || isLate
    HistogramPayload.append(histogram, isFloat: isFloat, to: &payloads)
    rows.append(
      (HistogramPayload.kind(of: histogram, isFloat: isFloat), reference, time, start..<payloads.count, isLate))
  }

  /// Adds the records of the late histograms to `body`, or those of the others.
  mutating func write(late isLate: Bool, to body: inout WALBody) {
    for kind in HistogramLogs.kinds {
      var encoder = HistogramsRecord(kind)
      record.removeAll()
      for row in rows where row.kind == kind && row.isLate == isLate {
        encoder.append(
          ref: row.ref, timestamp: row.time, payload: payloads.lent.part(row.payload),
          to: &record)
        if record.count >= HistogramLogs.recordBytesMax {
          body.append(record)
          record.removeAll()
          encoder = HistogramsRecord(kind)
        }
      }
      if record.count > 0 { body.append(record) }
    }
  }
}
