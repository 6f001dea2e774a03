import Format
import Model
import Platform

/// A complete chunk of the head that cannot be read.
struct UnreadableHeadChunk: Sendable {
  var location: SeriesLocation
  /// The id of the series, and the proof that the series still is there.
  var id: UInt32
  var chunk: SeriesChunk
}

/// Reads the samples of unreadable chunks from the log and puts them back into the head, from where they go to a file once
/// more. Used by one thread, for a bounded number of chunks at a time; appends and queries go on.
struct ChunkRecovery: ~Copyable {
  /// Chunks brought back in one reading of the log.
  static let chunksMax = 4096

  private let head: Head
  private let wanted: [UnreadableHeadChunk]
  private var byLocation: [UInt32: [Int]] = [:]
  /// The wanted series by their references in the log.
  private var locations: [UInt64: UInt32] = [:]
  /// The samples found for each wanted chunk: here those in order, in `late` the late ones.
  private var inOrder: [[Int64: UInt64]]
  private var late: [[Int64: UInt64]]
  private var newSeries = NewSeries()

  /// The outcome for the chunks.
  struct Outcome {
    var recovered = 0
    /// The log does not hold all of these.
    var lost: [UnreadableHeadChunk] = []
    /// The log has them, and there is no place for them at present.
    var postponed = 0
  }

  init(_ head: Head, _ wanted: [UnreadableHeadChunk]) {
    self.head = head
    self.wanted = wanted
    inOrder = Array(repeating: [:], count: wanted.count)
    late = inOrder
    for (number, one) in wanted.enumerated() { byLocation[one.location.raw, default: []].append(number) }
    for raw in byLocation.keys {
      let location = SeriesLocation(raw: raw)
      let reference = head.shards[location.shard].state.withLock { $0.records.pointer(location.slot).pointee.reference }
      locations[reference] = raw
    }
  }

  /// `quarantine`: where copies of damaged segments would go; nothing in the log is changed.
  mutating func run(quarantine: String) throws(WALError) -> Outcome {
    takeReadable()
    try read(head.files.wal, isLate: false, quarantine)
    try read(head.files.wbl, isLate: true, quarantine)
    var outcome = Outcome()
    for number in wanted.indices { replace(number, &outcome) }
    head.files.chunksRecovered.add(outcome.recovered)
    return outcome
  }

  /// A chunk may only lie behind damage.
  private mutating func takeReadable() {
    var samples = SeriesSamples()
    for (number, one) in wanted.enumerated() where !one.chunk.isInMemory {
      guard let chunk = try? head.files.chunks.read(head.files.reference(of: one.chunk)) else { continue }
      samples.removeAll()
      guard chunk.withData({ samples.append(chunk: $0) }) else { continue }
      var found: [Int64: UInt64] = [:]
      for place in 0..<samples.count { found[samples.times[place]] = samples.values[place] }
      if one.chunk.flags & SeriesChunk.isLate != 0 { late[number] = found } else { inOrder[number] = found }
    }
  }

  private mutating func read(_ log: WriteAheadLog, isLate: Bool, _ quarantine: String) throws(WALError) {
    // What is written from here on is of samples that are in memory.
    let present = try log.cutSegment()
    let replay = try WALReplay(
      log.directory, before: present, quarantine: quarantine, damage: .passedOver, log: head.log, metrics: log.metrics)
    let batch = DecodedBatch()
    while try replay.next(into: batch) {
      for section in batch.columns.sections {
        if section.kind == .series {
          for row in batch.columns.series[section.rows] { note(row.ref, batch.columns.packedLabels(row.labels)) }
        } else if section.kind == .samples {
          take(batch.columns.samples, section.rows, isLate)
        }
      }
    }
  }

  /// The log may know a series under several numbers.
  private mutating func note(_ reference: UInt64, _ packed: UnsafeRawBufferPointer) {
    if locations[reference] != nil { return }
    guard newSeries.set(packed: LentBytes(packed)) else { return }
    let hash = head.hash.hash128(newSeries.fields.bytes)
    let low = UInt32(truncatingIfNeeded: hash.low)
    let location = head.shards[Int(low & 15)].state.withLock { $0.find(high: hash.high, low: low) }
    if byLocation[location.raw] != nil { locations[reference] = location.raw }
  }

  private mutating func take(_ samples: borrowing SampleColumns, _ rows: Range<Int>, _ isLate: Bool) {
    for row in rows {
      guard let location = locations[samples.refs[row]], let numbers = byLocation[location] else { continue }
      let time = samples.timestamps[row]
      for number in numbers where wanted[number].chunk.start <= time && time <= wanted[number].chunk.end {
        // Of two for one time the first was kept.
        if isLate {
          if late[number][time] == nil { late[number][time] = samples.values[row].bitPattern }
        } else if inOrder[number][time] == nil {
          inOrder[number][time] = samples.values[row].bitPattern
        }
      }
    }
  }

