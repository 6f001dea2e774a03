import Format
import Model
import Platform

/// Brings a head back from its log: the records of a snapshot, of `wal/` and of `wbl/`, applied in order. Used by one
/// thread, before anybody else sees the head.
///
/// Applying is idempotent, since a snapshot and the log behind it overlap: a sample that is there already is skipped.
final class HeadRestorer {
  let head: Head
  var map = ReferenceMap()
  private var newSeries = NewSeries()
  private var locations = Column<UInt32>(capacity: DecodedBatch.rowsMax)
  private var order = Column<UInt32>(capacity: DecodedBatch.rowsMax)
  var late = LateReplay()
  /// Complete chunks found in files, by series reference, until their series is met.
  private var unclaimed: [UInt64: [SeriesChunk]]
  /// The highest reference seen that no record of a series named. It must not be given to another series: a start would
  /// read the samples as that one's.
  private var highestUnknown: UInt64 = 0
  var counts = Counts()

  struct Counts {
    var series = 0
    var samples = 0
    var chunks = 0
    /// Samples whose series no record names; Prometheus drops and counts them too.
    var unknownReferences = 0
  }

  init(_ head: Head, chunks: [UInt64: [SeriesChunk]]) {
    self.head = head
    unclaimed = chunks
  }

  /// Applies the records of a batch of `wal/`.
  func apply(_ batch: DecodedBatch) {
    for section in batch.columns.sections {
      switch section.kind {
      case .series:
        for row in batch.columns.series[section.rows] {
          addSeries(row.ref, batch.columns.packedLabels(row.labels))
        }
      case .samples: applySamples(batch.columns.samples, section.rows)
      case .histograms, .floatHistograms, .customBucketHistograms, .customBucketFloatHistograms:
        applyHistograms(batch, section.rows)
      case .exemplars: applyExemplars(batch, section.rows)
      default: break
      }
    }
  }

  /// The location of the series a record names, made if it is new. Several references may name one series.
  @discardableResult
  func addSeries(_ reference: UInt64, _ packed: UnsafeRawBufferPointer) -> SeriesLocation {
    guard reference < HeadRestorer.referenceMax else { return .none }
    let known = map.find(reference)
    if !known.isNone { return known }
    // Its samples are told as those of a series without a name.
    guard newSeries.set(packed: LentBytes(packed)) else { return .none }
    let hash = head.hash.hash128(newSeries.fields.bytes)
    let low = UInt32(truncatingIfNeeded: hash.low)
    let shard = head.shards[Int(low & 15)]
    var isNew = false
    let location = shard.state.withLock { state in
      let found = state.find(high: hash.high, low: low)
      if !found.isNone { return found }
      isNew = true
      return state.create(reference: reference, flags: 0, high: hash.high, low: low) ?? .none
    }
    if location.isNone { return .none }
    map.set(reference, location)
    if isNew {
      // Limits are for new series; what is in the log was taken once.
      guard head.index.admit(packed, labelCount: newSeries.labelCount, nil, into: &newSeries.admission) == nil,
        let id = head.index.add(location, packed, &newSeries.admission)
      else { return .none }
      shard.state.withLock { $0.records.pointer(location.slot).pointee.id = id }
      counts.series += 1
    } else {
      let first = shard.state.withLock { $0.records.pointer(location.slot).pointee.reference }
      if first != reference { head.secondReferences.withLock { $0[reference] = first } }
    }
    if let chunks = unclaimed.removeValue(forKey: reference) { attach(chunks, to: location) }
    return location
  }

  /// Gives a series the chunks that files hold for it, oldest first.
  func attach(_ chunks: [SeriesChunk], to location: SeriesLocation) {
    head.shards[location.shard].state.withLock { state in
      let record = state.records.pointer(location.slot)
      var inMemory = state.chunksInMemory(of: record)
      for chunk in chunks {
        counts.chunks += 1
        if let place = inMemory.removeValue(forKey: ChunkExtent(chunk)) {
          state.replaceInMemory(place, by: chunk)
          continue
        }
        guard state.addChunk(chunk, to: record) else { break }
        state.chunkCount += 1
        let isLate = chunk.flags & SeriesChunk.isLate != 0
        if isLate || record.pointee.tail.count > 0 && chunk.end < record.pointee.chunkStart { continue }
        if record.pointee.tail.count > 0,
          chunk.start > record.pointee.chunkStart || chunk.end < record.pointee.tail.lastTime
        {
          // The file holds only a part of the open chunk, or none: the open one is kept as a complete one.
          guard state.completeChunk(record, location.slot) else { break }
          // A later one of the files may be this very chunk.
          inMemory = state.chunksInMemory(of: record)
        }
        if record.pointee.has(HeadSeries.isEmpty) || chunk.end >= record.pointee.tail.lastTime
          || record.pointee.tail.count > 0
        {
          state.closeOpenChunk(of: record, endingAt: max(chunk.end, record.pointee.tail.lastTime))
        }
      }
    }
    for chunk in chunks {
      head.newestTime.max(chunk.end, ordering: .relaxed)
      head.oldestTime.min(chunk.start, ordering: .relaxed)
    }
  }

