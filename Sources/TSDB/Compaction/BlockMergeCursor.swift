import Format
import Model

/// The place of a merge in one of its blocks: a series, in the order of labels. Belongs to the merge.
struct BlockMergeCursor {
  private let block: Block
  private let rank: Int
  /// For each of the block's symbols its number in the union.
  private let numbers: [UInt32]
  /// Chunks that take the place of damaged ones.
  private let found: FoundChunks?
  private let references: IndexPostings
  private var place = 0
  private var series = DecodedSeries()

  /// Numbers of the union's symbols for names and values in alternation; nothing at the end. Their order is that of the labels.
  private(set) var labels: [UInt32] = []

  init(_ block: Block, rank: Int, numbers: [UInt32], _ found: FoundChunks? = nil) throws(BlockError) {
    self.found = found
    self.block = block
    self.rank = rank
    self.numbers = numbers
    references = try block.everySeries()
    try read()
  }

  var isAtEnd: Bool { place == references.count }

  private var reference: UInt32 { references[place] }

  /// Deleted times of the series.
  var deletedTimes: DeletedTimes {
    block.tombstones.isEmpty ? DeletedTimes() : DeletedTimes(block.tombstones.intervals(of: UInt64(reference)))
  }

  func namedLabels() throws(BlockError) -> Labels {
    guard let labels = block.labels(series.labels) else { throw fault("a series has an unknown symbol") }
    return labels
  }

  /// Appends the series' chunks, except those whose samples are all deleted. Their bytes live as long as the block.
  func appendPieces(to pieces: inout [ChunkPiece], deleted: DeletedTimes) throws(BlockError) {
    for chunk in series.chunks {
      if !deleted.isEmpty, deleted.coversAll(of: chunk.minTime...chunk.maxTime) { continue }
      guard let (encoding, data) = block.chunk(chunk.reference) else {
        if let replacements = found?.pieces(of: chunk.reference, rank: rank) {
          pieces.append(contentsOf: replacements)
          continue
        }
        throw .corrupt(path: block.directory + "/chunks", reason: "a chunk is damaged")
      }
      pieces.append(
        ChunkPiece(minTime: chunk.minTime, maxTime: chunk.maxTime, encoding: encoding, bytes: data, rank: rank))
    }
  }

  mutating func advance() throws(BlockError) {
    place += 1
    try read()
  }

  private mutating func read() throws(BlockError) {
    if isAtEnd {
      labels.removeAll()
      return
    }
    guard block.index.read(reference, into: &series) else { throw fault("a series is damaged") }
    let previous = labels
    labels.removeAll(keepingCapacity: true)
    for symbol in series.labels { labels.append(numbers[Int(symbol)]) }
    guard previous.lexicographicallyPrecedes(labels) else { throw fault("series are out of order") }
  }

  private func fault(_ reason: String) -> BlockError { .corrupt(path: block.directory + "/index", reason: reason) }
}
