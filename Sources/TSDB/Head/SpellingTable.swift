import CShims
import Model

/// From a spelling, the hash of a row's label bytes as they were sent, to the series it names: open addressing, 16 bytes a
/// slot, no label compared (80 keyed bits are the identity: 64, 12, and the four that chose the shard). One shard's part of the
/// head's cache; owned by the shard; not copyable.
///
/// A spelling may have a *tag*, a number of the caller's: then the labels it has are not those of the series, and the caller
/// decides about its rows before anything is appended.
///
/// A spelling is either the identity of a series (generation 0) or was resolved in a *generation* from 1 to 15, which takes
/// the place of the four bits of the hash that all spellings of a shard share. In another generation it is not found any more;
/// `forgetSpellings` takes it out.
///
/// Slots keep the order of the hash (position = its upper bits scaled to the capacity), so growing is one forward pass
/// over both tables and any capacity will do, not only powers of two.
struct SpellingTable: ~Copyable {
  private struct Slot: BitwiseCopyable {
    var high: UInt64
    /// Bits 4 to 15 of the lower half of the hash, above the generation.
    var low: UInt16
    /// 0: the spelling's labels are the series'. `distrusted`, or the caller's tag.
    var tag: UInt16
    /// A `SeriesLocation` plus one; 0: the slot is empty.
    var location: UInt32

    @inline(__always)
    func has(_ high: UInt64, _ low: UInt16) -> Bool { self.high == high && self.low == low }
    var place: SeriesLocation { SeriesLocation(raw: location &- 1) }
    var isUnplaced: Bool { place == .unplaced }
  }

  /// The result of a look-up: the location that the table has for a spelling, and the spelling's tag (0: none).
  struct Found {
    var location: SeriesLocation
    var tag: UInt16
  }

  /// The tag of a spelling whose labels have to be read each time: they are the series', but would not name it today.
  static let distrusted = UInt16.max
  /// Spellings without a series are forgotten when there are so many, and more than the others.
  private static let unplacedMin = 4096

  private var slots: UnsafeMutablePointer<Slot>
  /// Slots addressed by a hash; behind them lie `overhang` more, so that a run at the end needs no wrap.
  private var capacity: Int
  /// All slots, the overhang included.
  private var slotCount: Int
  private(set) var count = 0
  /// Spellings that lead to no series yet (`SeriesLocation.unplaced`).
  private(set) var unplacedCount = 0
  private static let overhangMax = 256
  /// Spellings that are known to be dropped. A sender may send ever new ones: past this many all of them are forgotten.
  private(set) var droppedCount = 0
  static let droppedMax = 65_536
  static let generationMax: UInt32 = 15

  @inline(__always)
  private static func key(_ low: UInt32, _ generation: UInt32) -> UInt16 {
    UInt16(truncatingIfNeeded: low & ~generationMax | generation)
  }

  init(capacity: Int = 16) {
    self.capacity = capacity
    slotCount = SpellingTable.slotCount(capacity)
    slots = SpellingTable.makeSlots(slotCount)
  }

  deinit { slots.deallocate() }

  var byteCount: Int { slotCount * MemoryLayout<Slot>.stride }

  /// The number of slots with the overhang: in a small table no run is longer than the table.
  private static func slotCount(_ capacity: Int) -> Int { capacity + min(overhangMax, capacity) }

  private static func makeSlots(_ count: Int) -> UnsafeMutablePointer<Slot> {
    let slots = UnsafeMutablePointer<Slot>.allocate(capacity: count)
    slots.initialize(repeating: Slot(high: 0, low: 0, tag: 0, location: 0), count: count)
    return slots
  }

  @inline(__always)
  private func home(_ high: UInt64) -> Int {
    Int(truncatingIfNeeded: ((high &>> 32) &* UInt64(truncatingIfNeeded: capacity)) &>> 32)
  }

  @inline(__always)
  func prefetch(high: UInt64) { apus_prefetch(slots + home(high)) }

  /// Looks up label bytes, as they were sent, by their hash; the location is `none` if the table does not have them.
  @inline(__always)
  func findSpelling(high: UInt64, low: UInt32, generation: UInt32 = 0) -> Found {
    let low = SpellingTable.key(low, generation)
    var index = home(high)
    while true {
      let slot = slots[index]
      if slot.location == 0 { return Found(location: .none, tag: 0) }
      if slot.has(high, low) { return Found(location: SeriesLocation(raw: slot.location &- 1), tag: slot.tag) }
      index &+= 1
    }
  }

  /// The series with exactly these labels: those of a spelling with a tag are others than its series has.
  @inline(__always)
  func find(high: UInt64, low: UInt32) -> SeriesLocation {
    let found = findSpelling(high: high, low: low)
    return found.tag == 0 || found.tag == SpellingTable.distrusted ? found.location : .none
  }

