import Model

// Interns byte strings (label names and values): equal bytes get the same id, ids are dense and stable until `compact`.
// One owner, one thread at a time; what was interned can be read from any thread through `reader`.
//
// The slots are in 64 tables, chosen by the low bits of the hash, each of which grows on its own: no single intern pays for
// a million slots.
package struct SymbolTable: ~Copyable, @unchecked Sendable {
  private var arena = SymbolArena()
  private let tables: UnsafeMutablePointer<SymbolSlots>
  private let hash: KeyedHash

  private static let tableCount = 64

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

  /// The number of symbols, the empty one included; every id is below it.
  package var count: Int { arena.count }

  /// Memory in use: strings, locations, slots.
  package var byteCount: Int {
    (0..<SymbolTable.tableCount).reduce(arena.byteCount) { $0 + tables[$1].byteCount }
  }

  package var reader: SymbolReader { SymbolReader(arena: arena) }

  /// The id of `bytes`, new or known; nil where the table is full (4 GiB of strings), which is a limit to report.
  package mutating func intern(_ bytes: UnsafeRawBufferPointer) -> SymbolID? {
    let hash = hash.hash(bytes)
    if let id = find(bytes, hash) { return id }
    guard let id = arena.append(bytes) else { return nil }
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

  /// The bytes of a symbol; valid until `compact` or the end of the table.
  package func bytes(of id: SymbolID) -> UnsafeRawBufferPointer {
    precondition(Int(id) < arena.count, "an unknown symbol")
    return arena.bytes(of: id)
  }

  /// Marks an id that `compact` did not keep.
  package static let dropped = SymbolID.max

  /// Drops the symbols that nobody uses any more and numbers the others anew, in their order. Returns the new id for each
  /// old one, `dropped` for the rest; the owner renames what it keeps. Readers made before still read the old ids.
  package mutating func compact(keeping isLive: (SymbolID) -> Bool) -> [SymbolID] {
    let kept = SymbolArena()
    var renamed = [SymbolID](repeating: SymbolTable.dropped, count: arena.count)
    for id in 0..<SymbolID(arena.count) where id == 0 || isLive(id) {
      guard let new = kept.append(arena.bytes(of: id)) else { preconditionFailure("a part is larger than the whole") }
      renamed[Int(id)] = new
    }
    for index in 0..<SymbolTable.tableCount {
      var fresh = SymbolSlots()
      tables[index].forEach { bits, id in
        if renamed[Int(id)] != SymbolTable.dropped { fresh.insert(bits, renamed[Int(id)]) }
      }
      tables[index] = fresh
    }
    arena = kept
    return renamed
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
    precondition(seen == arena.count, "\(seen) slots for \(arena.count) symbols")
  }
}
