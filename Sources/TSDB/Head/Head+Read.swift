import Format
import Model
import Platform

/// A series of the head as a query sees it.
package struct HeadSelection: Sendable {
  package var id: UInt32
  package var labels: Labels
  var location: SeriesLocation
}

/// One reader's scratch for one series after another.
package struct HeadReadScratch: ~Copyable, Sendable {
  /// Bytes of chunks that are in memory, copied out under the lock.
  var bytes = ByteBuffer(capacity: 1024)
  /// The chunks to decode: once sorted, in-order chunks by time, then late ones in the order in which they were made.
  var pieces: [Piece] = []
  var late: [LateSample] = []
  /// The series' reference in the log.
  var reference: UInt64 = 0
  /// The series' histograms; mostly none.
  var histograms: [EncodedHistogramChunk] = []

  struct Piece {
    var chunk: SeriesChunk
    /// The chunk's bytes in the scratch's `bytes`; nil: it is in a file, or `constant`.
    var range: Range<Int>?
    /// A chunk of equal values that owns no bytes.
    var constant: XORTail?
  }

  package init() {}
}

extension Head {
  /// Reads the samples of a series between two times, both included. It leaves out, logs and counts what it cannot
  /// read.
  package func read(
    _ series: HeadSelection, from first: Int64, through last: Int64, _ scratch: inout HeadReadScratch,
    into samples: inout SeriesSamples
  ) {
    samples.removeAll()
    shards[series.location.shard].state.withLock { state in
      copyOut(series, &state, first, last, &scratch)
    }
    scratch.sortPieces()
    for piece in scratch.pieces {
      if let tail = piece.constant {
        samples.appendConstant(tail, from: piece.chunk.start)
      } else if let range = piece.range {
        if !samples.append(chunk: UnsafeRawBufferPointer(rebasing: scratch.bytes.bytes[range])) {
          log.error("A chunk in memory does not decode", ["series": "\(series.labels)"])
        }
      } else {
        files.readChunk(piece.chunk, into: &samples)
      }
    }
    for sample in scratch.late { samples.append(time: sample.time, value: sample.value) }
    for chunk in scratch.histograms {
      let isWhole = chunk.bytes.withUnsafeBytes {
        HistogramChunk.decode($0, encoding: chunk.encoding, into: &samples.histograms)
      }
      if !isWhole { log.error("A chunk of histograms in memory does not decode", ["series": "\(series.labels)"]) }
    }
    samples.sortByTime()
    samples.clip(first, last)
    if let deleted = deletions.times(of: scratch.reference) { samples.remove(deleted, from: 0) }
  }

  /// The series' reference in the log; nil if the series has ended.
  func reference(of series: HeadSelection) -> UInt64? {
    shards[series.location.shard].state.withLock { state in
      let record = state.records.pointer(series.location.slot)
      return record.pointee.id == series.id ? record.pointee.reference : nil
    }
  }

