import Format

/// The blocks that are served at one moment, in the order of their times (and then of their ids). Immutable: whoever holds
/// it reads what it holds, also when the folders of its blocks are gone by then.
package struct BlockSnapshot: Sendable {
  package let blocks: [Block]
  /// Blocks that should be served and cannot be.
  package let missing: [MissingBlock]

  init(_ blocks: [Block] = [], missing: [MissingBlock] = []) {
    self.missing = missing
    self.blocks = blocks.sorted {
      ($0.meta.minTime, $0.meta.maxTime, $0.meta.ulid) < ($1.meta.minTime, $1.meta.maxTime, $1.meta.ulid)
    }
  }

  /// The blocks of which something could not be read since the start.
  package var damaged: [Block] { blocks.filter { $0.unreadable.value > 0 } }

  package var sizeBytes: Int { blocks.reduce(0) { $0 + $1.sizeBytes } }

  /// The end of the youngest block; nil if there is none.
  package var maxTime: Int64? { blocks.map(\.meta.maxTime).max() }

  /// The blocks that may have samples in the closed range.
  package func overlapping(_ range: ClosedRange<Int64>) -> [Block] {
    blocks.filter { $0.meta.minTime <= range.upperBound && $0.meta.maxTime > range.lowerBound }
  }

  /// The same for a query; `notes` records the blocks that are missing there.
  func overlapping(_ range: ClosedRange<Int64>, _ notes: DamageNotes?) -> [Block] {
    if let notes {
      for block in missing where block.overlaps(range) { notes.note(block) }
    }
    return overlapping(range)
  }

  /// This snapshot without some blocks and with others.
  func replacing(_ removed: Set<ULID>, with added: [Block]) -> BlockSnapshot {
    BlockSnapshot(blocks.filter { !removed.contains($0.meta.ulid) } + added, missing: missing)
  }
}
