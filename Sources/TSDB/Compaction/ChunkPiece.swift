import Format

/// A chunk on its way from blocks into a block. Its bytes belong to a mapped file or to the merge's scratch.
struct ChunkPiece {
  /// The times of its first and last sample.
  var minTime: Int64
  var maxTime: Int64
  var encoding: UInt8
  var bytes: UnsafeRawBufferPointer
  /// The rank of the merged block it comes from: of equal times the sample of the lower rank counts.
  var rank = 0
  /// Within a rank, the same.
  var sequence: UInt32 = 0

  /// The number of samples; every encoding of Prometheus begins with it.
  var sampleCount: Int { XORChunk.count(of: bytes) ?? 0 }

  var range: ClosedRange<Int64> { minTime...maxTime }

  func isSame(as other: ChunkPiece) -> Bool {
    minTime == other.minTime && maxTime == other.maxTime && encoding == other.encoding
      && bytes.count == other.bytes.count && bytes.elementsEqual(other.bytes)
  }
}
