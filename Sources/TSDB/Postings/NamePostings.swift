import Model

// One label name of the index: its values with the number of their posting list, and the list of all series that have
// the label. Part of `HeadPostings`, single-threaded.
//
// Slots are open-addressed words `value symbol (32) | list number (32)`, 0 for an empty one (symbol 0 is the empty string,
// which is no label value). The place is given by the top bits of the keyed hash of the symbol, so growing is sequential.
struct NamePostings: ~Copyable {
  let name: SymbolID
  /// The list of the series that have the label.
  let having: UInt32
  private(set) var valueCount = 0
  private var slots: UnsafeMutablePointer<UInt64>
  private var slotBits = 2
  private let seed: UInt64
  private(set) var values = ValueList(capacity: 4)
  private(set) var listedCount = 0

  init(name: SymbolID, having: UInt32, seed: UInt64) {
    self.name = name
    self.having = having
    self.seed = seed
    slots = ZeroedMemory.make(4)
  }

  deinit { ZeroedMemory.free(slots) }

  var byteCount: Int { MemoryLayout<NamePostings>.stride + 8 << slotBits + 4 * values.capacity }
  var snapshot: ValueSnapshot { ValueSnapshot(list: values, count: listedCount) }

  @inline(__always) func slotAddress(_ value: SymbolID) -> UnsafeRawPointer { UnsafeRawPointer(slots + place(value)) }

  /// The list of a value; nil if no series has it.
  @inline(__always) func find(_ value: SymbolID) -> UInt32? {
    let mask = 1 &<< slotBits &- 1
    var at = place(value)
    while slots[at] != 0 {
      if UInt32(truncatingIfNeeded: slots[at] &>> 32) == value { return UInt32(truncatingIfNeeded: slots[at]) }
      at = (at &+ 1) & mask
    }
    return nil
  }

  /// Adds a value that `find` did not find.
  mutating func insert(_ value: SymbolID, list: UInt32) {
    if (valueCount + 1) * 4 >= 3 << slotBits { grow() }
    place(value, list, in: slots, slotBits)
    valueCount += 1
    if listedCount == values.capacity { values = values.grown(listedCount) }
    values.base[listedCount] = value
    listedCount += 1
  }

  /// Removes a value from the slots; the list of values keeps it until `replaceValues`.
  mutating func remove(_ value: SymbolID) {
    let mask = 1 << slotBits &- 1
    var hole = place(value)
    while UInt32(truncatingIfNeeded: slots[hole] >> 32) != value {
      precondition(slots[hole] != 0, "a removed value is in the index")
      hole = (hole &+ 1) & mask
    }
    // Entries behind the hole move into it unless their own place lies between the hole and them.
    var at = (hole &+ 1) & mask
    while slots[at] != 0 {
      let home = place(UInt32(truncatingIfNeeded: slots[at] >> 32))
      if (at &- home) & mask >= (at &- hole) & mask {
        slots[hole] = slots[at]
        hole = at
      }
      at = (at &+ 1) & mask
    }
    slots[hole] = 0
    valueCount -= 1
  }

  /// Puts a list without the removed values in place; snapshots keep the one they have. A value that came back while the
  /// sweep was under way is in `survivors` more than once.
  mutating func replaceValues(_ survivors: [SymbolID]) {
    var survivors = survivors
    if survivors.count > valueCount { survivors = Array(Set(survivors)) }
    precondition(survivors.count == valueCount, "\(survivors.count) listed values of \(valueCount)")
    values = ValueList(capacity: max(survivors.count + survivors.count / 4, 4))
    for (index, value) in survivors.enumerated() { values.base[index] = value }
    listedCount = survivors.count
    var bits = 2
    while (valueCount + 1) * 4 >= 3 << bits { bits += 1 }
    // Shrink only by two sizes at least, so that a name that breathes does not copy each time.
    if bits + 1 < slotBits { rebuild(bits) }
  }

  func forEach(_ body: (_ value: SymbolID, _ list: UInt32) -> Void) {
    for index in 0..<(1 << slotBits) where slots[index] != 0 {
      body(UInt32(truncatingIfNeeded: slots[index] >> 32), UInt32(truncatingIfNeeded: slots[index]))
    }
  }

  private mutating func grow() { rebuild(slotBits + 1) }

  private mutating func rebuild(_ bits: Int) {
    let fresh: UnsafeMutablePointer<UInt64> = ZeroedMemory.make(1 << bits)
    forEach { value, list in place(value, list, in: fresh, bits) }
    ZeroedMemory.free(slots)
    slots = fresh
    slotBits = bits
  }

  private func place(_ value: SymbolID, _ list: UInt32, in slots: UnsafeMutablePointer<UInt64>, _ bits: Int) {
    let mask = 1 << bits &- 1
    var at = Int(KeyedHash.mix(UInt64(value) ^ seed) &>> (64 &- UInt64(bits)))
    while slots[at] != 0 { at = (at &+ 1) & mask }
    slots[at] = UInt64(value) << 32 | UInt64(list)
  }

  @inline(__always) private func place(_ value: SymbolID) -> Int {
    Int(KeyedHash.mix(UInt64(value) ^ seed) &>> (64 &- UInt64(slotBits)))
  }
}
