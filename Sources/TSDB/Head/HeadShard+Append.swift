import Format

// Appending one sample to one series. The rules are Prometheus's, but that late samples are taken by default and that an
// exact duplicate is a success at any age.
extension HeadShard {
  /// Samples in a chunk that the end prediction aims at, and the most there can be.
  private static var samplesPerChunk: Int { 120 }
  static var samplesPerChunkMax: Int { 240 }
  private static var chunkBytesMax: Int { 1024 }
  /// Chunks do not cross these borders (two hours).
  static var chunkRangeMilliseconds: Int64 { 2 * 3_600_000 }

  /// The first border behind a time.
  static func rangeEnd(of time: Int64) -> Int64 {
    let into = time % chunkRangeMilliseconds
    return time - into + (into < 0 ? 0 : chunkRangeMilliseconds)
  }

  @inline(__always)
  mutating func append(_ slot: UInt32, time: Int64, value: UInt64, _ bounds: AppendBounds) -> SampleOutcome {
    let record = records.pointer(slot)
    if time > record.pointee.tail.lastTime && !record.pointee.has(HeadSeries.isEmpty) {
      guard time <= bounds.newest else { return .tooFarInFuture }
      if time >= bounds.inOrderOldest { return appendInOrder(record, slot, time: time, value: value) }
      return appendLate(record, slot, time: time, value: value, bounds)
    }
    return appendUnusual(record, slot, time: time, value: value, bounds)
  }

  /// Appends the first sample of a series, a duplicate, or a late one.
  @inline(never)
  private mutating func appendUnusual(
    _ record: UnsafeMutablePointer<HeadSeries>, _ slot: UInt32, time: Int64, value: UInt64, _ bounds: AppendBounds
  ) -> SampleOutcome {
    guard time <= bounds.newest else { return .tooFarInFuture }
    if record.pointee.has(HeadSeries.isEmpty) {
      if time >= bounds.inOrderOldest { return appendInOrder(record, slot, time: time, value: value) }
    } else if time == record.pointee.tail.lastTime && !record.pointee.has(HeadSeries.lastValueUnknown) {
      if value == record.pointee.tail.lastValue { return .duplicate }
      return bounds.isSuperseded(time) ? .superseded : .conflict
    } else if bounds.isSuperseded(time) {
      // A replay that is tried again finds its own samples, and logs them again.
      guard let existing = valueInMemory(record, at: time), existing.value == value else { return .superseded }
      return existing.isLate ? .lateDuplicate : .duplicate
    }
    return appendLate(record, slot, time: time, value: value, bounds)
  }

  @inline(__always)
  mutating func appendInOrder(
    _ record: UnsafeMutablePointer<HeadSeries>, _ slot: UInt32, time: Int64, value: UInt64
  ) -> SampleOutcome {
    let count = Int(record.pointee.tail.count)
    if count == 0 { return startChunk(record, time: time, value: value) }
    let end = record.pointee.chunkStart &+ Int64(record.pointee.cutAfter)
    let delta = time &- record.pointee.tail.lastTime
    if time >= end || count >= HeadShard.samplesPerChunkMax || delta > Int64(UInt32.max)
      || record.pointee.tail.byteCount > HeadShard.chunkBytesMax
    {
      guard completeChunk(record, slot) else { return .exhausted }
      return startChunk(record, time: time, value: value)
    }
    if record.pointee.slab == 0 {
      if value == record.pointee.tail.lastValue && (count == 1 || delta == Int64(record.pointee.tail.timeDelta)) {
        record.pointee.tail.timeDelta = UInt32(truncatingIfNeeded: delta)
        record.pointee.tail.lastTime = time
        record.pointee.tail.count &+= 1
        return appended(record, time)
      }
      guard materialize(record) else { return .exhausted }
    }
    while !XORChunk.append(
      time: time, value: value, to: &record.pointee.tail, at: slabs.pointer(record.pointee.slab),
      capacity: SlabArena.bytes(of: record.pointee.sizeClass))
    {
      guard growChunk(record) else { return .exhausted }
    }
    return appended(record, time)
  }