  /// Adds a spelling of a series; one already there is pointed to `location`, but a distrusted one stays, unless the one that
  /// is added has no tag.
  mutating func insert(high: UInt64, low: UInt32, _ location: SeriesLocation, tag: UInt16 = 0, generation: UInt32 = 0) {
    if (count + 1) * 4 > capacity * 3 { resize(to: capacity + capacity / 2 + 16) }
    if location == .unplaced, unplacedCount > max(SpellingTable.unplacedMin, count - unplacedCount) {
      removeAll { $0 == .unplaced }
    }
    if location.isDropped, droppedCount >= SpellingTable.droppedMax { removeAll { $0.isDropped } }
    let slot = Slot(high: high, low: SpellingTable.key(low, generation), tag: tag, location: location.raw + 1)
    while !place(slot) { resize(to: capacity + capacity / 2 + 16) }
  }

  /// Puts a slot into its place; false if the run of occupied slots reaches the very end: the table must grow.
  private mutating func place(_ slot: Slot) -> Bool {
    var index = home(slot.high)
    let end = slotCount - 1
    while index < end {
      if slots[index].location == 0 {
        slots[index] = slot
        count += 1
        unplacedCount += slot.isUnplaced ? 1 : 0
        droppedCount += slot.place.isDropped ? 1 : 0
        return true
      }
      if slots[index].has(slot.high, slot.low) {
        if slots[index].tag == SpellingTable.distrusted && slot.tag != 0 { return true }
        unplacedCount += (slot.isUnplaced ? 1 : 0) - (slots[index].isUnplaced ? 1 : 0)
        droppedCount += (slot.place.isDropped ? 1 : 0) - (slots[index].place.isDropped ? 1 : 0)
        slots[index] = slot
        return true
      }
      index += 1
    }
    return false
  }

  /// Forgets every spelling whose series `isGone`, and gives back the memory that is then too much.
  mutating func removeAll(where isGone: (SeriesLocation) -> Bool) {
    remove { isGone($0.place) }
  }

  /// Forgets the spellings that were resolved in other generations than this one; identities stay.
  mutating func forgetSpellings(except generation: UInt32) {
    remove { slot in
      let number = UInt32(slot.low) & SpellingTable.generationMax
      return number != 0 && number != generation
    }
  }

  /// Forgets one spelling, if it is there; those behind it close up.
  mutating func remove(high: UInt64, low: UInt32, generation: UInt32 = 0) {
    let low = SpellingTable.key(low, generation)
    var hole = home(high)
    while slots[hole].location != 0, !slots[hole].has(high, low) { hole += 1 }
    if slots[hole].location == 0 { return }
    unplacedCount -= slots[hole].isUnplaced ? 1 : 0
    droppedCount -= slots[hole].place.isDropped ? 1 : 0
    count -= 1
    // The last slot is always empty.
    var next = hole + 1
    while slots[next].location != 0 {
      if home(slots[next].high) <= hole {
        slots[hole] = slots[next]
        hole = next
      }
      next += 1
    }
    slots[hole].location = 0
  }

  private mutating func remove(where isGone: (Slot) -> Bool) {
    var kept = 0
    for index in 0..<slotCount where slots[index].location != 0 {
      if isGone(slots[index]) {
        slots[index].location = 0
      } else {
        kept += 1
      }
    }
    // Always placed anew: emptied slots would cut the runs of others.
    resize(to: max(16, min(capacity, kept * 2)))
  }

  /// Makes appends read the labels of these series' own names each time from now on, and those of no others.
  mutating func distrust(_ isDistrusted: (SeriesLocation) -> Bool) {
    for index in 0..<slotCount where slots[index].location != 0 {
      guard slots[index].tag == 0 || slots[index].tag == SpellingTable.distrusted else { continue }
      slots[index].tag = isDistrusted(slots[index].place) ? SpellingTable.distrusted : 0
    }
  }

  private mutating func resize(to wanted: Int) {
    let old = slots
    let oldCount = slotCount
    defer { old.deallocate() }
    var larger = wanted
    while true {
      capacity = larger
      slotCount = SpellingTable.slotCount(larger)
      slots = SpellingTable.makeSlots(slotCount)
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

  /// Calls `body` for the series of each spelling that leads to one.
  func forEach(_ body: (SeriesLocation) -> Void) {
    for index in 0..<slotCount
    where slots[index].location != 0 && slots[index].place.isPlaced {
      body(slots[index].place)
    }
  }

  /// For tests: no spelling lies before its home, none is cut off from it by an empty slot, none is there twice, and a
  /// search always meets an empty slot.
  func checkInvariants() {
    var found = 0
    var unplaced = 0
    var dropped = 0
    for index in 0..<slotCount where slots[index].location != 0 {
      found += 1
      unplaced += slots[index].isUnplaced ? 1 : 0
      dropped += slots[index].place.isDropped ? 1 : 0
      precondition(!slots[index].isUnplaced || slots[index].tag != 0, "a spelling of nobody")
      var place = home(slots[index].high)
      precondition(place <= index, "a spelling before its home")
      while place < index {
        precondition(slots[place].location != 0, "a spelling that is not reached")
        precondition(!slots[place].has(slots[index].high, slots[index].low), "a spelling twice")
        place += 1
      }
    }
    precondition(found == count, "\(count) spellings counted, \(found) there")
    precondition(unplaced == unplacedCount, "\(unplacedCount) spellings without a series counted, \(unplaced) there")
    precondition(dropped == droppedCount, "\(droppedCount) dropped spellings counted, \(dropped) there")
    precondition(slots[slotCount - 1].location == 0, "no empty slot at the end")
  }
}