  /// A chunk begins and ends with a sample, and the log is shortened at its beginning: what has both has all.
  private func isWhole(_ samples: [Int64: UInt64], _ chunk: SeriesChunk) -> Bool {
    samples[chunk.start] != nil && samples[chunk.end] != nil
  }

  private mutating func replace(_ number: Int, _ outcome: inout Outcome) {
    let one = wanted[number]
    let isLate = one.chunk.flags & SeriesChunk.isLate != 0
    // A start may have read late samples from the log of those in order.
    let samples =
      !isLate
      ? inOrder[number]
      : isWhole(late[number], one.chunk)
        ? late[number] : late[number].merging(inOrder[number]) { late, _ in late }
    let sorted = samples.sorted { $0.key < $1.key }
    let replacement = head.shards[one.location.shard].state.withLock { state -> ChunkReplacement in
      let record = state.records.pointer(one.location.slot)
      guard record.pointee.id == one.id, !record.pointee.has(HeadSeries.isFree) else { return .gone }
      return sorted.isEmpty ? .done : state.replace(one.chunk, of: record, one.location.slot, by: sorted)
    }
    switch replacement {
    case .gone: break
    case .postponed: outcome.postponed += 1
    case .done: if isWhole(samples, one.chunk) { outcome.recovered += 1 } else { outcome.lost.append(one) }
    }
    inOrder[number] = [:]
    late[number] = [:]
  }
}

private enum ChunkReplacement: Sendable { case done, gone, postponed }

extension HeadShard {
  /// Puts samples in the place of a complete chunk; they wait to be written to a file. Postponed where memory is exhausted, or
  /// the chunk is on its way to a file: then it stays.
  fileprivate mutating func replace(
    _ chunk: SeriesChunk, of record: UnsafeMutablePointer<HeadSeries>, _ slot: UInt32,
    by samples: [(key: Int64, value: UInt64)]
  ) -> ChunkReplacement {
    var isThere = false
    forEachChunk(of: record) { candidate in
      isThere = candidate.pointee.isSame(as: chunk) && candidate.pointee.flags & SeriesChunk.isBeingWritten == 0
      return !isThere
    }
    guard isThere, var pieces = encode(samples, isLate: chunk.flags & SeriesChunk.isLate) else { return .postponed }
    let first = pieces.removeFirst()
    forEachChunk(of: record) { candidate in
      guard candidate.pointee.isSame(as: chunk) else { return true }
      candidate.pointee = first
      return false
    }
    if chunk.isInMemory { slabs.free(chunk.offset, chunk.sizeClass) }
    completed.append(CompletedChunk(slot: slot, reference: record.pointee.reference, slab: first.offset))
    for piece in pieces {
      guard addChunk(piece, to: record) else {
        slabs.free(piece.offset, piece.sizeClass)
        return .postponed
      }
      chunkCount += 1
      completed.append(CompletedChunk(slot: slot, reference: record.pointee.reference, slab: piece.offset))
    }
    return .done
  }

  /// Chunks in memory, as many as the samples need; nil if memory is exhausted.
  private mutating func encode(_ samples: [(key: Int64, value: UInt64)], isLate: UInt8) -> [SeriesChunk]? {
    let largest = UInt8(SlabArena.sizes.count - 1)
    var made: [SeriesChunk] = []
    var next = 0
    while next < samples.count {
      guard let cell = slabs.allocate(largest) else {
        for chunk in made { slabs.free(chunk.offset, chunk.sizeClass) }
        return nil
      }
      let (base, capacity) = (slabs.pointer(cell), SlabArena.bytes(of: largest))
      var tail = XORTail()
      let start = samples[next].key
      XORChunk.start(time: start, value: samples[next].value, tail: &tail, at: base, capacity: capacity)
      next += 1
      while next < samples.count, Int(tail.count) < HeadShard.samplesPerChunkMax,
        samples[next].key - tail.lastTime < Int64(UInt32.max),
        XORChunk.append(time: samples[next].key, value: samples[next].value, to: &tail, at: base, capacity: capacity)
      {
        next += 1
      }
      made.append(
        SeriesChunk(
          start: start, span: UInt32(tail.lastTime - start), file: SeriesChunk.inMemory, offset: cell,
          byteCount: UInt16(tail.byteCount), sizeClass: largest, flags: isLate))
    }
    return made
  }
}

extension SeriesChunk {
  fileprivate func isSame(as other: SeriesChunk) -> Bool {
    file == other.file && offset == other.offset && start == other.start && span == other.span
  }
}