  @inline(__always)
  private mutating func appended(_ record: UnsafeMutablePointer<HeadSeries>, _ time: Int64) -> SampleOutcome {
    samplesAppended &+= 1
    if Int(record.pointee.tail.count) == HeadShard.samplesPerChunk / 4 { predictEnd(record, time) }
    return .accepted
  }

  /// Sets the chunk's end, after a quarter of its samples, so that equal chunks fill the rest of the two hours.
  @inline(never)
  private func predictEnd(_ record: UnsafeMutablePointer<HeadSeries>, _ time: Int64) {
    guard !record.pointee.has(HeadSeries.isPredicted) else { return }
    record.pointee.flags |= HeadSeries.isPredicted
    let start = record.pointee.chunkStart
    let end = start &+ Int64(record.pointee.cutAfter)
    let chunks = Double(end - start) / Double((time - start + 1) * 4)
    if chunks <= 1 { return }
    record.pointee.cutAfter = UInt32(Double(end - start) / chunks.rounded(.down))
  }

  private mutating func startChunk(
    _ record: UnsafeMutablePointer<HeadSeries>, time: Int64, value: UInt64
  ) -> SampleOutcome {
    record.pointee.chunkStart = time
    record.pointee.cutAfter = UInt32(HeadShard.rangeEnd(of: time) - time)
    record.pointee.flags &= ~(HeadSeries.isPredicted | HeadSeries.isEmpty | HeadSeries.lastValueUnknown)
    record.pointee.slab = 0
    record.pointee.tail = XORTail(lastTime: time, lastValue: value, count: 1)
    samplesAppended &+= 1
    chunksCreated &+= 1
    chunkCount &+= 1
    return .accepted
  }

  /// Writes out the bytes of a chunk that was "one value at one distance" until now.
  @inline(never)
  private mutating func materialize(_ record: UnsafeMutablePointer<HeadSeries>) -> Bool {
    let tail = record.pointee.tail
    let bits = XORChunk.constantBitCount(
      firstTime: record.pointee.chunkStart, timeDelta: tail.timeDelta, count: Int(tail.count))
    let sizeClass = SlabArena.sizeClass(for: max(20, (bits + 7) / 8 + 8))
    guard let slab = slabs.allocate(sizeClass) else { return false }
    record.pointee.slab = slab
    record.pointee.sizeClass = sizeClass
    let written = XORChunk.writeConstant(
      tail: &record.pointee.tail, firstTime: record.pointee.chunkStart, at: slabs.pointer(slab),
      capacity: SlabArena.bytes(of: sizeClass))
    precondition(written, "the cell was chosen to hold it")
    return true
  }

  @inline(never)
  private mutating func growChunk(_ record: UnsafeMutablePointer<HeadSeries>) -> Bool {
    let old = record.pointee.slab
    let oldClass = record.pointee.sizeClass
    guard let larger = slabs.allocate(oldClass + 1) else { return false }
    slabs.pointer(larger).update(from: slabs.pointer(old), count: record.pointee.tail.byteCount)
    slabs.free(old, oldClass)
    record.pointee.slab = larger
    record.pointee.sizeClass = oldClass + 1
    return true
  }

  /// Puts the open chunk into the series' list of complete chunks; it waits there to be written to a file.
  mutating func completeChunk(_ record: UnsafeMutablePointer<HeadSeries>, _ slot: UInt32) -> Bool {
    guard record.pointee.tail.count > 0 else { return true }
    if record.pointee.slab == 0 { guard materialize(record) else { return false } }
    let chunk = SeriesChunk(
      start: record.pointee.chunkStart,
      span: UInt32(record.pointee.tail.lastTime - record.pointee.chunkStart), file: SeriesChunk.inMemory,
      offset: record.pointee.slab, byteCount: UInt16(record.pointee.tail.byteCount),
      sizeClass: record.pointee.sizeClass, flags: 0)
    guard addChunk(chunk, to: record) else { return false }
    completed.append(
      CompletedChunk(slot: slot, reference: record.pointee.reference, slab: record.pointee.slab))
    record.pointee.slab = 0
    record.pointee.tail.count = 0
    return true
  }
}
