import Format
import Model

/// Series that matchers selected in the head and in blocks, each once. Immutable; any thread may read from it. What it refers
/// to stays readable as long as it lives.
package struct DatabaseSelection: Sendable {
  private struct Entry {
    var labels: Labels
    var head: HeadSelection?
    /// The first of the series' places in blocks, linked by `next`; -1: none.
    var firstPart: Int32 = -1
    var lastPart: Int32 = -1
  }

  private struct Part {
    var block: UInt32
    var reference: UInt32
    var next: Int32
  }

  private let epoch: ReadEpoch
  private let head: Head
  /// Oldest first.
  private let blocks: [Block]
  /// The notes of whatever cannot be read.
  private let notes: DamageNotes?
  private var entries: [Entry] = []
  private var parts: [Part] = []

  /// The epoch must have been taken before the blocks.
  init(_ epoch: ReadEpoch, _ head: Head, _ blocks: [Block], _ notes: DamageNotes?) {
    self.notes = notes
    self.epoch = epoch
    self.head = head
    self.blocks = blocks
  }

  package var count: Int { entries.count }

  package func labels(_ index: Int) -> Labels { entries[index].labels }

  mutating func fill(
    _ matchers: [CompiledMatcher], from first: Int64, through last: Int64, shouldStop: @escaping () -> Bool
  ) throws(QueryStopped) {
    let found = try head.select(matchers, shouldStop: shouldStop)
    entries.reserveCapacity(found.count)
    for series in found { entries.append(Entry(labels: series.labels, head: series)) }
    if blocks.isEmpty { return }
    var places: [Labels: Int] = [:]
    places.reserveCapacity(entries.count)
    for (place, entry) in entries.enumerated() { places[entry.labels] = place }
    for (number, block) in blocks.enumerated() {
      if block.foundDeletions.isLost { notes?.note(deletionsOf: block.meta.ulid) }
      let references = try block.selectReadable(matchers, notes, shouldStop: shouldStop)
      try add(references, of: block, number, first...last, &places, shouldStop)
    }
  }

  private mutating func add(
    _ references: [UInt32], of block: Block, _ number: Int, _ range: ClosedRange<Int64>, _ places: inout [Labels: Int],
    _ shouldStop: () -> Bool
  ) throws(QueryStopped) {
    var series = DecodedSeries()
    for (visited, reference) in references.enumerated() {
      if visited % DatabaseSelection.seriesBetweenStops == 0 && shouldStop() { throw QueryStopped() }
      guard block.readSeries(reference, into: &series, notes),
        let labels = block.readLabels(of: series, reference, notes)
      else { continue }
      if !series.chunks.contains(where: { $0.minTime <= range.upperBound && $0.maxTime >= range.lowerBound }) {
        continue
      }
      let place = places[labels] ?? entries.count
      if place == entries.count {
        entries.append(Entry(labels: labels, head: nil))
        places[labels] = place
      }
      link(Part(block: UInt32(number), reference: reference, next: -1), to: place)
    }
  }

  private static var seriesBetweenStops: Int { 1024 }

  private mutating func link(_ part: Part, to place: Int) {
    let number = Int32(parts.count)
    parts.append(part)
    if entries[place].lastPart >= 0 {
      parts[Int(entries[place].lastPart)].next = number
    } else {
      entries[place].firstPart = number
    }
    entries[place].lastPart = number
  }

  /// Reads the samples of a series between two times, both included. What cannot be read is left out, counted and noted.
  package func read(
    _ index: Int, from first: Int64, through last: Int64, _ scratch: inout DatabaseReadScratch,
    into samples: inout SeriesSamples
  ) {
    let entry = entries[index]
    if entry.firstPart < 0, let series = entry.head {
      return head.read(series, from: first, through: last, &scratch.head, into: &samples)
    }
    samples.removeAll()
    var next = entry.firstPart
    while next >= 0 {
      let part = parts[Int(next)]
      let block = blocks[Int(part.block)]
      if block.readSeries(part.reference, into: &scratch.series, notes) {
        block.read(scratch.series, part.reference, from: first, through: last, into: &samples, notes)
      }
      next = part.next
    }
    if let series = entry.head {
      head.read(series, from: first, through: last, &scratch.head, into: &scratch.samples)
      samples.append(scratch.samples)
    }
    samples.sortByTime()
    samples.clip(first, last)
  }
}

/// One reader's scratch for one series after another.
package struct DatabaseReadScratch: ~Copyable, Sendable {
  var head = HeadReadScratch()
  var series = DecodedSeries()
  var samples = SeriesSamples()

  package init() {}
}

extension Database {
  /// The series that every matcher accepts, with what there is of them between two times, both included. Some may turn
  /// out to have no samples there. `notes` records what cannot be read, here and when samples are read.
  package func select(
    _ matchers: [CompiledMatcher], from first: Int64, through last: Int64, notes: DamageNotes? = nil,
    shouldStop: @escaping () -> Bool = { false }
  ) throws(QueryStopped) -> DatabaseSelection {
    // In this order: what leaves the head after the epoch was taken is in the blocks, or stays until the epoch is given back.
    let epoch = epoch.withLock { $0 }
    let covering = first <= last ? blocks.current.overlapping(first...last, notes) : []
    var selection = DatabaseSelection(epoch, head, covering, notes)
    try selection.fill(matchers, from: first, through: last, shouldStop: shouldStop)
    return selection
  }
}
