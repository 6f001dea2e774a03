import CShims
import Model

/// From the hash of raw label bytes to the series they name: open addressing, 16 bytes a slot, no label compared (80 keyed
/// bits are the identity: 64, 12, and the four that chose the shard). One shard's part of the workspace's cache; owned by
/// the shard; not copyable.
///
/// A name may belong to a replica of an HA pair: then its labels are not those of the series, and it has the small number
/// of that pair (`pair`), so that the verdict about the pair is known before anything is appended.
///
/// A name is either the identity of a series (`rules` 0) or a spelling of it that was resolved under the rules of a number
/// from 1 to 15: the number takes the place of the four bits of the hash that all names of a shard share. Other rules,
/// another number: what was resolved under the old ones is not found any more, and is taken out by `forgetSpellings`.
///
/// Slots keep the order of the hash (position = its upper bits scaled to the capacity), so growing is one forward pass
/// over both tables and any capacity will do, not only powers of two.
struct SpellingTable: ~Copyable {
  private struct Slot: BitwiseCopyable {
    var high: UInt64
    /// Bits 4 to 15 of the lower half of the hash, above the number of the rules.
    var low: UInt16
    /// 0: the name's labels are the series'. `distrusted`, or the number of a pair.
    var pair: UInt16
    /// A `SeriesLocation` plus one; 0: the slot is empty.
    var location: UInt32

    @inline(__always)
    func has(_ high: UInt64, _ low: UInt16) -> Bool { self.high == high && self.low == low }
    var place: SeriesLocation { SeriesLocation(raw: location &- 1) }
    var isUnplaced: Bool { place == .unplaced }
  }

  /// What a name leads to.
  struct Found {
    var location: SeriesLocation
    var pair: UInt16
  }

  /// A name whose labels have to be read each time: they are the series', but would not name it today.
  static let distrusted = UInt16.max
  /// Names of refused replicas are dropped when there are so many, and more than the others.
  private static let unplacedMin = 4096

  private var slots: UnsafeMutablePointer<Slot>
  /// Slots addressed by a hash; behind them lie `overhang` more, so that a run at the end needs no wrap.
  private var capacity: Int
  private(set) var count = 0
  /// Names that lead to no series yet (`SeriesLocation.unplaced`).
  private(set) var unplacedCount = 0
  private static let overhang = 256
  /// Names that are known to be dropped. A sender may send ever new ones: past this many all of them are forgotten.
  private(set) var droppedCount = 0
  static let droppedMax = 65_536
  static let rulesMax: UInt32 = 15

  @inline(__always)
  private static func key(_ low: UInt32, _ rules: UInt32) -> UInt16 {
    UInt16(truncatingIfNeeded: low & ~rulesMax | rules)
  }

  init(capacity: Int = 64) {
    self.capacity = capacity
    slots = SpellingTable.makeSlots(capacity)
  }

  deinit { slots.deallocate() }

  var byteCount: Int { (capacity + SpellingTable.overhang) * MemoryLayout<Slot>.stride }

  private static func makeSlots(_ capacity: Int) -> UnsafeMutablePointer<Slot> {
    let slots = UnsafeMutablePointer<Slot>.allocate(capacity: capacity + overhang)
    slots.initialize(repeating: Slot(high: 0, low: 0, pair: 0, location: 0), count: capacity + overhang)
    return slots
  }

  @inline(__always)
  private func home(_ high: UInt64) -> Int {
    Int(truncatingIfNeeded: ((high &>> 32) &* UInt64(truncatingIfNeeded: capacity)) &>> 32)
  }

  @inline(__always)
  func prefetch(high: UInt64) { apus_prefetch(slots + home(high)) }

  /// What label bytes lead to, as they were sent.
  @inline(__always)
  func findName(high: UInt64, low: UInt32, rules: UInt32 = 0) -> Found {
    let low = SpellingTable.key(low, rules)
    var index = home(high)
    while true {
      let slot = slots[index]
      if slot.location == 0 { return Found(location: .none, pair: 0) }
      if slot.has(high, low) { return Found(location: SeriesLocation(raw: slot.location &- 1), pair: slot.pair) }
      index &+= 1
    }
  }

  /// The series with exactly these labels: a name that belongs to a pair is somebody else's.
  @inline(__always)
  func find(high: UInt64, low: UInt32) -> SeriesLocation {
    let found = findName(high: high, low: low)
    return found.pair == 0 || found.pair == SpellingTable.distrusted ? found.location : .none
  }

