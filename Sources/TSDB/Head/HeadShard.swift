import CShims
import Format
import Model

/// One sixteenth of the head: a small single-threaded database of series records, their names and their chunk bytes.
/// Owned by a `Mutex`; no I/O and no other lock while it is held. Not copyable.
///
/// Invariants: a record in use is named by at least one entry of `spellings`; `tail.count == 0` exactly where a series
/// has no open chunk; `slab == 0` with `tail.count > 0` means that all its samples have `tail.lastValue` at distances
/// of `tail.timeDelta`.
struct HeadShard: ~Copyable, @unchecked Sendable {
  let number: Int
  var records = RecordArena()
  var slabs = SlabArena()
  var spellings = SpellingTable()
  var histograms = ShardHistograms()
  /// Chunks that are complete and wait to be written to a file.
  var completed: [CompletedChunk] = []
  /// In-order samples before this are in a block or on their way there: from here on such a sample is a late one.
  var flushedBefore = Int64.min
  var samplesAppended = 0
  /// Late samples of flushed times since the last flush; a large histogram counts as several.
  var lateSinceFlush = 0
  var chunksCreated = 0
  var chunkCount = 0

  init(number: Int) { self.number = number }

  /// The living series of a name that has its series in this shard; `.none` also where that series has ended.
  func find(high: UInt64, low: UInt32) -> SeriesLocation {
    let location = spellings.find(high: high, low: low)
    if location.isNone || location.shard != number { return .none }
    return records.pointer(location.slot).pointee.has(HeadSeries.isFree) ? .none : location
  }

  @inline(__always)
  func prefetchRecord(_ slot: UInt32) { apus_prefetch_for_write(records.pointer(slot)) }

  /// Asks for the place where the next sample of the series will be written.
  @inline(__always)
  func prefetchChunk(_ slot: UInt32) {
    let record = records.pointer(slot)
    if record.pointee.slab != 0 {
      apus_prefetch_for_write(slabs.pointer(record.pointee.slab) + Int(record.pointee.tail.bitCount &>> 3))
    }
  }

  /// A new series without samples, named by `high`, `low`. Nil if memory or slots are exhausted.
  mutating func create(reference: UInt64, flags: UInt8, high: UInt64, low: UInt32) -> SeriesLocation? {
    guard records.slotCount < Int(SeriesLocation.slotMax), let slot = records.allocate() else { return nil }
    let location = SeriesLocation(shard: number, slot: slot)
    records.pointer(slot).pointee = HeadSeries(
      reference: reference, id: 0, flags: flags | HeadSeries.isEmpty)
    spellings.insert(high: high, low: low, location)
    return location
  }
}

/// A chunk on its way into a head-chunk file.
struct CompletedChunk: Sendable {
  var slot: UInt32
  /// The series' log reference, and the proof that the slot still is that series.
  var reference: UInt64
  var slab: UInt32
}
