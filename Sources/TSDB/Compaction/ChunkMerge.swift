import Format

/// A chunk that has to be decoded and cannot be.
struct ChunkDamage: Error, Equatable, CustomStringConvertible {
  /// The rank of the merged block that holds it.
  var rank: Int

  var description: String { "a chunk of merged block \(rank) cannot be read" }
}

/// Merges the chunks of one series. Owned by one merge, reused from series to series.
///
/// Chunks that stand alone are handed on as they are. Those that overlap, that have deleted times, or that are so small
/// that two fit into one are decoded, merged by time, each time once, and written anew. So are histograms, but for small
/// chunks, which stay (`HistogramMerge`). What cannot be decoded here is handed on whole and only leaves when all of its
/// time is deleted.
/// Invariant: what is held are samples and pieces no earlier than everything that was handed on.
struct ChunkMerge: ~Copyable {
  /// Twice what the head cuts: a chunk costs about 25 bytes beside its samples, and old samples are read in long ranges.
  static let samplesPerChunk = 240
  /// More held samples than this are written out as far as they are complete.
  static let heldSamplesMax = 1 << 16
  /// The largest distance of two samples in a chunk that is written.
  private static let timeDeltaMax: Int64 = Int64(UInt32.max)

  /// The merged chunks of the present series, in the order of their first times. Their bytes are valid until the next
  /// merge, as long as those that were handed in are.
  private(set) var chunks: [ChunkPiece] = []
  /// Deleted times that are still in the chunks, because they lie within chunks that are handed on unchanged.
  private(set) var keptDeletions = DeletedTimes()

  private var written = ByteBuffer(capacity: 4096)
  /// Offset in `written` of each chunk's bytes; nil for one that is handed on.
  private var writtenOffsets: [Int?] = []
  private var samples = SeriesSamples()
  private var held: [ChunkPiece] = []
  private var heldCount = 0
  private var heldMax = ChunkMerge.heldSamplesMax
  private var heldMaxTime = Int64.min
  private var isRewriting = false
  private var histograms = HistogramMerge()

  init() {}

  /// Merges pieces in any order.
  /// - Parameter deleted: by rank what is deleted of that block's samples; the others of the same time stay.
  mutating func merge(_ pieces: [ChunkPiece], deleted: [DeletedTimes]) throws(ChunkDamage) {
    begin()
    var previousWhole: ChunkPiece?
    let isSorted = zip(pieces, pieces.dropFirst()).allSatisfy { $0.minTime <= $1.minTime }
    for piece in isSorted ? pieces : pieces.sorted(by: { ($0.minTime, $0.rank) < ($1.minTime, $1.rank) }) {
      let gone = deleted[piece.rank]
      if !gone.isEmpty, gone.coversAll(of: piece.range) { continue }
      if piece.encoding == XORChunk.encoding {
        try take(piece, deleted)
      } else if HistogramChunk.isHistogram(encoding: piece.encoding) {
        histograms.take(piece)
      } else if previousWhole.map({ $0.isSame(as: piece) && deleted[$0.rank] == gone }) != true {
        handOn(piece)
        for interval in gone.clamped(to: piece.range).intervals { keptDeletions.add(interval) }
        previousWhole = piece
      }
    }
    try finishHeld(deleted)
    let hasHistograms = !histograms.isEmpty
    if hasHistograms { mergeHistograms(deleted) }
    settle()
    if previousWhole != nil || hasHistograms { chunks.sort { ($0.minTime, $0.maxTime) < ($1.minTime, $1.maxTime) } }
  }

  private mutating func mergeHistograms(_ deleted: [DeletedTimes]) {
    let merged = histograms.finish(deleted)
    for piece in merged.whole {
      handOn(piece)
      for interval in deleted[piece.rank].clamped(to: piece.range).intervals { keptDeletions.add(interval) }
    }
    for chunk in merged.written {
      let offset = written.count
      written.append(chunk.bytes)
      var piece = ChunkPiece(
        minTime: chunk.minTime, maxTime: chunk.maxTime, encoding: chunk.encoding,
        bytes: UnsafeRawBufferPointer(start: nil, count: 0))
      piece.bytes = UnsafeRawBufferPointer(rebasing: written.bytes[offset...])
      chunks.append(piece)
      writtenOffsets.append(offset)
    }
  }

  /// Makes chunks of samples that come from elsewhere: a few runs of rising times.
  mutating func encode(_ fill: (inout SeriesSamples) -> Void) {
    begin()
    fill(&samples)
    samples.mergeRuns()
    writeChunks(samples.count)
    settle()
  }

  private mutating func begin() {
    chunks.removeAll(keepingCapacity: true)
    writtenOffsets.removeAll(keepingCapacity: true)
    written.removeAll()
    keptDeletions = DeletedTimes()
    clearHeld()
  }