  /// Adds a name for a series; a name already there is pointed to `location`, but a distrusted one stays, unless it is the
  /// series' own that is added.
  mutating func insert(high: UInt64, low: UInt32, _ location: SeriesLocation, pair: UInt16 = 0, rules: UInt32 = 0) {
    if (count + 1) * 4 > capacity * 3 { resize(to: capacity + capacity / 2 + 16) }
    if location == .unplaced, unplacedCount > max(SpellingTable.unplacedMin, count - unplacedCount) {
      removeAll { $0 == .unplaced }
    }
    if location.isDropped, droppedCount >= SpellingTable.droppedMax { removeAll { $0.isDropped } }
    let slot = Slot(high: high, low: SpellingTable.key(low, rules), pair: pair, location: location.raw + 1)
    while !place(slot) { resize(to: capacity + capacity / 2 + 16) }
  }

  /// False where the run of occupied slots reaches the very end: the table must grow.
  private mutating func place(_ slot: Slot) -> Bool {
    var index = home(slot.high)
    let end = capacity + SpellingTable.overhang - 1
    while index < end {
      if slots[index].location == 0 {
        slots[index] = slot
        count += 1
        unplacedCount += slot.isUnplaced ? 1 : 0
        droppedCount += slot.place.isDropped ? 1 : 0
        return true
      }
      if slots[index].has(slot.high, slot.low) {
        if slots[index].pair == SpellingTable.distrusted && slot.pair != 0 { return true }
        unplacedCount += (slot.isUnplaced ? 1 : 0) - (slots[index].isUnplaced ? 1 : 0)
        droppedCount += (slot.place.isDropped ? 1 : 0) - (slots[index].place.isDropped ? 1 : 0)
        slots[index] = slot
        return true
      }
      index += 1
    }
    return false
  }

  /// Drops every name whose series `isGone`, and the memory that is then too much.
  mutating func removeAll(where isGone: (SeriesLocation) -> Bool) {
    remove { isGone($0.place) }
  }

  /// Drops the spellings that were resolved under other rules than these; identities stay.
  mutating func forgetSpellings(except rules: UInt32) {
    remove { slot in
      let number = UInt32(slot.low) & SpellingTable.rulesMax
      return number != 0 && number != rules
    }
  }

  private mutating func remove(where isGone: (Slot) -> Bool) {
    var kept = 0
    for index in 0..<(capacity + SpellingTable.overhang) where slots[index].location != 0 {
      if isGone(slots[index]) {
        slots[index].location = 0
      } else {
        kept += 1
      }
    }
    // Always placed anew: emptied slots would cut the runs of others.
    resize(to: max(64, min(capacity, kept * 2)))
  }

  /// From now on the labels of these series' own names are read each time, and those of no others.
  mutating func distrust(_ isDistrusted: (SeriesLocation) -> Bool) {
    for index in 0..<(capacity + SpellingTable.overhang) where slots[index].location != 0 {
      guard slots[index].pair == 0 || slots[index].pair == SpellingTable.distrusted else { continue }
      slots[index].pair = isDistrusted(slots[index].place) ? SpellingTable.distrusted : 0
    }
  }

  private mutating func resize(to wanted: Int) {
    let old = slots
    let oldCount = capacity + SpellingTable.overhang
    defer { old.deallocate() }
    var larger = wanted
    while true {
      capacity = larger
      slots = SpellingTable.makeSlots(larger)
      count = 0
      unplacedCount = 0
      droppedCount = 0
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

  /// Calls `body` for each name's series, if it leads to one.
  func forEach(_ body: (SeriesLocation) -> Void) {
    for index in 0..<(capacity + SpellingTable.overhang)
    where slots[index].location != 0 && slots[index].place.isPlaced {
      body(slots[index].place)
    }
  }

  /// For tests: no name lies before its home, none is cut off from it by an empty slot, none is there twice, and a
  /// search always meets an empty slot.
  func checkInvariants() {
    var found = 0
    var unplaced = 0
    var dropped = 0
    for index in 0..<(capacity + SpellingTable.overhang) where slots[index].location != 0 {
      found += 1
      unplaced += slots[index].isUnplaced ? 1 : 0
      dropped += slots[index].place.isDropped ? 1 : 0
      precondition(!slots[index].isUnplaced || slots[index].pair != 0, "a name of nobody")
      var place = home(slots[index].high)
      precondition(place <= index, "a name before its home")
      while place < index {
        precondition(slots[place].location != 0, "a name that is not reached")
        precondition(!slots[place].has(slots[index].high, slots[index].low), "a name twice")
        place += 1
      }
    }
    precondition(found == count, "\(count) names counted, \(found) there")
    precondition(unplaced == unplacedCount, "\(unplacedCount) names without a series counted, \(unplaced) there")
    precondition(dropped == droppedCount, "\(droppedCount) dropped names counted, \(dropped) there")
    precondition(slots[capacity + SpellingTable.overhang - 1].location == 0, "no empty slot at the end")
  }
}
