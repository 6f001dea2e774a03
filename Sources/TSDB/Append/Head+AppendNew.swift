import Format
import Model

/// The labels of a series that may be new to the head, made from those of a row: sorted, without empty values. Scratch: one
/// thread's, refilled for each row.
package struct NewSeries: ~Copyable {
  package var packed = ByteBuffer(capacity: 512)
  package var fields = ByteBuffer(capacity: 512)
  package var labelCount = 0
  var admission = SeriesIndex.Admission()

  package init() {}

  package mutating func set(_ labels: borrowing LabelFields, of bytes: LentBytes) {
    packed.removeAll()
    fields.removeAll()
    labels.appendPacked(of: bytes, to: &packed)
    labels.appendFields(of: bytes, to: &fields)
    labelCount = labels.fields.count
  }

  /// Sets the labels from their packed form, well formed. False where no series has them: a value is empty, a name is there
  /// twice, or they are not in order. A whole record may say so; no program writes it.
  package mutating func set(packed bytes: LentBytes) -> Bool {
    packed.removeAll()
    fields.removeAll()
    labelCount = 0
    packed.append(bytes)
    var reader = LabelReader(bytes.raw)
    var previous: UnsafeRawBufferPointer?
    while let (name, value) = reader.next() {
      if value.isEmpty || name.isEmpty { return false }
      if let previous, compareBytes(previous, name) >= 0 { return false }
      previous = name
      LabelFields.appendField(name: name, value: value, to: &fields)
      labelCount += 1
    }
    return true
  }
}

