import Format

extension Head {
  /// Whether a series has samples in the time of one of its chunks that touches the range, both ends included: what is
  /// told without decoding anything.
  func hasChunk(_ series: HeadSelection, from first: Int64, through last: Int64) -> Bool {
    shards[series.location.shard].state.withLock { state in
      let record = state.records.pointer(series.location.slot)
      guard record.pointee.id == series.id, !record.pointee.has(HeadSeries.isFree) else { return false }
      let tail = record.pointee.tail
      if tail.count > 0, record.pointee.chunkStart <= last, tail.lastTime >= first { return true }
      var isFound = false
      state.forEachChunk(of: record) { chunk in
        isFound = chunk.pointee.start <= last && chunk.pointee.end >= first
        return !isFound
      }
      if isFound || state.histograms.overlap(series.location.slot, from: first, through: last) { return true }
      guard let history = state.history(of: record), history.pointee.lateCount > 0 else { return false }
      let late = state.lateSamples(history)
      return (0..<Int(history.pointee.lateCount)).contains { late[$0].time >= first && late[$0].time <= last }
    }
  }
}
