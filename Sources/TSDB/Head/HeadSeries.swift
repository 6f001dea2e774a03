import Format

// The hot record of one series: everything an append reads or writes, in one cache line.
//
//    0  tail         26 B  the end of the open chunk: last time, last value, last delta, bits, count, window
//   26  flags         1 B
//   27  sizeClass     1 B  of `slab`
//   28  slab          4 B  bytes of the open chunk; 0 while it is "one value at one distance", which needs none
//   32  chunkStart    8 B  first time in the open chunk
//   40  cutAfter      4 B  ms from chunkStart at which the chunk ends
//   44  history       4 B  complete chunks and late samples (`SeriesHistory`); 0: none yet
//   48  reference     8 B  the series' number in the write-ahead log
//   56  id            4 B  the series' number in the index
//   60  reserved      4 B

/// One series of a shard, 64 bytes. Owned by its shard, and so by the shard's mutex.
struct HeadSeries: BitwiseCopyable, Sendable {
  var tail: XORTail
  var flags: UInt8
  var sizeClass: UInt8
  var slab: UInt32
  var chunkStart: Int64
  var cutAfter: UInt32
  var history: UInt32
  var reference: UInt64
  var id: UInt32
  var reserved: UInt32

  /// Set if the log does not hold this series yet: whoever writes to it logs the series too.
  static var isUnlogged: UInt8 { 1 }
  /// Set if the cell is free.
  static var isFree: UInt8 { 2 }
  /// Set once the end of the open chunk has been predicted from its first quarter.
  static var isPredicted: UInt8 { 4 }
  /// Set if no sample has ever been appended in order.
  static var isEmpty: UInt8 { 8 }
  /// Set if the last value of the tail is not known (it lies in a chunk on disk after a start).
  static var lastValueUnknown: UInt8 { 16 }

  init(reference: UInt64, id: UInt32, flags: UInt8) {
    tail = XORTail()
    self.flags = flags
    sizeClass = 0
    slab = 0
    chunkStart = 0
    cutAfter = 0
    history = 0
    self.reference = reference
    self.id = id
    reserved = 0
  }

  func has(_ flag: UInt8) -> Bool { flags & flag != 0 }
}
