import Format
import Model

/// Finds the intact chunks of a file and the places between them where there are none. Behind a damaged place the scan
/// goes on with the next bytes that are a chunk with the right checksum, so that damage costs what it hit. Zeros to the
/// end of the file are its end. Pure; one pass, and bounded work for the search behind damage.
struct HeadChunkScan {
  /// Bytes that belong to no intact chunk.
  struct Damage: Equatable {
    var offset: Int
    var bytes: Int
  }

  /// Bytes that may be put through a checksum while chunks are searched behind damage; a file that needs more was made
  /// to need it.
  static let searchBytesMax = 1 << 30

  private(set) var damages: [Damage] = []
  private(set) var chunkCount = 0
  /// The offset behind the last intact chunk.
  private(set) var end = HeadChunkLayout.fileHeaderBytes
  private(set) var hasHeader: Bool
  private var searchBytesLeft = HeadChunkScan.searchBytesMax

  /// Calls `body` for each intact chunk, in order.
  init(_ file: LentBytes, number: Int, _ body: (HeadChunkInfo) -> Void) {
    hasHeader = HeadChunkLayout.hasFileHeader(file.raw)
    var offset = HeadChunkLayout.fileHeaderBytes
    while offset < file.count {
      if let chunk = HeadChunkLayout.chunk(at: HeadChunkRef(file: number, offset: offset), in: file.raw),
        HeadChunkLayout.hasRightChecksum(chunk, in: file.raw)
      {
        body(chunk)
        chunkCount += 1
        offset = chunk.data.upperBound + HeadChunkLayout.checksumBytes
        end = offset
        continue
      }
      guard let next = search(file, number, from: offset + 1) else {
        if file[offset...].contains(where: { $0 != 0 }) {
          damages.append(Damage(offset: offset, bytes: file.count - offset))
        }
        return
      }
      damages.append(Damage(offset: offset, bytes: next - offset))
      offset = next
    }
  }

  /// True if nothing follows on the damage but the end of the file: then it may be what was being written when the power
  /// went.
  var isTornOnly: Bool { hasHeader && damages.count == 1 && damages[0].offset >= end }

  /// The next offset with a chunk that is one beyond doubt.
  private mutating func search(_ file: LentBytes, _ number: Int, from start: Int) -> Int? {
    let last = file.count - HeadChunkLayout.chunkHeaderBytesMin - HeadChunkLayout.checksumBytes
    var offset = start
    while offset <= last {
      // Refs are far below 2^56: this byte alone rules out most places.
      if file[offset] == 0, let chunk = HeadChunkScan.candidate(file, number, offset) {
        searchBytesLeft -= chunk.data.upperBound - offset
        if searchBytesLeft < 0 { return nil }
        if HeadChunkLayout.hasRightChecksum(chunk, in: file.raw) { return offset }
      }
      offset += 1
    }
    return nil
  }

  /// A chunk at `offset`, plausible by its header; nil if there is none.
  private static func candidate(_ file: LentBytes, _ number: Int, _ offset: Int) -> HeadChunkInfo? {
    guard let chunk = HeadChunkLayout.chunk(at: HeadChunkRef(file: number, offset: offset), in: file.raw),
      chunk.series < HeadChunkLayout.seriesMax, chunk.maxTime >= chunk.minTime, (1...3).contains(chunk.encoding),
      chunk.data.count >= 2, chunk.data.count <= HeadChunkBatch.chunkBytesMax
    else { return nil }
    return chunk
  }
}
