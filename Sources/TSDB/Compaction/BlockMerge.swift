import Format
import Model
import Platform

/// Merges blocks into one new block, series by series in the order of their labels. Used once, by one thread.
///
/// What is held in memory at a time is one series' list of chunks and what the writer keeps for the index; chunks go from
/// the parents' mapped files to the new file. Parents stay as they are; the caller removes them.
package struct BlockMerge {
  /// The time for which each series' samples are kept.
  package struct Retention {
    package var rules: RetentionRules
    package var newestTime: Int64

    package init(rules: RetentionRules, newestTime: Int64) {
      self.rules = rules
      self.newestTime = newestTime
    }
  }

  let parents: [Block]
  let retention: Retention?
  let now: Int64
  /// Takes the place of damaged chunks of the only parent.
  let found: FoundChunks?
  let random: RandomNumbers
  let shouldStop: () -> Bool

  /// - Parameters:
  ///   - retention: nil: samples leave only by tombstones.
  ///   - shouldStop: asked for each series; true ends the merge with `stopped`.
  package init(
    _ parents: [Block], retention: Retention? = nil, now: Int64, random: RandomNumbers = RandomNumbers(),
    shouldStop: @escaping () -> Bool = { false }
  ) {
    self.init(parents, retention: retention, now: now, random: random, found: nil, shouldStop: shouldStop)
  }

  init(
    _ parents: [Block], retention: Retention? = nil, now: Int64, random: RandomNumbers, found: FoundChunks?,
    shouldStop: @escaping () -> Bool
  ) {
    precondition(found == nil || parents.count == 1, "what was found is that of one block")
    self.found = found
    precondition(!parents.isEmpty, "there is something to merge")
    self.parents = parents
    self.retention = retention
    self.now = now
    self.random = random
    self.shouldStop = shouldStop
  }
}

extension BlockMerge {
  /// Writes the block and returns its description; nil, and no block, if nothing is left of the parents. On an error
  /// nothing has changed but for a folder whose name says that it is rubbish.
  package func run(in root: String, on disk: any Disk) throws(BlockError) -> BlockMeta? {
    var random = random
    let ulid = ULID(milliseconds: now, using: &random)
    var writer = try BlockWriter(disk, root: root, ulid: ulid)
    do throws(BlockError) {
      let tombstones = try write(into: &writer)
      return try writer.finish(BlockMeta.merged(parents.map(\.meta), as: ulid), tombstones: tombstones)
    } catch {
      writer.abandon()
      throw error
    }
  }

  /// Writes symbols and series; returns the deletions that are still in chunks which the merge took over unchanged.
  private func write(into writer: inout BlockWriter) throws(BlockError) -> Tombstones {
    let parents = parents
    let symbols = try SymbolUnion(counts: parents.map(\.index.symbolCount)) { (block, number) throws(BlockError) in
      guard let symbol = parents[block].index.symbol(number) else {
        throw .corrupt(path: parents[block].directory + "/index", reason: "a symbol cannot be read")
      }
      return symbol
    } add: { (bytes) throws(BlockError) in
      try writer.addSymbol(bytes)
    }
    var cursors: [BlockMergeCursor] = []
    for (rank, parent) in parents.enumerated() {
      cursors.append(try BlockMergeCursor(parent, rank: rank, numbers: symbols.numbers[rank], found))
    }
    var series = ChunkMerge()
    var kept = Tombstones()
    var pieces: [ChunkPiece] = []
    var deleted = Array(repeating: DeletedTimes(), count: parents.count)
    while let smallest = BlockMerge.smallest(cursors) {
      if shouldStop() { throw .stopped }
      let labels = cursors[smallest].labels
      var firstKept = Int64.min
      if let retention { firstKept = retention.firstKeptTime(of: try cursors[smallest].namedLabels()) }
      pieces.removeAll(keepingCapacity: true)
      for rank in cursors.indices where cursors[rank].labels == labels {
        deleted[rank] = cursors[rank].deletedTimes
        deleted[rank].add(before: firstKept)
        try cursors[rank].appendPieces(to: &pieces, deleted: deleted[rank])
        try cursors[rank].advance()
      }
      do throws(ChunkDamage) {
        try series.merge(pieces, deleted: deleted)
      } catch {
        throw .corrupt(path: parents[error.rank].directory + "/chunks", reason: "a chunk cannot be decoded")
      }
      try write(series, labels, into: &writer, &kept)
    }
    return kept
  }

  private func write(
    _ series: borrowing ChunkMerge, _ labels: [UInt32], into writer: inout BlockWriter, _ kept: inout Tombstones
  ) throws(BlockError) {
    if series.chunks.isEmpty { return }
    writer.beginSeries(labels)
    for chunk in series.chunks {
      try writer.addChunk(
        minTime: chunk.minTime, maxTime: chunk.maxTime, encoding: chunk.encoding, sampleCount: chunk.sampleCount,
        chunk.bytes)
    }
    guard let reference = try writer.endSeries() else { return }
    for interval in series.keptDeletions.intervals { kept.add(interval, to: reference) }
  }

  /// The cursor whose series comes next; nil when all are at their ends. Blocks are few, so looking at each is quick.
  private static func smallest(_ cursors: [BlockMergeCursor]) -> Int? {
    var smallest: Int?
    for rank in cursors.indices where !cursors[rank].isAtEnd {
      if let present = smallest, !cursors[rank].labels.lexicographicallyPrecedes(cursors[present].labels) { continue }
      smallest = rank
    }
    return smallest
  }
}

extension BlockMerge.Retention {
  func firstKeptTime(of labels: Labels) -> Int64 { rules.firstKeptTime(of: labels, newestTime: newestTime) }
}
