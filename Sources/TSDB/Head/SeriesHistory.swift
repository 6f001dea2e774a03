// What a series has beside its open chunk, in one 32-byte cell of the shard's slabs:
//
//    0  newest        4 B  the newest block of the list of complete chunks
//    4  late          4 B  cell of the late samples, sorted by time, (time, value) of 16 bytes each
//    8  lateCount     2 B
//   10  lateClass     1 B  size class of `late`
//   11  (unused)
//   12  chunkCount    4 B  complete chunks in the list, late ones included
//   16  newestTime    8 B  last time in any complete chunk
//   24  (unused)
//
// The list is made of 256-byte blocks, newest first, each with up to ten chunks in the order they were completed.

/// See above. Trivial; lives in a slab cell, owned by the shard.
struct SeriesHistory: BitwiseCopyable {
  var newest: UInt32 = 0
  var late: UInt32 = 0
  var lateCount: UInt16 = 0
  var lateClass: UInt8 = 0
  var reserved: UInt8 = 0
  var chunkCount: UInt32 = 0
  var newestTime: Int64 = .min

  /// Late samples in memory before they become a chunk; Prometheus's bound.
  static let lateSamplesMax = 32
}

/// A complete chunk of the head: in a head-chunk file, or in a slab cell until it is written there.
package struct SeriesChunk: BitwiseCopyable, Sendable {
  package var start: Int64
  /// `end - start`: a chunk spans less than 2^32 ms.
  package var span: UInt32
  /// File sequence number; `inMemory` while `offset` is a slab reference.
  var file: UInt32
  var offset: UInt32
  /// Bytes in memory, where it still is there.
  var byteCount: UInt16
  var sizeClass: UInt8
  var flags: UInt8

  static let inMemory = UInt32.max
  static let isLate: UInt8 = 1
  /// Set while a writer is about to put it into a file.
  static let isBeingWritten: UInt8 = 2
  /// Set if all its samples are in a block, or in one that is being written.
  static let isFlushed: UInt8 = 4
  /// Set if the chunk cannot be read and the log does not hold it any more; its file was set aside.
  static let isLost: UInt8 = 8

  package var end: Int64 { start &+ Int64(span) }
  var isInMemory: Bool { file == SeriesChunk.inMemory }
}

/// A block of the chunk list: 16 bytes of head, ten chunks of 24.
struct SeriesChunkBlock: BitwiseCopyable {
  var older: UInt32 = 0
  var count: UInt32 = 0
  var reserved: UInt64 = 0

  static let chunksMax = 10
  static let bytes = 256
}