  /// Sets the place of each written chunk's bytes, now that they do not move any more.
  private mutating func settle() {
    for index in chunks.indices {
      guard let offset = writtenOffsets[index] else { continue }
      let end = offset + chunks[index].bytes.count
      chunks[index].bytes = UnsafeRawBufferPointer(rebasing: written.bytes[offset..<end])
    }
  }

  private mutating func take(_ piece: ChunkPiece, _ deleted: [DeletedTimes]) throws(ChunkDamage) {
    let hasDeletions = !deleted[piece.rank].isEmpty && deleted[piece.rank].coversSome(of: piece.range)
    let count = piece.sampleCount
    if heldCount > 0 {
      if piece.minTime <= heldMaxTime {
        if isHeld(piece, deleted) { return }
        isRewriting = true
        if heldCount > heldMax { try writeHeld(before: piece.minTime, deleted) }
      } else if heldCount + count <= ChunkMerge.samplesPerChunk,
        (1..<ChunkMerge.timeDeltaMax).contains(piece.minTime &- heldMaxTime)
      {
        isRewriting = true
      } else {
        try finishHeld(deleted)
      }
    }
    held.append(piece)
    heldCount += count
    heldMaxTime = max(heldMaxTime, piece.maxTime)
    isRewriting = isRewriting || hasDeletions
  }

  /// True if another block has given the same chunk already.
  private func isHeld(_ piece: ChunkPiece, _ deleted: [DeletedTimes]) -> Bool {
    for other in held.reversed() {
      if other.minTime < piece.minTime { return false }
      if other.isSame(as: piece), deleted[other.rank] == deleted[piece.rank] { return true }
    }
    return false
  }

  private mutating func finishHeld(_ deleted: [DeletedTimes]) throws(ChunkDamage) {
    if isRewriting {
      try decodeHeld(deleted)
      writeChunks(samples.count)
    } else {
      for piece in held { handOn(piece) }
    }
    clearHeld()
  }

  /// Writes the held samples that no later piece can add to. Only full chunks, so that the border leaves no small one.
  private mutating func writeHeld(before time: Int64, _ deleted: [DeletedTimes]) throws(ChunkDamage) {
    try decodeHeld(deleted)
    let complete = samples.countBefore(time) / ChunkMerge.samplesPerChunk * ChunkMerge.samplesPerChunk
    writeChunks(complete)
    samples.removeFirst(complete)
    heldCount = samples.count
    // Where little could be written, the next look comes later each time: a look goes over all that is held.
    heldMax = max(ChunkMerge.heldSamplesMax, 2 * heldCount)
  }

  private mutating func decodeHeld(_ deleted: [DeletedTimes]) throws(ChunkDamage) {
    held.sort { ($0.rank, $0.sequence, $0.minTime) < ($1.rank, $1.sequence, $1.minTime) }
    for piece in held {
      let first = samples.count
      if !samples.append(chunk: piece.bytes) { throw ChunkDamage(rank: piece.rank) }
      samples.remove(deleted[piece.rank], from: first)
    }
    held.removeAll(keepingCapacity: true)
    samples.mergeRuns()
  }

  private mutating func clearHeld() {
    held.removeAll(keepingCapacity: true)
    samples.removeAll()
    heldCount = 0
    heldMax = ChunkMerge.heldSamplesMax
    heldMaxTime = .min
    isRewriting = false
  }

  private mutating func handOn(_ piece: ChunkPiece) {
    chunks.append(piece)
    writtenOffsets.append(nil)
  }

  /// Writes the first `count` samples into as few chunks as they need, of about the same size.
  private mutating func writeChunks(_ count: Int) {
    let chunkCount = (count + ChunkMerge.samplesPerChunk - 1) / ChunkMerge.samplesPerChunk
    var start = 0
    for left in stride(from: chunkCount, to: 0, by: -1) {
      let end = start + (count - start + left - 1) / left
      while start < end { start = writeChunk(start, end) }
    }
  }

  /// Writes one chunk from `start` on; returns where it ended.
  private mutating func writeChunk(_ start: Int, _ end: Int) -> Int {
    let capacity = 32 + (end - start) * (XORChunk.sampleBitsMax + 7) / 8
    let offset = written.count
    var tail = XORTail()
    var next = start + 1
    let (times, values) = (samples.times.base, samples.values.base)
    written.write(room: capacity) { room in
      let base = room.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
      XORChunk.start(time: times[start], value: values[start], tail: &tail, at: base, capacity: capacity)
      while next < end, (1..<ChunkMerge.timeDeltaMax).contains(times[next] &- times[next - 1]),
        XORChunk.append(time: times[next], value: values[next], to: &tail, at: base, capacity: capacity)
      {
        next += 1
      }
      return tail.byteCount
    }
    let bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    var chunk = ChunkPiece(minTime: times[start], maxTime: times[next - 1], encoding: XORChunk.encoding, bytes: bytes)
    chunk.bytes = UnsafeRawBufferPointer(rebasing: written.bytes[offset...])
    chunks.append(chunk)
    writtenOffsets.append(offset)
    return next
  }
}
