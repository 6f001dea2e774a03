import Format
import Model

/// The series texts that the last scrapes of a target had, by the keyed hash of the text: 16 bytes a text in the order first
/// seen, and 4 a slot of the table that finds one out of order. A target exposes its series in the same order each time, so that
/// nearly every text is found where the one before it said. One target's; not copyable.
///
/// A scrape is a number (`scrape`). A text is *owed* a stale marker when the scrape before this one had it, with a sample that
/// counts for staleness, and this one does not.
struct SeenSeries: ~Copyable {
  /// The properties of a text, in the low bits of its entry.
  struct Flags: Equatable {
    var rawValue: UInt32
    /// Metric relabelling drops it.
    static var dropped: Flags { Flags(rawValue: 1) }
    /// Its last sample counts for staleness.
    static var tracked: Flags { Flags(rawValue: 2) }
    /// The sample before this scrape's counts for staleness, and was of the scrape before.
    static var wasTracked: Flags { Flags(rawValue: 4) }
    /// It has native histograms, so its marker is one.
    static var histogram: Flags { Flags(rawValue: 8) }
    static var floatHistogram: Flags { Flags(rawValue: 16) }
    /// Nothing of it has been stored yet.
    static var pending: Flags { Flags(rawValue: 32) }
    static var none: Flags { Flags(rawValue: 0) }
    static var bits: UInt32 { 6 }
    static var mask: UInt32 { 63 }

    @inline(__always)
    func contains(_ other: Flags) -> Bool { rawValue & other.rawValue != 0 }
    static func | (left: Flags, right: Flags) -> Flags { Flags(rawValue: left.rawValue | right.rawValue) }
  }

  struct Entry: BitwiseCopyable {
    var high: UInt64
    var low: UInt32
    /// The scrape that saw it last, above the flags.
    var state: UInt32

    @inline(__always)
    func has(_ hash: KeyedHash128) -> Bool { high == hash.high && low == UInt32(truncatingIfNeeded: hash.low) }
    @inline(__always)
    var scrape: UInt32 { state >> Flags.bits }
    var flags: Flags { Flags(rawValue: state & Flags.mask) }
  }

  /// Scrapes are counted modulo this; a text does not stay for as many without being seen.
  private static let scrapeMask: UInt32 = 1 << (32 - Flags.bits) - 1

  private var entries = Column<Entry>(capacity: 8)
  /// Places of entries plus one, 0: empty; open addressing by the upper half of the hash, scaled.
  private var slots = Column<UInt32>(capacity: 16)
  private var scrape: UInt32 = 1
  /// The place after that of the last text.
  private var next = 0
  /// Entries of this scrape.
  private var seen = 0
  /// True if a text of this scrape may be owed a marker: its last sample counted for staleness, this one does not.
  private var hasUntracked = false
  /// Texts, dropped ones included.
  var count: Int { entries.count }
  var byteCount: Int { entries.capacity * MemoryLayout<Entry>.stride + slots.capacity * 4 }

  init() { clearSlots(16) }

  // MARK: In a scrape

  /// The place of a text; nil where it is new.
  @inline(__always)
  mutating func find(_ hash: KeyedHash128) -> Int? {
    let expected = next
    if expected < entries.count, entries[expected].has(hash) {
      next = expected &+ 1
      return expected
    }
    return search(hash)
  }

  private mutating func search(_ hash: KeyedHash128) -> Int? {
    var slot = home(hash.high)
    while true {
      let place = slots[slot]
      if place == 0 { return nil }
      if entries[Int(place) - 1].has(hash) {
        next = Int(place)
        return Int(place) - 1
      }
      slot = slot + 1 == slots.count ? 0 : slot + 1
    }
  }

  @inline(__always)
  func flags(_ place: Int) -> Flags { entries[place].flags }

  /// True if this scrape has had the text before.
  @inline(__always)
  func isSeen(_ place: Int) -> Bool { entries[place].scrape == scrape }

  /// Notes that this scrape has the text. `isTracked`: its sample counts for staleness.
  @inline(__always)
  mutating func see(_ place: Int, isTracked: Bool) {
    let entry = entries[place]
    var flags = entry.state & Flags.mask
    let tracked = isTracked ? Flags.tracked.rawValue : 0
    if entry.scrape != scrape {
      seen &+= 1
      let wasTracked = entry.scrape == SeenSeries.before(scrape) && entry.flags.contains(.tracked)
      flags &= ~(Flags.tracked.rawValue | Flags.wasTracked.rawValue)
      if wasTracked {
        flags |= Flags.wasTracked.rawValue
        if !isTracked { hasUntracked = true }
      }
    }
    entries[place].state = scrape << Flags.bits | flags | tracked
  }

  /// Sets flags of a text.
  mutating func set(_ flags: Flags, _ place: Int) { entries[place].state |= flags.rawValue }

