import Format

// Samples that are not behind their series' last one, or of a time that has been flushed: exact duplicates of what is in
// memory, conflicts, and late samples, which are kept sorted beside the open chunk and become chunks of their own when
// there are many. Where a late sample has another value than one that is there, the first to come counts; it is refused
// as a conflict where that is seen at once, and left out when chunks are merged elsewhere.
extension HeadShard {
  @inline(never)
  mutating func appendLate(
    _ record: UnsafeMutablePointer<HeadSeries>, _ slot: UInt32, time: Int64, value: UInt64, _ bounds: AppendBounds
  ) -> SampleOutcome {
    if let existing = valueInMemory(record, at: time) {
      if existing.value != value { return .conflict }
      return existing.isLate ? .lateDuplicate : .duplicate
    }
    guard bounds.takesLate else { return time < bounds.inOrderOldest ? .outOfBounds : .outOfOrder }
    guard time >= bounds.lateOldest else { return .tooOld }
    return insertLate(record, slot, time: time, value: value)
  }

  /// Inserts a late sample; also how the log's late samples come back at a start. Costs the same in any order of times.
  mutating func insertLate(
    _ record: UnsafeMutablePointer<HeadSeries>, _ slot: UInt32, time: Int64, value: UInt64
  ) -> SampleOutcome {
    guard let history = ensureHistory(of: record) else { return .exhausted }
    var count = Int(history.pointee.lateCount)
    var place = count
    if count > 0 {
      let samples = lateSamples(history)
      if samples[count - 1].time >= time {
        place = HeadShard.place(of: time, in: samples, count)
        if samples[place].time == time { return samples[place].value == value ? .lateDuplicate : .conflict }
      }
      if count == SeriesHistory.lateSamplesMax {
        guard completeLate(record, slot) else { return .exhausted }
        (count, place) = (0, 0)
      }
    }
    guard growLate(history, to: count + 1) else { return .exhausted }
    let room = lateSamples(history)
    if place < count { (room + place + 1).update(from: room + place, count: count - place) }
    (room + place).initialize(to: LateSample(time: time, value: value))
    history.pointee.lateCount = UInt16(count + 1)
    samplesAppended &+= 1
    lateSinceFlush &+= time < flushedBefore ? 1 : 0
    return .late
  }

