import Format
import Model

/// Merges the chunks of histograms of one series. A value, part of a series' merge.
///
/// A chunk that stands alone and has nothing deleted is handed on as it is. Those that overlap, or of which a part is
/// deleted, are decoded, merged by time, each time once, and written anew; where one of them cannot be decoded, all are
/// handed on as they are, since nothing may get lost.
struct HistogramMerge {
  private var pieces: [ChunkPiece] = []

  var isEmpty: Bool { pieces.isEmpty }

  mutating func take(_ piece: ChunkPiece) { pieces.append(piece) }

  struct Merged {
    var whole: [ChunkPiece] = []
    var written: [EncodedHistogramChunk] = []
  }

  /// Merges the chunks taken so far, and forgets them.
  mutating func finish(_ deleted: [DeletedTimes]) -> Merged {
    pieces.sort { ($0.minTime, $0.rank) < ($1.minTime, $1.rank) }
    var merged = Merged()
    var group: [ChunkPiece] = []
    var end = Int64.min
    for piece in pieces {
      if !group.isEmpty && piece.minTime > end {
        HistogramMerge.finish(group, deleted, &merged)
        group.removeAll(keepingCapacity: true)
      }
      if let same = group.last, same.isSame(as: piece), deleted[same.rank] == deleted[piece.rank] { continue }
      group.append(piece)
      end = group.count == 1 ? piece.maxTime : max(end, piece.maxTime)
    }
    if !group.isEmpty { HistogramMerge.finish(group, deleted, &merged) }
    pieces.removeAll(keepingCapacity: true)
    return merged
  }

  private static func finish(_ group: [ChunkPiece], _ deleted: [DeletedTimes], _ merged: inout Merged) {
    if group.count == 1 {
      let gone = deleted[group[0].rank]
      if gone.isEmpty || !gone.coversSome(of: group[0].range) {
        merged.whole.append(group[0])
        return
      }
    }
    var column = HistogramColumn()
    for piece in group.sorted(by: { ($0.rank, $0.minTime) < ($1.rank, $1.minTime) }) {
      let first = column.count
      guard HistogramChunk.decode(piece.bytes, encoding: piece.encoding, into: &column) else {
        merged.whole.append(contentsOf: group)
        return
      }
      let gone = deleted[piece.rank]
      if !gone.isEmpty { column.filter(from: first) { !gone.coversSome(of: $0...$0) } }
    }
    column.sort()
    merged.written.append(contentsOf: HistogramChunk.encode(column))
  }
}
