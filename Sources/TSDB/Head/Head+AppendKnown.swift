import CShims
import Format
import Model

// The fast half of an append: every row whose label bytes have been seen before. No label is read, nothing is
// allocated. Rows are taken shard by shard, and within a shard in four short loops (ask for the table's lines, look up
// and ask for the records, ask for the chunks' ends, append), so that cache misses overlap instead of queueing.
extension Head {
  /// Appends the rows of `batch` whose series are known; the others are listed in `batch.unknown`.
  package func appendKnown(_ batch: inout AppendBatch, now: Int64) {
    batch.begin()
    if batch.rows.rows.count == 0 { return }
    let bounds = appendBounds(now: now)
    let view = BatchView(&batch)
    var starts = ShardStarts()
    for row in 0..<view.rowCount { starts.add(Int(view.rows[row].hashLow & 15)) }
    starts.finish()
    for row in 0..<view.rowCount {
      view.order[starts.place(Int(view.rows[row].hashLow & 15))] = UInt32(truncatingIfNeeded: row)
    }
    for shard in 0..<SeriesLocation.shardCount {
      let range = starts.range(shard)
      if !range.isEmpty { lookUpAndAppend(shard, range, view, &batch, bounds) }
    }
    if !batch.elsewhere.isEmpty { appendElsewhere(view, &batch, bounds) }
  }

  private func lookUpAndAppend(
    _ shard: Int, _ range: Range<Int>, _ view: BatchView, _ batch: inout AppendBatch, _ bounds: AppendBounds
  ) {
    var tally = batch.tally
    let rules = batch.rules
    shards[shard].state.withLock { state in
      for place in range { state.references.prefetch(high: view.rows[Int(view.order[place])].hashHigh) }
      for place in range {
        let row = Int(view.order[place])
        let location = state.references.find(
          high: view.rows[row].hashHigh, low: view.rows[row].hashLow, rules: rules)
        view.locations[row] = location.raw
        if location.shard == shard && !location.isNone { state.prefetchRecord(location.slot) }
      }
      for place in range {
        let location = SeriesLocation(raw: view.locations[Int(view.order[place])])
        if location.shard == shard && !location.isNone { state.prefetchChunk(location.slot) }
      }
      for place in range {
        let row = Int(view.order[place])
        let location = SeriesLocation(raw: view.locations[row])
        if location.shard == shard && !location.isNone {
          if !append(row, at: location.slot, &state, view, bounds, &tally) { batch.setAside(row, view) }
        } else if location.isNone {
          batch.setAside(row, view)
          if location.isDropped { batch.dropLastUnknown(view, &tally) }
        } else {
          batch.elsewhere.append(UInt32(truncatingIfNeeded: row))
        }
      }
    }
    batch.tally = tally
  }

  /// Rows whose label bytes are another spelling of a series that lives in another shard (a dropped replica label).
  private func appendElsewhere(_ view: BatchView, _ batch: inout AppendBatch, _ bounds: AppendBounds) {
    var starts = ShardStarts()
    // By index: the iterator of an array asks the heap at each step where it is not specialized.
    let count = batch.elsewhere.count
    for index in 0..<count { starts.add(SeriesLocation(raw: view.locations[Int(batch.elsewhere[index])]).shard) }
    starts.finish()
    for index in 0..<count {
      let row = batch.elsewhere[index]
      view.order[starts.place(SeriesLocation(raw: view.locations[Int(row)]).shard)] = row
    }
    for shard in 0..<SeriesLocation.shardCount {
      let range = starts.range(shard)
      if range.isEmpty { continue }
      var tally = batch.tally
      shards[shard].state.withLock { state in
        for place in range {
          state.prefetchRecord(SeriesLocation(raw: view.locations[Int(view.order[place])]).slot)
        }
        for place in range {
          let row = Int(view.order[place])
          let slot = SeriesLocation(raw: view.locations[row]).slot
          if !append(row, at: slot, &state, view, bounds, &tally) { batch.setAside(row, view) }
        }
      }
      batch.tally = tally
    }
  }

  /// Appends all samples of one row to the series at `slot` of the locked shard. False where the series has ended, or is
  /// not in the log yet: then the row has to be resolved by its labels.
  @inline(__always)
  private func append(
    _ row: Int, at slot: UInt32, _ state: inout HeadShard, _ view: BatchView, _ bounds: AppendBounds,
    _ tally: inout AppendTally
  ) -> Bool {
    let record = state.records.pointer(slot)
    if record.pointee.flags & (HeadSeries.isUnlogged | HeadSeries.isFree) != 0 { return false }
    view.references[row] = record.pointee.reference
    appendSamples(of: row, at: slot, &state, view, bounds, &tally)
    return true
  }

  @inline(__always)
  func appendSamples(
    of row: Int, at slot: UInt32, _ state: inout HeadShard, _ view: BatchView, _ bounds: AppendBounds,
    _ tally: inout AppendTally
  ) {
    let bounds = bounds.inOrder(from: state.flushedBefore)
    let start = Int(view.rows[row].sampleStart)
    for sample in start..<(start &+ Int(view.rows[row].sampleCount)) {
      let time = view.times[sample]
      let outcome = state.append(slot, time: time, value: view.values[sample], bounds)
      view.outcomes[sample] = outcome.rawValue
      tally.count(outcome, time)
    }
  }
}
