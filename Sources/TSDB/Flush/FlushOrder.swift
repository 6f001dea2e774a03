import Format
import Model

/// The series of a head that go into a block, in the order of their labels, and the symbols these need, in the order of
/// their bytes. Made anew for each block; owned by one thread.
///
/// Series are compared by the places of their symbols, no bytes are touched. Memory: four bytes for each symbol of the head,
/// eight for each label of a series, twenty for each series.
struct FlushOrder: ~Copyable {
  struct Entry: BitwiseCopyable {
    var id: UInt32
    var location: UInt32
    /// Offset of its labels in `labels`.
    var start: UInt32
    var count: UInt16
  }

  /// The symbols that are used, sorted; their places are the numbers in `labels`.
  private(set) var symbols: SortedSymbols
  /// Places of the symbols of names and values in alternation.
  private var labels = Column<UInt32>(capacity: 1024)
  private(set) var entries: [Entry] = []

  private static var seriesPerVisit: Int { 1024 }

  /// `series`: ids and places of the series wanted. Those that have ended meanwhile are left out.
  init(_ series: [(id: UInt32, location: UInt32)], of index: SeriesIndex) {
    symbols = SortedSymbols([], index.withIndex { $0.symbols.reader }, limit: 0)
    // Symbols may be numbered anew in between, which is rare; then it begins again.
    while !gather(series, index) {}
    rank()
    sort()
  }

  func labels(of entry: Entry) -> UnsafeBufferPointer<UInt32> {
    UnsafeBufferPointer(start: labels.base + Int(entry.start), count: Int(entry.count))
  }

  private mutating func gather(_ series: [(id: UInt32, location: UInt32)], _ index: SeriesIndex) -> Bool {
    labels.removeAll()
    entries.removeAll(keepingCapacity: true)
    entries.reserveCapacity(series.count)
    let reader = index.withIndex { $0.symbols.reader }
    symbols = SortedSymbols([], reader, limit: 0)
    var start = 0
    while start < series.count {
      let end = min(start + FlushOrder.seriesPerVisit, series.count)
      let isSame = index.state.withLock { state in
        guard state.index.symbols.reader.arena === reader.arena else { return false }
        for place in start..<end {
          let first = labels.count
          state.appendSymbols(of: series[place].id, to: &labels)
          if labels.count == first { continue }
          entries.append(
            Entry(
              id: series[place].id, location: series[place].location, start: UInt32(first),
              count: UInt16(labels.count - first)))
        }
        return true
      }
      if !isSame { return false }
      start = end
    }
    return true
  }

  /// Sorts the used symbols and puts their places in the place of their ids.
  private mutating func rank() {
    var highest: UInt32 = 0
    for place in 0..<labels.count { highest = max(highest, labels[place]) }
    var places = Column<UInt32>(capacity: Int(highest) + 1)
    places.resize(to: Int(highest) + 1)
    let base = places.base
    base.update(repeating: 0, count: places.count)
    var used: [SymbolID] = []
    for place in 0..<labels.count where base[Int(labels[place])] == 0 {
      base[Int(labels[place])] = 1
      used.append(labels[place])
    }
    symbols = SortedSymbols(used, symbols.reader, limit: 0)
    for (place, id) in symbols.ids.enumerated() { base[Int(id)] = UInt32(place) }
    let all = labels.base
    for place in 0..<labels.count { all[place] = base[Int(all[place])] }
  }

  private mutating func sort() {
    let all = labels.base
    entries.sort { left, right in
      let (one, two) = (all + Int(left.start), all + Int(right.start))
      let shared = Int(min(left.count, right.count))
      var place = 0
      while place < shared && one[place] == two[place] { place &+= 1 }
      return place == shared ? left.count < right.count : one[place] < two[place]
    }
  }
}
