import CShims
import Format
import Model

// The fast half of an append: every row whose label bytes have been seen before. No label is read, nothing is
// allocated. Rows are taken shard by shard, and within a shard in four short loops (ask for the table's lines, look up
// and ask for the records, ask for the chunks' ends, append), so that cache misses overlap instead of queueing.
extension Head {
  /// Appends the rows of `batch` whose series are known; the others are listed in `batch.unknown`.
  package func appendKnown(_ batch: inout AppendBatch, now: Int64) {
    let rowCount = batch.rows.rows.count
    batch.locations.resize(to: rowCount)
    batch.references.resize(to: rowCount)
    batch.outcomes.resize(to: batch.rows.times.count)
    batch.order.resize(to: rowCount)
    batch.unknown.removeAll()
    batch.elsewhere.removeAll()
    batch.unlogged.removeAll(keepingCapacity: true)
    batch.tally = AppendTally()
    if rowCount == 0 { return }
    let bounds = appendBounds(now: now)

    let rows = batch.rows.rows.elements
    var starts = ShardStarts()
    for row in rows { starts.add(Int(row.hashLow & 15)) }
    starts.finish()
    for index in 0..<rowCount { batch.order[starts.place(Int(rows[index].hashLow & 15))] = UInt32(index) }
    for shard in 0..<SeriesLocation.shardCount {
      let range = starts.range(shard)
      if !range.isEmpty { lookUpAndAppend(shard, range, &batch, bounds) }
    }
    if batch.elsewhere.count > 0 { appendElsewhere(&batch, bounds) }
  }

  private func lookUpAndAppend(_ shard: Int, _ range: Range<Int>, _ batch: inout AppendBatch, _ bounds: AppendBounds) {
    shards[shard].state.withLock { state in
      let rows = batch.rows.rows.elements
      let order = batch.order.elements
      for place in range { state.references.prefetch(high: rows[Int(order[place])].hashHigh) }
      for place in range {
        let row = Int(order[place])
        let location = state.references.find(high: rows[row].hashHigh, low: rows[row].hashLow)
        batch.locations[row] = location.raw
        if location.shard == shard && !location.isNone { state.prefetchRecord(location.slot) }
      }
      for place in range {
        let location = SeriesLocation(raw: batch.locations[Int(order[place])])
        if location.shard == shard && !location.isNone { state.prefetchChunk(location.slot) }
      }
      for place in range {
        let row = Int(order[place])
        let location = SeriesLocation(raw: batch.locations[row])
        if location.isNone {
          setAside(row, &batch)
        } else if location.shard != shard {
          batch.elsewhere.append(UInt32(row))
        } else {
          append(row, at: location.slot, &state, &batch, bounds)
        }
      }
    }
  }

  /// Rows whose label bytes are another spelling of a series that lives in another shard (a dropped replica label).
  private func appendElsewhere(_ batch: inout AppendBatch, _ bounds: AppendBounds) {
    var starts = ShardStarts()
    let count = batch.elsewhere.count
    for index in 0..<count {
      starts.add(SeriesLocation(raw: batch.locations[Int(batch.elsewhere[index])]).shard)
    }
    starts.finish()
    for index in 0..<count {
      let row = batch.elsewhere[index]
      batch.order[starts.place(SeriesLocation(raw: batch.locations[Int(row)]).shard)] = row
    }
    for shard in 0..<SeriesLocation.shardCount {
      let range = starts.range(shard)
      if range.isEmpty { continue }
      shards[shard].state.withLock { state in
        for place in range {
          state.prefetchRecord(SeriesLocation(raw: batch.locations[Int(batch.order[place])]).slot)
        }
        for place in range {
          let row = Int(batch.order[place])
          append(row, at: SeriesLocation(raw: batch.locations[row]).slot, &state, &batch, bounds)
        }
      }
    }
  }

  /// Appends all samples of one row to the series at `slot` of the locked shard.
  @inline(__always)
  func append(
    _ row: Int, at slot: UInt32, _ state: inout HeadShard, _ batch: inout AppendBatch, _ bounds: AppendBounds
  ) {
    let record = state.records.pointer(slot)
    if record.pointee.flags & (HeadSeries.isUnlogged | HeadSeries.isFree) != 0 {
      setAside(row, &batch)
      return
    }
    batch.references[row] = record.pointee.reference
    appendSamples(of: row, at: slot, &state, &batch, bounds)
  }

  /// Lists a row as unknown; until it is resolved its samples count as not stored.
  private func setAside(_ row: Int, _ batch: inout AppendBatch) {
    batch.unknown.append(UInt32(row))
    let start = Int(batch.rows.rows[row].sampleStart)
    for sample in start..<(start &+ Int(batch.rows.rows[row].sampleCount)) {
      batch.outcomes[sample] = AppendBatch.unresolved
    }
  }

  @inline(__always)
  func appendSamples(
    of row: Int, at slot: UInt32, _ state: inout HeadShard, _ batch: inout AppendBatch, _ bounds: AppendBounds
  ) {
    let start = Int(batch.rows.rows[row].sampleStart)
    for sample in start..<(start &+ Int(batch.rows.rows[row].sampleCount)) {
      let time = batch.rows.times[sample]
      let outcome = state.append(slot, time: time, value: batch.rows.values[sample], bounds)
      batch.outcomes[sample] = outcome.rawValue
      batch.tally.count(outcome, time)
    }
  }
}
