import Format

/// Chunks made anew of samples that were found again, by the references of the damaged chunks whose place they take. Filled
/// by one thread, then immutable. What it lends is valid as long as it lives.
final class FoundChunks: @unchecked Sendable {
  private struct Place {
    var minTime: Int64
    var maxTime: Int64
    var encoding: UInt8
    var bytes: Range<Int>
  }

  private var bytes = ByteBuffer(capacity: 4096)
  private var places: [UInt64: [Place]] = [:]

  func append(_ piece: ChunkPiece, for reference: UInt64) {
    let start = bytes.count
    bytes.append(piece.bytes)
    places[reference, default: []].append(
      Place(minTime: piece.minTime, maxTime: piece.maxTime, encoding: piece.encoding, bytes: start..<bytes.count))
  }

  /// The pieces that take the chunk's place; nil if nothing was found for it.
  func pieces(of reference: UInt64, rank: Int) -> [ChunkPiece]? {
    places[reference]?.map { place in
      ChunkPiece(
        minTime: place.minTime, maxTime: place.maxTime, encoding: place.encoding,
        bytes: UnsafeRawBufferPointer(rebasing: bytes.bytes[place.bytes]), rank: rank)
    }
  }
}
