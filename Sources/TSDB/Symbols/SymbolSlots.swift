// A part of the hash table of a `SymbolTable`: open-addressed words `hash bits (32) | id + 1 (32)`, 0 for an empty one. A
// slot's place is given by the top bits of its hash bits, so growing walks both tables in order and needs neither the
// strings nor their hashes. Single-threaded.
struct SymbolSlots: ~Copyable {
  private var slots: UnsafeMutablePointer<UInt64>
  private var slotBits = 3
  private var count = 0

  private static let slotBitsMax = 32

  init() { slots = ZeroedMemory.make(1 << slotBits) }

  deinit { ZeroedMemory.free(slots) }

  var byteCount: Int { MemoryLayout<SymbolSlots>.stride + MemoryLayout<UInt64>.size << slotBits }

  /// The id with these hash bits that `isSame` confirms.
  @inline(__always) func find(_ bits: UInt32, _ isSame: (SymbolID) -> Bool) -> SymbolID? {
    let mask = 1 &<< slotBits &- 1
    var at = place(bits)
    while slots[at] != 0 {
      if UInt32(truncatingIfNeeded: slots[at] &>> 32) == bits {
        let id = SymbolID(truncatingIfNeeded: slots[at] &- 1)
        if isSame(id) { return id }
      }
      at = (at &+ 1) & mask
    }
    return nil
  }

  /// Adds an id that is not there.
  mutating func insert(_ bits: UInt32, _ id: SymbolID) {
    if (count + 1) * 4 >= 3 << slotBits && slotBits < SymbolSlots.slotBitsMax { grow() }
    put(UInt64(bits) << 32 | (UInt64(id) &+ 1))
    count += 1
  }

  func forEach(_ body: (_ bits: UInt32, _ id: SymbolID) -> Void) {
    for index in 0..<(1 << slotBits) where slots[index] != 0 {
      body(UInt32(truncatingIfNeeded: slots[index] &>> 32), SymbolID(truncatingIfNeeded: slots[index] &- 1))
    }
  }

  private mutating func grow() {
    let old = slots
    let oldCount = 1 << slotBits
    slotBits += 1
    slots = ZeroedMemory.make(1 << slotBits)
    for index in 0..<oldCount where old[index] != 0 { put(old[index]) }
    ZeroedMemory.free(old)
  }

  private func put(_ slot: UInt64) {
    let mask = 1 << slotBits &- 1
    var at = place(UInt32(truncatingIfNeeded: slot &>> 32))
    while slots[at] != 0 { at = (at &+ 1) & mask }
    slots[at] = slot
  }

  @inline(__always) private func place(_ bits: UInt32) -> Int { Int(UInt64(bits) &>> (32 &- UInt64(slotBits))) }
}
