import CShims
import Format
import Model

// The fast half of an append: every row whose label bytes have been seen before. No label is read, nothing is
// allocated. Rows are taken shard by shard, and within a shard in four short loops (ask for the table's lines, look up
// and ask for the records, ask for the chunks' ends, append), so that cache misses overlap instead of queueing.
//
// Rows whose spelling has a tag are only looked up: the caller decides about them once all rows have been, and
// `appendTagged` appends them then.
extension Head {
  /// Appends the rows of `batch` whose series are known; lists the others in `batch.unknown`, those with a tag in
  /// `batch.tagged`. Without `takesUntagged` only the latter are of interest.
  func appendKnown(_ batch: AppendBatch, now: Int64, takesUntagged: Bool) {
    batch.begin()
    batch.slotsRecycled = slotsRecycled.load(ordering: .acquiring)
    if batch.rows.rows.count == 0 { return }
    let bounds = batch.bounds(appendBounds(now: now))
    let view = BatchView(batch)
    var starts = ShardStarts()
    for row in 0..<view.rowCount { starts.add(Int(view.rows[row].hashLow & 15)) }
    starts.finish()
    for row in 0..<view.rowCount {
      view.order[starts.place(Int(view.rows[row].hashLow & 15))] = UInt32(truncatingIfNeeded: row)
    }
    for shard in 0..<SeriesLocation.shardCount {
      let range = starts.range(shard)
      if !range.isEmpty { lookUpAndAppend(shard, range, view, batch, bounds, takesUntagged) }
    }
    if !batch.elsewhere.isEmpty { append(batch.elsewhere, view, batch, bounds) }
  }

  /// Appends the rows left in `batch.tagged`, each within the bounds of its group.
  func appendTagged(_ batch: AppendBatch, now: Int64) {
    if batch.tagged.isEmpty { return }
    append(batch.tagged, BatchView(batch), batch, batch.bounds(appendBounds(now: now)))
  }

  private func lookUpAndAppend(
    _ shard: Int, _ range: Range<Int>, _ view: BatchView, _ batch: AppendBatch, _ bounds: AppendBounds,
    _ takesUntagged: Bool
  ) {
    var tally = batch.tally
    let generation = batch.generation
    shards[shard].state.withLock { state in
      for place in range { state.spellings.prefetch(high: view.rows[Int(view.order[place])].hashHigh) }
      for place in range {
        let row = Int(view.order[place])
        let found = state.spellings.findSpelling(
          high: view.rows[row].hashHigh, low: view.rows[row].hashLow, generation: generation)
        view.locations[row] = found.location.raw
        view.tags[row] = found.tag
        if found.location.shard == shard && found.location.isPlaced { state.prefetchRecord(found.location.slot) }
      }
      for place in range {
        let location = SeriesLocation(raw: view.locations[Int(view.order[place])])
        if location.shard == shard && location.isPlaced { state.prefetchChunk(location.slot) }
      }
      for place in range {
        let row = Int(view.order[place])
        let location = SeriesLocation(raw: view.locations[row])
        if view.tags[row] != 0 {
          batch.tagged.append(UInt32(truncatingIfNeeded: row))
        } else if location.isNone {
          batch.setAside(row, view)
        } else if !takesUntagged {
          batch.refuse(row, view)
        } else if location.isDropped {
          batch.takeOut(row, view)
          tally.dropped &+= Int(view.rows[row].sampleCount)
        } else if location.shard == shard {
          if !append(row, at: location.slot, &state, view, bounds, &tally) { batch.setAside(row, view) }
        } else {
          batch.elsewhere.append(UInt32(truncatingIfNeeded: row))
        }
      }
    }
    batch.tally = tally
  }

  /// Appends rows whose label bytes are another spelling of a series, which may live in another shard. Their spellings
  /// were looked up under other locks: if slots have been recycled since, it looks the rows up by their labels.
  private func append(_ rows: [UInt32], _ view: BatchView, _ batch: AppendBatch, _ bounds: AppendBounds) {
    var starts = ShardStarts()
    // By index: the iterator of an array asks the heap at each step where it is not specialized.
    let count = rows.count
    for index in 0..<count { starts.add(SeriesLocation(raw: view.locations[Int(rows[index])]).shard) }
    starts.finish()
    for index in 0..<count {
      let row = rows[index]
      view.order[starts.place(SeriesLocation(raw: view.locations[Int(row)]).shard)] = row
    }
    for shard in 0..<SeriesLocation.shardCount {
      let range = starts.range(shard)
      if range.isEmpty { continue }
      var tally = batch.tally
      shards[shard].state.withLock { state in
        if slotsRecycled.load(ordering: .acquiring) != batch.slotsRecycled {
          for place in range { batch.setAside(Int(view.order[place]), view) }
          return
        }
        var group: UInt16 = 0
        var groupBounds = bounds
        for place in range {
          state.prefetchRecord(SeriesLocation(raw: view.locations[Int(view.order[place])]).slot)
        }
        for place in range {
          state.prefetchChunk(SeriesLocation(raw: view.locations[Int(view.order[place])]).slot)
        }
        for place in range {
          let row = Int(view.order[place])
          let slot = SeriesLocation(raw: view.locations[row]).slot
          if view.tags[row] != group {
            group = view.tags[row]
            groupBounds = batch.bounds(bounds, group: group)
          }
          if !append(row, at: slot, &state, view, groupBounds, &tally) { batch.setAside(row, view) }
        }
      }
      batch.tally = tally
    }
  }

  /// Appends all samples of one row to the series at `slot` of the locked shard. False if the series has ended, or is
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
