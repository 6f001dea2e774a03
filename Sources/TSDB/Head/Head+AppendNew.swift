import Format
import Model

/// The identity of a series that is new to the head, as the receiver made it from a row: sorted, without empty values,
/// the replica label dropped. `hash` is that of the labels as canonical label fields.
package struct NewSeries: ~Copyable {
  package var packed = ByteBuffer(capacity: 512)
  package var fields = ByteBuffer(capacity: 512)
  package var labelCount = 0
  var admission = SeriesIndex.Admission()

  package init() {}

  package mutating func set(_ labels: borrowing LabelFields, of bytes: UnsafeRawBufferPointer) {
    packed.removeAll()
    fields.removeAll()
    labels.appendPacked(of: bytes, to: &packed)
    labels.appendFields(of: bytes, to: &fields)
    labelCount = labels.fields.count
  }

  /// From labels in the packed form.
  package mutating func set(packed bytes: UnsafeRawBufferPointer) {
    packed.removeAll()
    fields.removeAll()
    labelCount = 0
    packed.append(bytes)
    var reader = LabelReader(bytes)
    while let (name, value) = reader.next() {
      LabelFields.appendField(name: name, value: value, to: &fields)
      labelCount += 1
    }
  }
}

// The slow half of an append: a row whose label bytes were not known, now with its labels read. Costs a microsecond or
// two per series that really is new; afterwards its bytes are known.
extension Head {
  /// Appends the samples of `row` to the series `new`, which is created unless it exists. `pair` is the number under which
  /// the row's name is kept where its labels are not those of the series; nil: it is not kept.
  package func appendNew(
    row: Int, _ new: inout NewSeries, _ batch: inout AppendBatch, now: Int64, pair: UInt16? = 0
  ) -> SeriesRefusal? {
    let view = BatchView(&batch)
    let bounds = batch.bounds(appendBounds(now: now), pair: view.pairs[row])
    let hash = hash.hash128(new.fields.bytes)
    let low = UInt32(truncatingIfNeeded: hash.low)
    let shard = Int(low & 15)
    var location = shards[shard].state.withLock { state in
      let found = state.find(high: hash.high, low: low)
      if !found.isNone { appendFound(row, found.slot, &state, &new, view, &batch, bounds) }
      return found
    }
    if location.isNone {
      if refuseAll(row, view, &batch, bounds) { return nil }
      let limits = batch.isExempt ? nil : limits.withLock { $0 }
      if let refusal = index.admit(new.packed.bytes, limits, into: &new.admission) { return refusal }
      let reference = nextReference.add(1, ordering: .relaxed).oldValue
      let made = shards[shard].state.withLock { state -> (SeriesLocation, isNew: Bool)? in
        let found = state.find(high: hash.high, low: low)
        if !found.isNone {
          appendFound(row, found.slot, &state, &new, view, &batch, bounds)
          return (found, false)
        }
        guard
          let created = state.create(
            reference: reference, flags: HeadSeries.isUnlogged, high: hash.high, low: low)
        else { return nil }
        view.locations[row] = created.raw
        view.references[row] = reference
        appendSamples(of: row, at: created.slot, &state, view, bounds, &batch.tally)
        return (created, true)
      }
      guard let made else { return .exhausted }
      location = made.0
      if made.isNew {
        guard let id = index.add(location, new.packed.bytes, &new.admission) else { return .exhausted }
        shards[shard].state.withLock { $0.records.pointer(location.slot).pointee.id = id }
        metrics.seriesCreated.add()
        logSeries(UnloggedSeries(location: location, reference: reference), &new, &batch)
      }
    }
    let rowKey = (high: view.rows[row].hashHigh, low: view.rows[row].hashLow)
    guard let pair else { return nil }
    let rules = batch.rules
    if rules != 0 || rowKey.high != hash.high || rowKey.low != low {
      shards[Int(rowKey.low & 15)].state.withLock { state in
        state.references.insert(high: rowKey.high, low: rowKey.low, location, pair: pair, rules: rules)
      }
    }
    return nil
  }

  /// Remembers to which pair the name of a refused row belongs, so that the next body with it is refused without a look at
  /// its labels.
  package func nameRefused(row: Int, _ batch: borrowing AppendBatch, pair: UInt16) {
    let (high, low) = (batch.rows.rows[row].hashHigh, batch.rows.rows[row].hashLow)
    let rules = batch.rules
    shards[Int(low & 15)].state.withLock { state in
      state.references.insert(high: high, low: low, .unplaced, pair: pair, rules: rules)
    }
  }

  /// The labels of rows that name one of these series are read each time from now on; those of others are not any more.
  package func distrustNames(of series: [HeadSelection]) {
    let locations = Set(series.map(\.location.raw))
    for shard in shards {
      shard.state.withLock { state in state.references.distrust { locations.contains($0.raw) } }
    }
  }

  /// Another spelling of a known series, or a series another body is creating just now.
  private func appendFound(
    _ row: Int, _ slot: UInt32, _ state: inout HeadShard, _ new: inout NewSeries, _ view: BatchView,
    _ batch: inout AppendBatch, _ bounds: AppendBounds
  ) {
    let record = state.records.pointer(slot)
    let location = SeriesLocation(shard: state.number, slot: slot)
    view.locations[row] = location.raw
    view.references[row] = record.pointee.reference
    if record.pointee.has(HeadSeries.isUnlogged) {
      logSeries(UnloggedSeries(location: location, reference: record.pointee.reference), &new, &batch)
    }
    appendSamples(of: row, at: slot, &state, view, bounds, &batch.tally)
  }

  private func logSeries(_ series: UnloggedSeries, _ new: inout NewSeries, _ batch: inout AppendBatch) {
    if batch.unlogged.isEmpty {
      batch.seriesLog.removeAll()
      SeriesRecord.begin(&batch.seriesLog)
    }
    batch.unlogged.append(series)
    SeriesRecord.append(
      ref: series.reference, labelCount: new.labelCount, packedLabels: new.packed.bytes, to: &batch.seriesLog)
  }

  /// Whether no sample of the row could be stored in a new series; their outcomes are set then, and no series is made.
  private func refuseAll(_ row: Int, _ view: BatchView, _ batch: inout AppendBatch, _ bounds: AppendBounds) -> Bool {
    // What comes of histograms is known once there is a series.
    if view.rows[row].flags & WriteRow.hasHistograms != 0 { return false }
    let start = Int(view.rows[row].sampleStart)
    let samples = start..<(start + Int(view.rows[row].sampleCount))
    func verdict(_ time: Int64) -> SampleOutcome? {
      if time > bounds.newest { return .tooFarInFuture }
      if time >= bounds.inOrderOldest { return nil }
      if !bounds.takesLate { return .outOfBounds }
      return time < bounds.lateOldest ? .tooOld : nil
    }
    for sample in samples where verdict(view.times[sample]) == nil { return false }
    for sample in samples {
      guard let outcome = verdict(view.times[sample]) else { continue }
      view.outcomes[sample] = outcome.rawValue
      batch.tally.count(outcome, view.times[sample])
    }
    return true
  }
}