  /// Tells a series that the log and its files know it under a second reference too.
  func addReference(_ second: UInt64, to first: UInt64) {
    let location = map.find(first)
    if location.isNone || second >= HeadRestorer.referenceMax { return }
    map.set(second, location)
    head.secondReferences.withLock { $0[second] = first }
    if let chunks = unclaimed.removeValue(forKey: second) { attach(chunks, to: location) }
  }

  /// The chunks of a series in files, handed out once.
  func takeUnclaimed(_ reference: UInt64) -> [SeriesChunk]? { unclaimed.removeValue(forKey: reference) }

  func applyHistograms(_ batch: DecodedBatch, _ rows: Range<Int>, areLate: Bool = false) {
    for place in rows {
      let row = batch.columns.histograms[place]
      let location = map.find(row.ref)
      if location.isNone {
        noteUnknown(row.ref)
        continue
      }
      let isFloat = row.kind.isFloatHistogram
      guard row.timestamp >= AppendBounds.timeMin, row.timestamp <= AppendBounds.timeMax,
        let histogram = HistogramPayload.decode(LentBytes(batch.columns.bytes(row.payload)), isFloat: isFloat)
      else { continue }
      restore(row.timestamp, histogram, isFloat: isFloat, isLate: areLate, to: location)
    }
  }

  /// Applies exemplars, except those of ended series: the log does not keep their names as long as their exemplars.
  private func applyExemplars(_ batch: DecodedBatch, _ rows: Range<Int>) {
    for row in batch.columns.exemplars[rows] {
      let location = map.find(row.ref)
      let packed = batch.columns.packedLabels(row.labels)
      if location.isNone {
        noteReference(row.ref)
      } else if Labels(checking: packed) != nil {
        head.restore(NewExemplar(labels: packed, time: row.timestamp, value: row.value.bitPattern), to: location)
      }
    }
  }

  /// Gives a series one histogram, unless it is there, or came in order and is in a block.
  func restore(_ time: Int64, _ histogram: Histogram, isFloat: Bool, isLate: Bool, to location: SeriesLocation) {
    let isTaken = head.shards[location.shard].state.withLock { state in
      if !isLate && time < state.flushedBefore { return false }
      state.histograms.restore(location.slot, time, histogram, isFloat: isFloat, isLate: isLate)
      return true
    }
    counts.samples += 1
    if !isTaken { return }
    head.newestTime.max(time, ordering: .relaxed)
    head.oldestTime.min(time, ordering: .relaxed)
  }

  private func applySamples(_ samples: borrowing SampleColumns, _ rows: Range<Int>) {
    let count = rows.count
    locations.resize(to: count)
    order.resize(to: count)
    var starts = ShardStarts()
    let refs = samples.refs
    for index in 0..<count {
      let location = map.find(refs[rows.lowerBound + index])
      locations[index] = location.raw
      if location.isNone { noteUnknown(refs[rows.lowerBound + index]) } else { starts.add(location.shard) }
    }
    starts.finish()
    for index in 0..<count {
      let location = SeriesLocation(raw: locations[index])
      if !location.isNone { order[starts.place(location.shard)] = UInt32(index) }
    }
    var newest = Int64.min
    var oldest = Int64.max
    for shard in 0..<SeriesLocation.shardCount {
      let range = starts.range(shard)
      if range.isEmpty { continue }
      head.shards[shard].state.withLock { state in
        applyShard(samples, rows.lowerBound, range, &state, &newest, &oldest)
      }
    }
    counts.samples += count
    if newest != .min { head.newestTime.max(newest, ordering: .relaxed) }
    if oldest != .max { head.oldestTime.min(oldest, ordering: .relaxed) }
  }

  /// Applies one shard's samples of a record, with the next ones' cache lines on their way.
  private func applyShard(
    _ samples: borrowing SampleColumns, _ first: Int, _ range: Range<Int>, _ state: inout HeadShard,
    _ newest: inout Int64, _ oldest: inout Int64
  ) {
    let ahead = 16
    let times = samples.timestamps
    let values = samples.values
    for place in range.prefix(ahead) { state.prefetchRecord(slot(place)) }
    for place in range {
      if place + ahead < range.upperBound { state.prefetchRecord(slot(place + ahead)) }
      if place + ahead / 2 < range.upperBound { state.prefetchChunk(slot(place + ahead / 2)) }
      let index = first + Int(order[place])
      let time = times[index]
      guard time >= AppendBounds.timeMin, time <= AppendBounds.timeMax else { continue }
      state.restore(slot(place), time: time, value: values[index].bitPattern)
      newest = max(newest, time)
      oldest = min(oldest, time)
    }
  }

