import Format
import Model

/// A series in the blocks of a snapshot. Immutable.
package struct BlockSeries: Sendable {
  package let labels: Labels
  /// The series' block and reference there, in the order of the blocks.
  fileprivate(set) var places: [(block: Block, reference: UInt32)]

  /// The samples from `first` through `last`, each time once; of two at one time that of the earlier block. Chunks that
  /// are no floats are left out and counted by their block.
  package func read(from first: Int64, through last: Int64, into samples: inout SeriesSamples) throws(BlockError) {
    samples.removeAll()
    var series = DecodedSeries()
    for place in places {
      guard place.block.index.read(place.reference, into: &series) else {
        throw .corrupt(path: place.block.directory + "/index", reason: "a series is damaged")
      }
      place.block.read(series, place.reference, from: first, through: last, into: &samples)
    }
    samples.sortByTime()
    samples.clip(first, last)
  }
}

extension BlockSnapshot {
  /// The series that one of the selectors names, in the order of their labels; all series where there is no selector.
  package func series(
    _ selectors: [[CompiledMatcher]], in range: ClosedRange<Int64>
  ) throws(BlockError) -> [BlockSeries] {
    var found: [Labels: BlockSeries] = [:]
    for block in overlapping(range) {
      var references = Set<UInt32>()
      if selectors.isEmpty { references.formUnion(try block.allSeries()) }
      for selector in selectors { references.formUnion(try block.select(selector)) }
      for reference in references {
        let labels = try block.labels(of: reference)
        found[labels, default: BlockSeries(labels: labels, places: [])].places.append((block, reference))
      }
    }
    return found.values.sorted { $0.labels < $1.labels }
  }
}