// The slow half of an append: a row whose label bytes were not known, now with its labels read. Costs a microsecond or
// two per series that really is new; afterwards its bytes are known.
extension Head {
  /// Appends the samples of `row` to the series `new`, and creates that series unless it exists. Remembers the row's
  /// spelling, with the tag of its group if that has one.
  func appendNew(row: Int, _ new: inout NewSeries, _ batch: AppendBatch, now: Int64) -> SeriesRefusal? {
    let view = BatchView(batch)
    let bounds = batch.bounds(appendBounds(now: now), group: view.tags[row])
    let hash = hash.hash128(new.fields.bytes)
    let low = UInt32(truncatingIfNeeded: hash.low)
    let shard = Int(low & 15)
    var location = shards[shard].state.withLock { state in
      let found = state.find(high: hash.high, low: low)
      if !found.isNone { appendFound(row, found.slot, &state, &new, view, batch, bounds) }
      return found
    }
    if location.isNone {
      if refuseAll(row, view, batch, bounds) { return nil }
      let limits = batch.isExempt ? nil : limits.withLock { $0 }
      if let refusal = index.admit(new.packed.bytes, labelCount: new.labelCount, limits, into: &new.admission) {
        return refusal
      }
      let reference = nextReference.add(1, ordering: .relaxed).oldValue
      let made = shards[shard].state.withLock { state -> (SeriesLocation, isNew: Bool)? in
        let found = state.find(high: hash.high, low: low)
        if !found.isNone {
          appendFound(row, found.slot, &state, &new, view, batch, bounds)
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
        logSeries(UnloggedSeries(location: location, reference: reference), &new, batch)
      }
    }
    let rowKey = (high: view.rows[row].hashHigh, low: view.rows[row].hashLow)
    let tag = batch.group(of: row).map { batch.groups[$0].tag }
    if tag == 0 { return nil }
    let generation = batch.generation
    if generation != 0 || rowKey.high != hash.high || rowKey.low != low {
      shards[Int(rowKey.low & 15)].state.withLock { state in
        state.spellings.insert(high: rowKey.high, low: rowKey.low, location, tag: tag ?? 0, generation: generation)
      }
    }
    return nil
  }

  /// Takes out the rows whose group is refused, and, where only rows with a tag are of interest, those without a group. What
  /// is left in `tagged` has a series; the rows without one become unknown.
  func takeOutRefused(_ batch: AppendBatch) {
    let groups = batch.groups
    if groups.isEmpty && batch.takesUntagged { return }
    let view = BatchView(batch)
    batch.unknown.removeAll { number in
      let row = Int(number)
      let group = Int(view.tags[row])
      if group == 0 ? batch.takesUntagged : groups[group - 1].isTaken { return false }
      batch.refuse(row, view)
      if group != 0, groups[group - 1].tag != 0 { rememberRefused(row, groups[group - 1].tag, view, batch.generation) }
      return true
    }
    let areAllKept =
      groups.allSatisfy(\.isTaken)
      && batch.tagged.allSatisfy { SeriesLocation(raw: view.locations[Int($0)]).isPlaced }
    if areAllKept { return }
    var known: [UInt32] = []
    known.reserveCapacity(batch.tagged.count)
    for number in batch.tagged {
      let row = Int(number)
      if !groups[Int(view.tags[row]) - 1].isTaken {
        batch.refuse(row, view)
      } else if SeriesLocation(raw: view.locations[row]).isPlaced {
        known.append(number)
      } else {
        batch.setAside(row, view)
      }
    }
    batch.tagged = known
  }

  /// Remembers the tag of a refused row's spelling, so that the next body with it is decided without a look at its labels.
  private func rememberRefused(_ row: Int, _ tag: UInt16, _ view: BatchView, _ generation: UInt32) {
    let (high, low) = (view.rows[row].hashHigh, view.rows[row].hashLow)
    shards[Int(low & 15)].state.withLock { state in
      state.spellings.insert(high: high, low: low, .unplaced, tag: tag, generation: generation)
    }
  }

  /// Takes out a row whose spelling is not stored in the batch's generation, and remembers that.
  func drop(row: Int, _ batch: AppendBatch) {
    let view = BatchView(batch)
    view.locations[row] = SeriesLocation.dropped.raw
    let generation = batch.generation
    batch.tally.dropped &+= Int(view.rows[row].sampleCount)
    let (high, low) = (view.rows[row].hashHigh, view.rows[row].hashLow)
    shards[Int(low & 15)].state.withLock { state in
      if state.spellings.findSpelling(high: high, low: low, generation: generation).location.isDropped { return }
      state.spellings.insert(high: high, low: low, .dropped, generation: generation)
    }
  }

  /// Forgets the spellings that were resolved in other generations than this one. A body that is still on its way in an
  /// older one may bring some back: nobody finds them, and the next call takes them out.
  package func forgetSpellings(except generation: UInt32) {
    for shard in shards { shard.state.withLock { $0.spellings.forgetSpellings(except: generation) } }
  }

  /// Forgets a spelling that nobody will use again; rows with it would have their labels read.
  package func forgetSpelling(high: UInt64, low: UInt32) {
    shards[Int(low & 15)].state.withLock { $0.spellings.remove(high: high, low: low) }
  }

  /// Makes appends read the labels of rows that are spelled like one of these series, and of those only, each time from
  /// now on.
  package func distrustSpellings(of series: [HeadSelection]) {
    let locations = Set(series.map(\.location.raw))
    for shard in shards {
      shard.state.withLock { state in state.spellings.distrust { locations.contains($0.raw) } }
    }
  }

  /// Appends the row to a series that exists: the row is another spelling of it, or another body is creating it just
  /// now.
  private func appendFound(
    _ row: Int, _ slot: UInt32, _ state: inout HeadShard, _ new: inout NewSeries, _ view: BatchView,
    _ batch: AppendBatch, _ bounds: AppendBounds
  ) {
    let record = state.records.pointer(slot)
    let location = SeriesLocation(shard: state.number, slot: slot)
    view.locations[row] = location.raw
    view.references[row] = record.pointee.reference
    if record.pointee.has(HeadSeries.isUnlogged) {
      logSeries(UnloggedSeries(location: location, reference: record.pointee.reference), &new, batch)
    }
    appendSamples(of: row, at: slot, &state, view, bounds, &batch.tally)
  }

  private func logSeries(_ series: UnloggedSeries, _ new: inout NewSeries, _ batch: AppendBatch) {
    if batch.unlogged.isEmpty {
      batch.seriesLog.removeAll()
      SeriesRecord.begin(&batch.seriesLog)
    }
    batch.unlogged.append(series)
    SeriesRecord.append(
      ref: series.reference, labelCount: new.labelCount, packedLabels: new.packed.lent, to: &batch.seriesLog)
  }

  /// Refuses the row if a new series could store none of its samples: sets their outcomes and returns true, and the
  /// caller makes no series.
  private func refuseAll(_ row: Int, _ view: BatchView, _ batch: AppendBatch, _ bounds: AppendBounds) -> Bool {
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
