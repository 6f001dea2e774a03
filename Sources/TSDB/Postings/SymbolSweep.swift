/// Drops the symbols of a head index that no series uses any more, in short steps under the index's lock: `step` until it says
/// done, `copy` without the lock, `finish`. Between the turns the index is used as ever, but no series is removed.
///
/// Whoever interned symbols before the sweep began and has not added its series yet has to intern them anew.
struct SymbolSweep: ~Copyable {
  /// For each id there was at the beginning, true once the sweep knows that its symbol stays.
  private var live: [Bool]
  private let arena: SymbolArena
  private var copied: SymbolArena?
  // Where the next step goes on.
  private var name = 0
  private var namesRemoved: Int
  private var table = 0

  /// - Parameter pinned: symbols that stay whether a series uses them or not.
  init(_ index: inout HeadIndex, pinned: [SymbolID] = []) {
    index.symbols.beginSweep()
    live = Array(repeating: false, count: index.symbols.idLimit)
    live[0] = true
    for id in pinned { live[Int(id)] = true }
    arena = index.symbols.reader.arena
    namesRemoved = index.postings.namesRemoved
  }

  /// Marks what one label name uses; behind the last name, makes what is dead in a part of the table impossible to find.
  /// True when all is done.
  mutating func step(_ index: inout HeadIndex) -> Bool {
    if index.postings.namesRemoved != namesRemoved {
      // Names have changed places: one may have been passed over.
      namesRemoved = index.postings.namesRemoved
      name = 0
    }
    if name < index.postings.nameCount {
      index.postings.markSymbols(ofNameAt: name, in: &live)
      name += 1
      return false
    }
    index.symbols.sweep(table: table, &live)
    table += 1
    return table == SymbolTable.tableCount
  }

  /// Copies what is alive; without the lock.
  mutating func copy() { copied = arena.copy(below: live.count) { live[Int($0)] } }

  /// Puts the copy in place.
  mutating func finish(_ index: inout HeadIndex) {
    guard let copied else { preconditionFailure("a sweep is finished before it has copied") }
    index.symbols.finishSweep(copied)
  }
}