  /// The first of sorted samples that is not before `time`.
  private static func place(of time: Int64, in samples: UnsafePointer<LateSample>, _ count: Int) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if samples[middle].time < time { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The most chunks of a series that a late sample is compared with. Queries and flushes find what is in other chunks
  /// when they merge them. Keeps late samples at one cost in any order.
  private static var chunksSeenMax: Int { 40 }
  /// The most of them that are decoded for a late sample where the series has more.
  private static var chunksDecodedMax: Int { 2 }

  /// The bits of the sample at `time` where it lies in the open chunk or in one of the newest chunks not yet in a file, and
  /// whether that is one of late samples.
  func valueInMemory(
    _ record: UnsafeMutablePointer<HeadSeries>, at time: Int64
  ) -> (value: UInt64, isLate: Bool)? {
    let tail = record.pointee.tail
    if tail.count > 0, time >= record.pointee.chunkStart, time <= tail.lastTime {
      if record.pointee.slab == 0 {
        if time == record.pointee.chunkStart || time == tail.lastTime { return (tail.lastValue, false) }
        let into = time - record.pointee.chunkStart
        if tail.timeDelta > 0 && into % Int64(tail.timeDelta) == 0 { return (tail.lastValue, false) }
      } else if let found = value(in: slabs.pointer(record.pointee.slab), byteCount: tail.byteCount, at: time) {
        return (found, false)
      }
      // Where it is not in the open chunk, a late chunk may have it.
    }
    guard let history = history(of: record), time <= history.pointee.newestTime else { return nil }
    var found: (value: UInt64, isLate: Bool)?
    var seen = 0
    var left = history.pointee.chunkCount > HeadShard.chunksSeenMax ? HeadShard.chunksDecodedMax : .max
    forEachChunk(of: record) { chunk in
      seen += 1
      if chunk.pointee.isInMemory, chunk.pointee.start <= time, time <= chunk.pointee.end {
        left -= 1
        let bytes = slabs.pointer(chunk.pointee.offset)
        found = value(in: bytes, byteCount: Int(chunk.pointee.byteCount), at: time).map {
          ($0, chunk.pointee.flags & SeriesChunk.isLate != 0)
        }
      }
      return found == nil && seen < HeadShard.chunksSeenMax && left > 0
    }
    return found
  }

  private func value(in chunk: UnsafeMutablePointer<UInt8>, byteCount: Int, at time: Int64) -> UInt64? {
    let bytes = UnsafeRawBufferPointer(start: chunk, count: byteCount)
    guard let count = XORChunk.count(of: bytes), count > 0 else { return nil }
    return withUnsafeTemporaryAllocation(of: Int64.self, capacity: count) { times in
      withUnsafeTemporaryAllocation(of: UInt64.self, capacity: count) { values in
        guard let timeBase = times.baseAddress, let valueBase = values.baseAddress else { return nil }
        let decoded = XORChunk.decode(bytes, times: timeBase, values: valueBase)
        var low = 0
        var high = decoded
        while low < high {
          let middle = (low + high) / 2
          if timeBase[middle] < time { low = middle + 1 } else { high = middle }
        }
        return low < decoded && timeBase[low] == time ? valueBase[low] : nil
      }
    }
  }

  func lateSamples(_ history: UnsafeMutablePointer<SeriesHistory>) -> UnsafeMutablePointer<LateSample> {
    UnsafeMutableRawPointer(slabs.pointer(history.pointee.late)).assumingMemoryBound(to: LateSample.self)
  }

  private mutating func growLate(_ history: UnsafeMutablePointer<SeriesHistory>, to count: Int) -> Bool {
    let needed = count * MemoryLayout<LateSample>.stride
    if history.pointee.late != 0, SlabArena.bytes(of: history.pointee.lateClass) >= needed { return true }
    // Doubling keeps the copies few; the bound of 32 samples is 512 bytes.
    let sizeClass = SlabArena.sizeClass(for: max(needed, min(2 * needed, 512)))
    guard let larger = slabs.allocate(sizeClass) else { return false }
    UnsafeMutableRawPointer(slabs.pointer(larger)).bindMemory(to: LateSample.self, capacity: count)
    if history.pointee.late != 0 {
      slabs.pointer(larger).update(
        from: slabs.pointer(history.pointee.late), count: SlabArena.bytes(of: history.pointee.lateClass))
      slabs.free(history.pointee.late, history.pointee.lateClass)
    }
    history.pointee.late = larger
    history.pointee.lateClass = sizeClass
    return true
  }

  /// Makes chunks of the late samples, one for each two hours, and empties their cell. False if memory is exhausted;
  /// those that are not in a chunk stay.
  mutating func completeLate(_ record: UnsafeMutablePointer<HeadSeries>, _ slot: UInt32) -> Bool {
    guard let history = history(of: record), history.pointee.lateCount > 0 else { return true }
    let samples = lateSamples(history)
    let count = Int(history.pointee.lateCount)
    var start = 0
    while start < count {
      let border = HeadShard.rangeEnd(of: samples[start].time)
      var end = start + 1
      while end < count && samples[end].time < border { end += 1 }
      if !addLateChunk(UnsafeBufferPointer(start: samples + start, count: end - start), record, slot) {
        samples.update(from: samples + start, count: count - start)
        history.pointee.lateCount = UInt16(count - start)
        return false
      }
      start = end
    }
    history.pointee.lateCount = 0
    return true
  }

  /// Gives the cell of late samples back; it must be empty.
  mutating func freeLateCell(_ record: UnsafeMutablePointer<HeadSeries>) {
    guard let history = history(of: record), history.pointee.late != 0 else { return }
    precondition(history.pointee.lateCount == 0, "late samples are in chunks before their cell goes")
    slabs.free(history.pointee.late, history.pointee.lateClass)
    history.pointee.late = 0
    history.pointee.lateClass = 0
  }

  private mutating func addLateChunk(
    _ samples: UnsafeBufferPointer<LateSample>, _ record: UnsafeMutablePointer<HeadSeries>, _ slot: UInt32
  ) -> Bool {
    // 32 samples of at most 19 bytes fit the largest cell; the chunk then moves to one of its size.
    let largest = UInt8(SlabArena.sizes.count - 1)
    guard let work = slabs.allocate(largest) else { return false }
    var tail = XORTail()
    let capacity = SlabArena.bytes(of: largest)
    XORChunk.start(
      time: samples[0].time, value: samples[0].value, tail: &tail, at: slabs.pointer(work), capacity: capacity)
    for sample in samples.dropFirst() {
      let fits = XORChunk.append(
        time: sample.time, value: sample.value, to: &tail, at: slabs.pointer(work), capacity: capacity)
      precondition(fits, "32 samples fit the largest cell")
    }
    let sizeClass = SlabArena.sizeClass(for: tail.byteCount)
    guard let cell = slabs.allocate(sizeClass) else {
      slabs.free(work, largest)
      return false
    }
    slabs.pointer(cell).update(from: slabs.pointer(work), count: tail.byteCount)
    slabs.free(work, largest)
    let chunk = SeriesChunk(
      start: samples[0].time, span: UInt32(tail.lastTime - samples[0].time), file: SeriesChunk.inMemory, offset: cell,
      byteCount: UInt16(tail.byteCount), sizeClass: sizeClass, flags: SeriesChunk.isLate)
    guard addChunk(chunk, to: record) else {
      slabs.free(cell, sizeClass)
      return false
    }
    completed.append(CompletedChunk(slot: slot, reference: record.pointee.reference, slab: cell))
    chunksCreated &+= 1
    chunkCount &+= 1
    return true
  }
}

/// One late sample in its cell.
struct LateSample: BitwiseCopyable {
  var time: Int64
  var value: UInt64
}
