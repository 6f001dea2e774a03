import Model

// Interns byte strings (label names and values): equal bytes get the same id, which it keeps until a sweep finds that nobody
// uses it any more. One owner, one thread at a time; what was interned can be read from any thread through `reader`.
//
// The slots are in 64 tables, chosen by the low bits of the hash, each of which grows on its own: no single intern pays for
// a million slots.
package struct SymbolTable: ~Copyable, @unchecked Sendable {
  private var arena = SymbolArena()
  private let tables: UnsafeMutablePointer<SymbolSlots>
  private let hash: KeyedHash
  /// Ids below it are being swept; 0: no sweep is under way.
  private var sweepLimit = 0
  /// The ids below it that somebody has asked for and no step of the sweep has marked yet.
  private var touched: [SymbolID] = []

  static let tableCount = 64

  package init(hash: KeyedHash) {
    self.hash = hash
    tables = .allocate(capacity: SymbolTable.tableCount)
    for index in 0..<SymbolTable.tableCount { (tables + index).initialize(to: SymbolSlots()) }
    let empty = intern(UnsafeRawBufferPointer(start: nil, count: 0))
    precondition(empty == 0, "the empty string is symbol 0")
  }

  deinit {
    tables.deinitialize(count: SymbolTable.tableCount)
    tables.deallocate()
  }

  /// Every id is below it.
  package var idLimit: Int { arena.count }

  /// The number of symbols, the empty one included.
  package var count: Int { arena.symbolCount }

  /// Memory in use: strings, locations, slots.
  package var byteCount: Int {
    (0..<SymbolTable.tableCount).reduce(arena.byteCount) { $0 + tables[$1].byteCount }
  }

  package var reader: SymbolReader { SymbolReader(arena: arena) }

  /// The id of `bytes`, new or known; nil if the table is full (4 GiB of strings), which is a limit to report.
  package mutating func intern(_ bytes: UnsafeRawBufferPointer) -> SymbolID? {
    let hash = hash.hash(bytes)
    if let id = find(bytes, hash) {
      if id < sweepLimit { touched.append(id) }
      return id
    }
    // A sweep takes what is below its limit for what was there when it began.
    guard let id = arena.append(bytes, reusesIDs: sweepLimit == 0) else { return nil }
    tables[SymbolTable.table(hash)].insert(SymbolTable.bits(hash), id)
    return id
  }

  /// The id of `bytes` if it has one.
  package func find(_ bytes: UnsafeRawBufferPointer) -> SymbolID? {
    find(bytes, hash.hash(bytes))
  }

  package mutating func intern(_ text: String) -> SymbolID? {
    var text = text
    return text.withUTF8 { intern(UnsafeRawBufferPointer($0)) }
  }

  package func find(_ text: String) -> SymbolID? {
    var text = text
    return text.withUTF8 { find(UnsafeRawBufferPointer($0)) }
  }

  /// The bytes of a symbol; valid until a sweep or the end of the table.
  package func bytes(of id: SymbolID) -> UnsafeRawBufferPointer {
    precondition(Int(id) < arena.count, "an unknown symbol")
    return arena.bytes(of: id)
  }

  // A sweep drops the symbols that nobody uses, in turns between which the table is used as ever:
  //   1. `beginSweep`; then the owner marks what its users hold,
  //   2. `sweep(table:)` for each of the tables: what is not marked can no longer be found, and gets a new id if it comes again,
  //   3. the owner copies what is left, `reader.arena.copy(...)`, without the lock,
  //   4. `finishSweep`: the copy takes the arena's place, and dropped ids are given out anew.
  // Readers made before have the old arena; they must not look at ids that they learn under the lock afterwards.

  /// Begins a sweep of all symbols there are now.
  mutating func beginSweep() {
    sweepLimit = arena.count
    touched.removeAll()
  }

  /// Makes what is dead impossible to find in one of the tables. What was asked for since the sweep began lives.
  mutating func sweep(table index: Int, _ live: inout [Bool]) {
    for id in touched { live[Int(id)] = true }
    touched.removeAll(keepingCapacity: true)
    var fresh = SymbolSlots()
    tables[index].forEach { bits, id in
      if Int(id) >= live.count || live[Int(id)] { fresh.insert(bits, id) }
    }
    tables[index] = fresh
  }

  /// Takes the copy of what is alive over, with what has come since the sweep began.
  mutating func finishSweep(_ copy: SymbolArena) {
    for id in SymbolID(sweepLimit)..<SymbolID(arena.count) { copy.keep(arena.bytes(of: id), as: id) }
    arena = copy
    sweepLimit = 0
    touched = []
  }

  @inline(__always) private func find(_ bytes: UnsafeRawBufferPointer, _ hash: UInt64) -> SymbolID? {
    tables[SymbolTable.table(hash)].find(SymbolTable.bits(hash)) { equalBytes(arena.bytes(of: $0), bytes) }
  }

  @inline(__always) private static func table(_ hash: UInt64) -> Int { Int(hash & UInt64(tableCount - 1)) }

  @inline(__always) private static func bits(_ hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: hash &>> 32) }
}

extension SymbolTable {
  /// Walks everything; for tests.
  package func checkInvariants() {
    var seen = 0
    for index in 0..<SymbolTable.tableCount {
      tables[index].forEach { bits, id in
        let bytes = arena.bytes(of: id)
        let hash = hash.hash(bytes)
        precondition(SymbolTable.bits(hash) == bits && SymbolTable.table(hash) == index, "hash bits of symbol \(id)")
        precondition(find(bytes) == id, "symbol \(id) is not found")
        seen += 1
      }
    }
    precondition(seen == count, "\(seen) slots for \(count) symbols")
  }
}
