import Format
import Model

/// The head's samples that lie further ahead of this server's clock than the tolerance allows: a clock has been wrong.
package struct SamplesAhead: Sendable, Equatable {
  /// This server's clock.
  package var now: Int64
  /// The newest sample of the head; nil if there is none.
  package var newestTime: Int64?
  /// Series whose newest sample is further ahead than the tolerance.
  package var seriesCount = 0
  /// One of them.
  package var example: Labels?
}

// Samples from the future. They take nothing from others, but their own series' samples are late until their time has
// come; they are counted here, and what is deleted of them sets their series back.
extension Head {
  /// Times that are deleted one by one before a series' deletion becomes one interval.
  private static var timesMax: Int { 1000 }

  package func samplesAhead() -> SamplesAhead {
    let now = clock.nowMilliseconds()
    var ahead = SamplesAhead(now: now, newestTime: timeRange?.upperBound)
    let limit = newestTaken(now: now)
    if ahead.newestTime ?? .min <= limit { return ahead }
    var found: UInt32 = 0
    for shard in shards {
      forEachTurn(of: shard) { state, slot, record in
        guard state.newestTime(slot, record) ?? .min > limit else { return }
        ahead.seriesCount += 1
        if found == 0 { found = record.pointee.id }
      }
    }
    var packed: [UInt8] = []
    if found != 0, index.state.withLock({ $0.packedLabels(of: found, into: &packed) }) {
      ahead.example = Labels(packed: packed)
    }
    return ahead
  }

  /// The times of a series' samples in a range, each by itself; as one interval where there are many.
  func times(of series: HeadSelection, in range: ClosedRange<Int64>) -> [ClosedRange<Int64>] {
    var scratch = HeadReadScratch()
    var samples = SeriesSamples()
    read(series, from: range.lowerBound, through: range.upperBound, &scratch, into: &samples)
    let times = (Array(samples.times.elements) + samples.histograms.times).sorted()
    guard let first = times.first, let last = times.last else { return [] }
    return times.count > Head.timesMax ? [first...last] : times.map { $0...$0 }
  }

  /// Sets series back whose newest samples lie in the future and have been deleted, so that what they send now is in order.
  func setBack(_ found: [HeadSelection], now: Int64) {
    var hasChanged = false
    for series in found {
      let isAhead = shards[series.location.shard].state.withLock { state in
        let record = state.records.pointer(series.location.slot)
        return record.pointee.id == series.id && state.newestTime(series.location.slot, record) ?? .min > now
      }
      if !isAhead { continue }
      var scratch = HeadReadScratch()
      var samples = SeriesSamples()
      read(series, from: .min, through: .max, &scratch, into: &samples)
      let (sample, histogram) = (samples.times.elements.last, samples.histograms.times.last)
      shards[series.location.shard].state.withLock { state in
        let record = state.records.pointer(series.location.slot)
        guard record.pointee.id == series.id, !record.pointee.has(HeadSeries.isFree) else { return }
        state.setBack(record, series.location.slot, to: sample)
        state.histograms.update(series.location.slot) { $0.setBack(to: histogram) }
      }
      hasChanged = true
    }
    if hasChanged { settleNewestTime() }
  }

  /// As `setBack`, after a start and for every series with deletions: the log has brought their samples back.
  func setBackDeleted(now: Int64) {
    var found: [HeadSelection] = []
    for (number, shard) in shards.enumerated() {
      forEachTurn(of: shard) { state, slot, record in
        guard record.pointee.id != 0, deletions.times(of: record.pointee.reference) != nil else { return }
        let location = SeriesLocation(shard: number, slot: slot)
        found.append(HeadSelection(id: record.pointee.id, labels: .empty, location: location))
      }
    }
    setBack(found, now: now)
    // What is set back lies in chunk files too, whose times have been counted.
    settleNewestTime()
  }

  private func settleNewestTime() {
    var newest = Int64.min
    for shard in shards {
      forEachTurn(of: shard) { state, slot, record in newest = max(newest, state.newestTime(slot, record) ?? .min) }
    }
    newestTime.store(newest, ordering: .relaxed)
  }
}

extension HeadShard {
  /// The newest time of a series' samples and histograms in order.
  func newestTime(_ slot: UInt32, _ record: UnsafeMutablePointer<HeadSeries>) -> Int64? {
    let sample = record.pointee.has(HeadSeries.isEmpty) ? nil : record.pointee.tail.lastTime
    let histogram = histograms.isEmpty ? nil : histograms.series[slot]?.lastTime
    return [sample, histogram].compactMap { $0 }.max()
  }

  /// Lets a series go on behind `time` (nil: it has nothing left). What lies behind that counts as late from here on, so that
  /// samples in order may come for its time. Where memory is exhausted the series stays as it is.
  mutating func setBack(_ record: UnsafeMutablePointer<HeadSeries>, _ slot: UInt32, to time: Int64?) {
    let last = time ?? .min
    if record.pointee.has(HeadSeries.isEmpty) || record.pointee.tail.lastTime <= last { return }
    guard completeChunk(record, slot) else { return }
    forEachChunk(of: record) { chunk in
      if chunk.pointee.end > last { chunk.pointee.flags |= SeriesChunk.isLate }
      return true
    }
    record.pointee.tail = XORTail(lastTime: last, lastValue: 0, count: 0)
    record.pointee.flags |= time == nil ? HeadSeries.isEmpty : HeadSeries.lastValueUnknown
  }
}