  /// Under the shard's lock: copies what is in memory and notes what is in files.
  private func copyOut(
    _ series: HeadSelection, _ state: inout HeadShard, _ first: Int64, _ last: Int64,
    _ scratch: inout HeadReadScratch
  ) {
    scratch.bytes.removeAll()
    scratch.pieces.removeAll(keepingCapacity: true)
    scratch.late.removeAll(keepingCapacity: true)
    if !scratch.histograms.isEmpty { scratch.histograms = [] }
    let record = state.records.pointer(series.location.slot)
    guard record.pointee.id == series.id, !record.pointee.has(HeadSeries.isFree) else { return }
    scratch.reference = record.pointee.reference

    if !state.histograms.isEmpty {
      scratch.histograms = state.histograms.chunks(series.location.slot, from: first, through: last)
    }
    let tail = record.pointee.tail
    if tail.count > 0, record.pointee.chunkStart <= last, tail.lastTime >= first {
      let chunk = SeriesChunk(
        start: record.pointee.chunkStart, span: UInt32(tail.lastTime - record.pointee.chunkStart),
        file: SeriesChunk.inMemory, offset: record.pointee.slab, byteCount: 0, sizeClass: 0, flags: 0)
      if record.pointee.slab == 0 {
        scratch.pieces.append(.init(chunk: chunk, range: nil, constant: tail))
      } else {
        scratch.copy(chunk, state.slabs.pointer(record.pointee.slab), tail.byteCount)
      }
    }
    state.forEachChunk(of: record) { chunk in
      let chunk = chunk.pointee
      if chunk.start <= last && chunk.end >= first {
        if chunk.isInMemory {
          scratch.copy(chunk, state.slabs.pointer(chunk.offset), Int(chunk.byteCount))
        } else {
          scratch.pieces.append(.init(chunk: chunk, range: nil, constant: nil))
        }
      }
      return true
    }
    if let history = state.history(of: record), history.pointee.lateCount > 0 {
      let late = state.lateSamples(history)
      for index in 0..<Int(history.pointee.lateCount) where late[index].time >= first && late[index].time <= last {
        scratch.late.append(late[index])
      }
    }
  }
}

extension HeadReadScratch {
  /// Sorts the pieces: in-order chunks by time, then late ones in the order in which they were made, so that of two
  /// samples of one time the first to come counts. Chunks are found newest first, so that it mostly is enough to turn
  /// them round.
  fileprivate mutating func sortPieces() {
    pieces.reverse()
    var isSorted = true
    for index in pieces.indices.dropFirst() where HeadReadScratch.precedes(pieces[index], pieces[index - 1]) {
      isSorted = false
      break
    }
    if !isSorted { pieces.sort(by: HeadReadScratch.precedes) }
  }

  private static func precedes(_ left: Piece, _ right: Piece) -> Bool {
    let leftLate = left.chunk.flags & SeriesChunk.isLate
    let rightLate = right.chunk.flags & SeriesChunk.isLate
    if leftLate != rightLate { return leftLate < rightLate }
    return leftLate == 0 && left.chunk.start < right.chunk.start
  }

  fileprivate mutating func copy(_ chunk: SeriesChunk, _ start: UnsafeMutablePointer<UInt8>, _ count: Int) {
    let offset = bytes.count
    bytes.append(UnsafeRawBufferPointer(start: start, count: count))
    pieces.append(.init(chunk: chunk, range: offset..<(offset + count), constant: nil))
  }
}

extension Head {
  /// Series whose labels and places are looked up in one visit to the index.
  private static var seriesPerVisitMax: Int { 1024 }

  /// The series that every matcher accepts, in the order they were made. At least one matcher should not match the empty
  /// value; otherwise that is every series there is.
  package func select(
    _ matchers: [CompiledMatcher], shouldStop: @escaping () -> Bool = { false }
  ) throws(QueryStopped) -> [HeadSelection] {
    let selection = try PostingsSelection.select(matchers, in: index, deferring: true, shouldStop: shouldStop)
    var found: [HeadSelection] = []
    found.reserveCapacity(selection.ids.count)
    var start = 0
    while start < selection.ids.count {
      if shouldStop() { throw QueryStopped() }
      let end = min(start + Head.seriesPerVisitMax, selection.ids.count)
      index.describe(selection.ids[start..<end], into: &found)
      start = end
    }
    if !selection.deferred.isEmpty {
      found.removeAll { series in !selection.deferred.allSatisfy { $0.matches(series.labels) } }
    }
    return found
  }
}

extension SeriesIndex {
  /// Appends the id, labels and location of each series; leaves out those that have ended meanwhile.
  func describe(_ ids: ArraySlice<UInt32>, into found: inout [HeadSelection]) {
    var packed: [UInt8] = []
    state.withLock { state in
      for id in ids where state.packedLabels(of: id, into: &packed) {
        let location = SeriesLocation(raw: state.entries[Int(id)].location)
        found.append(HeadSelection(id: id, labels: Labels(packed: packed), location: location))
      }
    }
  }
}