  /// Takes back that the text's sample counts for staleness: it was not stored.
  mutating func untrack(_ place: Int) {
    entries[place].state &= ~Flags.tracked.rawValue
    hasUntracked = true
  }

  mutating func clear(_ flags: Flags, _ place: Int) { entries[place].state &= ~flags.rawValue }

  /// Adds a text that is new, as one of this scrape.
  mutating func insert(_ hash: KeyedHash128, _ flags: Flags) -> Int {
    if entries.count == entries.capacity { reserve(entries.count + entries.count / 4 + 8) }
    entries.append(
      Entry(
        high: hash.high, low: UInt32(truncatingIfNeeded: hash.low), state: scrape << Flags.bits | flags.rawValue))
    seen += 1
    if entries.count * 4 > slots.count * 3 { rehash() } else { link(entries.count - 1) }
    return entries.count - 1
  }

  /// Calls `body` with the hash of each text whose series may be stored.
  func forEach(_ body: (KeyedHash128) -> Void) {
    for place in 0..<entries.count where !entries[place].flags.contains(.dropped) {
      body(KeyedHash128(low: UInt64(entries[place].low), high: entries[place].high))
    }
  }

  // MARK: The end of a scrape

  /// Calls `body` for each text that is owed a marker: after a scrape that failed, all that the scrape before had; else those of
  /// them without a sample in this one that counts.
  func forEachEnded(hasFailed: Bool, _ body: (KeyedHash128, Flags) -> Void) {
    if !hasFailed, seen == entries.count, !hasUntracked { return }
    let before = SeenSeries.before(scrape)
    for place in 0..<entries.count {
      let entry = entries[place]
      let isOwed =
        entry.scrape == before
        ? entry.flags.contains(.tracked)
        : isSeen(place) && entry.flags.contains(.wasTracked) && (hasFailed || !entry.flags.contains(.tracked))
      if isOwed { body(KeyedHash128(low: UInt64(entry.low), high: entry.high), entry.flags) }
    }
  }

  /// Ends a scrape that was stored, and forgets the texts that it did not have.
  mutating func endStored() {
    if seen < entries.count { evict() }
    begin()
  }

  /// Ends a scrape that failed. Nothing of it is stored: its texts are owed no marker. Texts stay, since their target will most
  /// likely have them again.
  mutating func endFailed() {
    for place in 0..<entries.count { entries[place].state &= ~(Flags.tracked.rawValue | Flags.wasTracked.rawValue) }
    begin()
  }

  /// Forgets the texts that this scrape, which failed, did not have.
  mutating func flush() { evict() }

  private mutating func begin() {
    scrape = (scrape &+ 1) & SeenSeries.scrapeMask
    next = 0
    seen = 0
    hasUntracked = false
  }

  private static func before(_ scrape: UInt32) -> UInt32 { (scrape &- 1) & scrapeMask }

  private mutating func evict() {
    var kept = 0
    for place in 0..<entries.count where isSeen(place) {
      entries[kept] = entries[place]
      kept += 1
    }
    entries.resize(to: kept)
    // What grew for many texts is given back when few are left.
    if entries.capacity > kept + kept / 2 + 64 { reserve(kept + kept / 8 + 8) }
    rehash()
  }

  // MARK: Memory

  private mutating func reserve(_ capacity: Int) {
    var moved = Column<Entry>(capacity: capacity)
    for place in 0..<entries.count { moved.append(entries[place]) }
    swap(&entries, &moved)
  }

  @inline(__always)
  private func home(_ high: UInt64) -> Int { Int(((high >> 32) &* UInt64(slots.count)) >> 32) }

  private mutating func clearSlots(_ count: Int) {
    if slots.capacity != count { slots = Column<UInt32>(capacity: count) }
    slots.resize(to: count)
    for slot in 0..<count { slots[slot] = 0 }
  }

  private mutating func rehash() {
    clearSlots(max(16, entries.count + entries.count * 2 / 3 + 8))
    for place in 0..<entries.count { link(place) }
  }

  private mutating func link(_ place: Int) {
    var slot = home(entries[place].high)
    while slots[slot] != 0 { slot = slot + 1 == slots.count ? 0 : slot + 1 }
    slots[slot] = UInt32(place + 1)
  }

  /// For tests: each text is found, once, and the count of those seen is right.
  func checkInvariants() {
    var linked = 0
    for slot in 0..<slots.count where slots[slot] != 0 { linked += 1 }
    precondition(linked == entries.count, "\(linked) slots, \(entries.count) texts")
    var seen = 0
    for place in 0..<entries.count {
      if isSeen(place) { seen += 1 }
      var slot = home(entries[place].high)
      while slots[slot] != UInt32(place + 1) {
        precondition(slots[slot] != 0, "a text that is not reached")
        slot = slot + 1 == slots.count ? 0 : slot + 1
      }
    }
    precondition(seen == self.seen, "\(self.seen) texts counted, \(seen) seen")
  }
}
