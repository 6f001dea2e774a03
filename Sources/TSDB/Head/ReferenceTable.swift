import CShims
import Model

/// From the hash of raw label bytes to the series they name: open addressing, 16 bytes a slot, no label compared (the
/// 96 keyed bits are the identity). One shard's part of the workspace's cache; owned by the shard; not copyable.
///
/// A name is either the identity of a series (`rules` 0) or a spelling of it that was resolved under the rules of a number
/// from 1 to 15: the number takes the place of the four bits of the hash that all names of a shard share. Other rules,
/// another number: what was resolved under the old ones is not found any more, and is taken out by `forgetSpellings`.
///
/// Slots keep the order of the hash (position = its upper bits scaled to the capacity), so growing is one forward pass
/// over both tables and any capacity will do, not only powers of two.
struct ReferenceTable: ~Copyable {
  private struct Slot: BitwiseCopyable {
    var high: UInt64
    var low: UInt32
    /// A `SeriesLocation` plus one; 0: the slot is empty.
    var location: UInt32
  }

  private var slots: UnsafeMutablePointer<Slot>
  /// Slots addressed by a hash; behind them lie `overhang` more, so that a run at the end needs no wrap.
  private var capacity: Int
  private(set) var count = 0
  private static let overhang = 256
  /// Names that are known to be dropped. A sender may send ever new ones: past this many all of them are forgotten.
  private(set) var droppedCount = 0
  static let droppedMax = 65_536
  static let rulesMax: UInt32 = 15

  @inline(__always)
  private static func key(_ low: UInt32, _ rules: UInt32) -> UInt32 { low & ~rulesMax | rules }

  init(capacity: Int = 64) {
    self.capacity = capacity
    slots = ReferenceTable.makeSlots(capacity)
  }

  deinit { slots.deallocate() }

  var byteCount: Int { (capacity + ReferenceTable.overhang) * MemoryLayout<Slot>.stride }

  private static func makeSlots(_ capacity: Int) -> UnsafeMutablePointer<Slot> {
    let slots = UnsafeMutablePointer<Slot>.allocate(capacity: capacity + overhang)
    slots.initialize(repeating: Slot(high: 0, low: 0, location: 0), count: capacity + overhang)
    return slots
  }

  @inline(__always)
  private func home(_ high: UInt64) -> Int {
    Int(truncatingIfNeeded: ((high &>> 32) &* UInt64(truncatingIfNeeded: capacity)) &>> 32)
  }

  @inline(__always)
  func prefetch(high: UInt64) { apus_prefetch(slots + home(high)) }

  @inline(__always)
  func find(high: UInt64, low: UInt32, rules: UInt32 = 0) -> SeriesLocation {
    let low = ReferenceTable.key(low, rules)
    var index = home(high)
    while true {
      let slot = slots[index]
      if slot.location == 0 { return .none }
      if slot.high == high && slot.low == low { return SeriesLocation(raw: slot.location &- 1) }
      index &+= 1
    }
  }

  /// Adds a name for a series; a name already there is pointed to `location`.
  mutating func insert(high: UInt64, low: UInt32, _ location: SeriesLocation, rules: UInt32 = 0) {
    let low = ReferenceTable.key(low, rules)
    if location.isDropped {
      if droppedCount >= ReferenceTable.droppedMax { removeAll { $0.isDropped } }
      droppedCount += 1
    }
    if (count + 1) * 4 > capacity * 3 { resize(to: capacity + capacity / 2 + 16) }
    while !place(Slot(high: high, low: low, location: location.raw + 1)) { resize(to: capacity + capacity / 2 + 16) }
  }

  /// False where the run of occupied slots reaches the very end: the table must grow.
  private mutating func place(_ slot: Slot) -> Bool {
    var index = home(slot.high)
    let end = capacity + ReferenceTable.overhang - 1
    while index < end {
      if slots[index].location == 0 {
        slots[index] = slot
        count += 1
        return true
      }
      if slots[index].high == slot.high && slots[index].low == slot.low {
        slots[index].location = slot.location
        return true
      }
      index += 1
    }
    return false
  }

  /// Drops every name whose series `isGone`, and the memory that is then too much.
  mutating func removeAll(where isGone: (SeriesLocation) -> Bool) {
    remove { isGone(SeriesLocation(raw: $0.location - 1)) }
  }

  /// Drops the spellings that were resolved under other rules than these; identities stay.
  mutating func forgetSpellings(except rules: UInt32) {
    remove { slot in
      let number = slot.low & ReferenceTable.rulesMax
      return number != 0 && number != rules
    }
  }

  private mutating func remove(where isGone: (Slot) -> Bool) {
    var kept = 0
    droppedCount = 0
    for index in 0..<(capacity + ReferenceTable.overhang) where slots[index].location != 0 {
      if isGone(slots[index]) {
        slots[index].location = 0
      } else {
        kept += 1
        if SeriesLocation(raw: slots[index].location - 1).isDropped { droppedCount += 1 }
      }
    }
    // Always placed anew: emptied slots would cut the runs of others.
    resize(to: max(64, min(capacity, kept * 2)))
  }

  private mutating func resize(to wanted: Int) {
    let old = slots
    let oldCount = capacity + ReferenceTable.overhang
    defer { old.deallocate() }
    var larger = wanted
    while true {
      capacity = larger
      slots = ReferenceTable.makeSlots(larger)
      count = 0
      var fits = true
      for index in 0..<oldCount where old[index].location != 0 {
        guard place(old[index]) else {
          fits = false
          break
        }
      }
      if fits { return }
      slots.deallocate()
      larger += larger / 2
    }
  }

  /// Calls `body` for each name's series.
  func forEach(_ body: (SeriesLocation) -> Void) {
    for index in 0..<(capacity + ReferenceTable.overhang) where slots[index].location != 0 {
      body(SeriesLocation(raw: slots[index].location - 1))
    }
  }

  /// For tests: no name lies before its home, none is cut off from it by an empty slot, none is there twice, and a
  /// search always meets an empty slot.
  func checkInvariants() {
    var found = 0
    for index in 0..<(capacity + ReferenceTable.overhang) where slots[index].location != 0 {
      found += 1
      var place = home(slots[index].high)
      precondition(place <= index, "a name before its home")
      while place < index {
        precondition(slots[place].location != 0, "a name that is not reached")
        precondition(slots[place].high != slots[index].high || slots[place].low != slots[index].low, "a name twice")
        place += 1
      }
    }
    precondition(found == count, "\(count) names counted, \(found) there")
    precondition(slots[capacity + ReferenceTable.overhang - 1].location == 0, "no empty slot at the end")
  }
}