  @inline(__always)
  private func slot(_ place: Int) -> UInt32 { SeriesLocation(raw: locations[Int(order[place])]).slot }

  func noteUnknown(_ reference: UInt64) {
    counts.unknownReferences += 1
    noteReference(reference)
  }

  func noteReference(_ reference: UInt64) {
    if reference < HeadRestorer.referenceMax { highestUnknown = max(highestUnknown, reference) }
  }

  /// References from this one on are damage: a number near the end of their range would leave none for new series.
  static let referenceMax: UInt64 = 1 << 60

  /// Ends the replay: new series are numbered behind all references seen.
  func finish() {
    let highest = max(
      map.highest, unclaimed.keys.filter { $0 < HeadRestorer.referenceMax }.max() ?? 0, highestUnknown)
    head.nextReference.max(highest + 1, ordering: .relaxed)
  }
}

extension HeadShard {
  /// Appends a sample of the log, unless it is there.
  @inline(__always)
  mutating func restore(_ slot: UInt32, time: Int64, value: UInt64) {
    // A block has it.
    if time < flushedBefore { return }
    let record = records.pointer(slot)
    if time > record.pointee.tail.lastTime || record.pointee.has(HeadSeries.isEmpty) {
      _ = appendInOrder(record, slot, time: time, value: value)
    } else if time != record.pointee.tail.lastTime || record.pointee.tail.count == 0 {
      // Without an open chunk the last sample lies in a file, which may be gone.
      restoreUnordered(record, slot, time: time, value: value)
    }
  }

  /// Restores a sample of the log that is not behind its series' last. It is there already; or two bodies wrote it
  /// whose records reached the log in the other order; or it is of a chunk whose file is gone while a later one is
  /// there.
  @inline(never)
  private mutating func restoreUnordered(
    _ record: UnsafeMutablePointer<HeadSeries>, _ slot: UInt32, time: Int64, value: UInt64
  ) {
    var isInFile = false
    forEachChunk(of: record) { chunk in
      let chunk = chunk.pointee
      isInFile = !chunk.isInMemory && chunk.flags & SeriesChunk.isLate == 0 && chunk.start <= time && time <= chunk.end
      return !isInFile
    }
    if isInFile || valueInMemory(record, at: time) != nil { return }
    _ = insertLate(record, slot, time: time, value: value)
  }

  /// The chunks in memory, which a snapshot has brought, by their times and kind.
  func chunksInMemory(
    of record: UnsafeMutablePointer<HeadSeries>
  ) -> [ChunkExtent: UnsafeMutablePointer<SeriesChunk>] {
    var found: [ChunkExtent: UnsafeMutablePointer<SeriesChunk>] = [:]
    forEachChunk(of: record) { chunk in
      if chunk.pointee.isInMemory { found[ChunkExtent(chunk.pointee)] = chunk }
      return true
    }
    return found
  }

  /// Replaces a chunk that the snapshot brought by the same chunk in a file, written since, and frees its memory.
  mutating func replaceInMemory(_ place: UnsafeMutablePointer<SeriesChunk>, by chunk: SeriesChunk) {
    let present = place.pointee
    place.pointee = chunk
    slabs.free(present.offset, present.sizeClass)
  }

  /// Forgets the open chunk: a file holds all of it, up to `time`.
  mutating func closeOpenChunk(of record: UnsafeMutablePointer<HeadSeries>, endingAt time: Int64) {
    if record.pointee.tail.count > 0 { chunkCount -= 1 }
    if record.pointee.slab != 0 { slabs.free(record.pointee.slab, record.pointee.sizeClass) }
    record.pointee.slab = 0
    record.pointee.tail = XORTail(lastTime: time, lastValue: 0, count: 0)
    record.pointee.flags &= ~HeadSeries.isEmpty
    record.pointee.flags |= HeadSeries.lastValueUnknown
  }
}

/// The times of a chunk, and whether it is one of late samples.
struct ChunkExtent: Hashable {
  var start: Int64
  var span: UInt32
  var isLate: Bool

  init(_ chunk: SeriesChunk) {
    start = chunk.start
    span = chunk.span
    isLate = chunk.flags & SeriesChunk.isLate != 0
  }
}
