#if canImport(Glibc)
  import Glibc
#endif
import Model

// Interns byte strings (label names and values): equal bytes get the same id, ids are dense and stable until `compact`.
// One owner, one thread at a time; what was interned can be read from any thread through `reader`.
//
// Slots are open-addressed words `hash bits (32) | id + 1 (32)`, 0 for an empty one. A slot's place is given by the *top*
// bits of its hash bits, so growing walks both tables in order and needs neither the strings nor their hashes.
package struct SymbolTable: ~Copyable, @unchecked Sendable {
  private var arena = SymbolArena()
  private var slots: UnsafeMutablePointer<UInt64>
  private var slotBits: Int
  private let hash: KeyedHash

  private static let slotBitsMin = 6
  private static let slotBitsMax = 32

  package init(hash: KeyedHash) {
    self.hash = hash
    slotBits = SymbolTable.slotBitsMin
    slots = ZeroedSlots.make(1 << slotBits)
    let empty = intern(UnsafeRawBufferPointer(start: nil, count: 0))
    precondition(empty == 0, "the empty string is symbol 0")
  }

  deinit { ZeroedSlots.free(slots) }

  /// The number of symbols, the empty one included; every id is below it.
  package var count: Int { arena.count }

  /// Memory in use: strings, locations, slots.
  package var byteCount: Int { arena.byteCount + MemoryLayout<UInt64>.size << slotBits }

  package var reader: SymbolReader { SymbolReader(arena: arena) }

  /// The id of `bytes`, new or known; nil where the table is full (4 GiB of strings), which is a limit to report.
  package mutating func intern(_ bytes: UnsafeRawBufferPointer) -> SymbolID? {
    let bits = hashBits(bytes)
    var place = slotIndex(bits)
    let mask = 1 << slotBits &- 1
    while slots[place] != 0 {
      if let id = match(slots[place], bits, bytes) { return id }
      place = (place &+ 1) & mask
    }
    guard let id = arena.append(bytes) else { return nil }
    slots[place] = UInt64(bits) << 32 | (UInt64(id) &+ 1)
    if arena.count &* 4 >= (mask &+ 1) &* 3 && slotBits < SymbolTable.slotBitsMax { grow() }
    return id
  }

  /// The id of `bytes` if it has one.
  package func find(_ bytes: UnsafeRawBufferPointer) -> SymbolID? {
    let bits = hashBits(bytes)
    var place = slotIndex(bits)
    let mask = 1 << slotBits &- 1
    while slots[place] != 0 {
      if let id = match(slots[place], bits, bytes) { return id }
      place = (place &+ 1) & mask
    }
    return nil
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
    var bits = SymbolTable.slotBitsMin
    while kept.count &* 4 >= 3 << bits { bits += 1 }
    replaceSlots(bits) { renamed[Int($0)] == SymbolTable.dropped ? nil : renamed[Int($0)] }
    arena = kept
    return renamed
  }

  private mutating func grow() { replaceSlots(slotBits + 1) { $0 } }

  private mutating func replaceSlots(_ bits: Int, _ rename: (SymbolID) -> SymbolID?) {
    let larger = ZeroedSlots.make(1 << bits)
    let mask = 1 << bits &- 1
    for index in 0..<(1 << slotBits) where slots[index] != 0 {
      guard let id = rename(SymbolID(truncatingIfNeeded: slots[index] &- 1)) else { continue }
      var place = Int(slots[index] &>> (64 &- UInt64(bits)))
      while larger[place] != 0 { place = (place &+ 1) & mask }
      larger[place] = slots[index] & 0xffff_ffff_0000_0000 | (UInt64(id) &+ 1)
    }
    ZeroedSlots.free(slots)
    slots = larger
    slotBits = bits
  }

  @inline(__always) private func hashBits(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    UInt32(truncatingIfNeeded: hash.hash(bytes) &>> 32)
  }

  @inline(__always) private func slotIndex(_ bits: UInt32) -> Int { Int(UInt64(bits) &>> (32 &- UInt64(slotBits))) }

  @inline(__always)
  private func match(_ slot: UInt64, _ bits: UInt32, _ bytes: UnsafeRawBufferPointer) -> SymbolID? {
    if UInt32(truncatingIfNeeded: slot &>> 32) != bits { return nil }
    let id = SymbolID(truncatingIfNeeded: slot &- 1)
    let known = arena.bytes(of: id)
    guard known.count == bytes.count else { return nil }
    if bytes.isEmpty || memcmp(known.baseAddress!, bytes.baseAddress!, bytes.count) == 0 { return id }
    return nil
  }
}

extension SymbolTable {
  /// Walks everything; for tests.
  package func checkInvariants() {
    var seen = 0
    for index in 0..<(1 << slotBits) where slots[index] != 0 {
      let id = SymbolID(truncatingIfNeeded: slots[index] &- 1)
      let bytes = arena.bytes(of: id)
      precondition(hashBits(bytes) == UInt32(truncatingIfNeeded: slots[index] &>> 32), "hash bits of symbol \(id)")
      precondition(find(bytes) == id, "symbol \(id) is not found")
      seen += 1
    }
    precondition(seen == arena.count, "\(seen) slots for \(arena.count) symbols")
  }
}
