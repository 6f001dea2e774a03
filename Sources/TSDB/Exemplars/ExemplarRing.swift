import Model

// The last exemplars of all series, first in, first out. An entry is 40 bytes in a ring of memory that grows as exemplars
// come, and its labels are a cell of an arena; only a series that has any costs more.
//
// Entries are numbered in the order they came; the place of a number is its low bits. Those of a series are a list by time
// in both directions. A number that a link gives lies in the ring, or the link is the entry's own number: the end.

/// The exemplars of a head. Owned by a mutex; no other lock and no I/O while it is held. Not copyable.
///
/// Invariants: at most `limit` entries; every series in the table has at least one; the labels of series together are at
/// most `seriesLabelBytesMax`.
struct ExemplarRing: ~Copyable, @unchecked Sendable {
  struct Entry: BitwiseCopyable {
    var time: Int64
    var value: UInt64
    /// The number of its series in `series`.
    var series: UInt32
    var previous: UInt32
    var next: UInt32
    /// A cell of `cells`; 0 without labels.
    var labels: UInt32
    var labelBytes: UInt16
    var flags: UInt16

    /// Set if the log does not hold it yet: whoever brings it once more logs it too.
    static var isUnlogged: UInt16 { 1 }
  }

  struct Series {
    var labels = Labels.empty
    /// The log reference it was last written under; 0: not known in this run.
    var reference: UInt64 = 0
    var oldest: UInt32 = 0
    var newest: UInt32 = 0
    /// The one that was added last; it may have left the ring.
    var latest: UInt32 = 0
  }

  /// The outcome of `append`. `number` names the entry where it has to be logged.
  struct Appended {
    var outcome: ExemplarOutcome
    var number: UInt32?
  }

  /// The most exemplars that can be kept, whatever is asked for.
  static let entriesMax = 1 << 30
  /// Bytes of labels of series with exemplars; beyond, the oldest exemplars go early.
  static let seriesLabelBytesMax = 256 << 20
  /// Entries of a series that are looked at from one end for the place of one that is not the newest.
  static let stepsMax = 64

  private(set) var limit = 0
  private(set) var count = 0
  /// The number of the oldest entry.
  private(set) var first: UInt32 = 0
  var entries: UnsafeMutablePointer<Entry>?
  /// A power of two, or 0.
  private(set) var capacity = 0
  var cells = SlabArena()

  var series: [Series] = []
  var freeSeries: [UInt32] = []
  var byReference: [UInt64: UInt32] = [:]
  var byLabels: [Labels: UInt32] = [:]
  var seriesLabelBytes = 0

  var appendedCount = 0
  var outOfOrderCount = 0

  init() {
    precondition(MemoryLayout<Entry>.stride == 40, "an entry is as small as its description says")
  }

  deinit { entries?.deallocate() }

  var seriesCount: Int { byLabels.count }
  var end: UInt32 { first &+ UInt32(truncatingIfNeeded: count) }
  /// The time of the entry that came first; nil in an empty ring.
  var firstTime: Int64? { count == 0 ? nil : pointer(first).pointee.time }

  /// The earliest time of any entry.
  var oldestTime: Int64? {
    if count == 0 { return nil }
    var oldest = Int64.max
    for place in 0..<count { oldest = min(oldest, pointer(first &+ UInt32(place)).pointee.time) }
    return oldest
  }

  @inline(__always)
  func pointer(_ number: UInt32) -> UnsafeMutablePointer<Entry> {
    entries.unsafelyUnwrapped + (Int(number) & (capacity &- 1))
  }

  func labels(of entry: Entry) -> UnsafeRawBufferPointer {
    if entry.labels == 0 { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(start: cells.pointer(entry.labels), count: Int(entry.labelBytes))
  }

  /// True if the number is that of an entry.
  func holds(_ number: UInt32) -> Bool { Int(number &- first) < count }

  // MARK: - Size

  /// Sets how many exemplars are kept; 0: none. The newest stay.
  mutating func resize(to newLimit: Int) {
    limit = max(0, min(newLimit, ExemplarRing.entriesMax))
    while count > limit { removeFirst() }
    if count == 0 {
      entries?.deallocate()
      entries = nil
      capacity = 0
      cells = SlabArena()
    } else if capacity > 2 * limit {
      move(toCapacity: ExemplarRing.powerOfTwo(atLeast: count))
    }
  }

  private static func powerOfTwo(atLeast count: Int) -> Int {
    var power = 64
    while power < count { power *= 2 }
    return power
  }

  private mutating func move(toCapacity newCapacity: Int) {
    let moved = UnsafeMutablePointer<Entry>.allocate(capacity: newCapacity)
    for place in 0..<count {
      let number = first &+ UInt32(place)
      (moved + (Int(number) & (newCapacity - 1))).initialize(to: pointer(number).pointee)
    }
    entries?.deallocate()
    entries = moved
    capacity = newCapacity
  }

  // MARK: - Entries

  /// A new entry at the end, in no list yet. Nil if memory is exhausted.
  mutating func makeEntry(_ new: NewExemplar, isUnlogged: Bool) -> UInt32? {
    precondition(new.labels.count <= NewExemplar.packedBytesMax, "the labels have been checked")
    if count == limit { removeFirst() }
    if count == capacity { move(toCapacity: ExemplarRing.powerOfTwo(atLeast: count + 1)) }
    var cell: UInt32 = 0
    if let source = new.labels.baseAddress, new.labels.count > 0 {
      guard let taken = cells.allocate(SlabArena.sizeClass(for: new.labels.count)) else { return nil }
      cell = taken
      UnsafeMutableRawPointer(cells.pointer(cell)).copyMemory(from: source, byteCount: new.labels.count)
    }
    let number = end
    count += 1
    pointer(number).initialize(
      to: Entry(
        time: new.time, value: new.value, series: 0, previous: number, next: number, labels: cell,
        labelBytes: UInt16(new.labels.count), flags: isUnlogged ? Entry.isUnlogged : 0))
    return number
  }

  mutating func removeFirst() {
    let number = first
    let entry = pointer(number).pointee
    if entry.labels != 0 { cells.free(entry.labels, SlabArena.sizeClass(for: Int(entry.labelBytes))) }
    first &+= 1
    count -= 1
    let (hasPrevious, hasNext) = (entry.previous != number, entry.next != number)
    if !hasPrevious && !hasNext { return removeSeries(entry.series) }
    if hasPrevious {
      pointer(entry.previous).pointee.next = hasNext ? entry.next : entry.previous
    } else {
      series[Int(entry.series)].oldest = entry.next
    }
    if hasNext {
      pointer(entry.next).pointee.previous = hasPrevious ? entry.previous : entry.next
    } else {
      series[Int(entry.series)].newest = entry.previous
    }
  }

  private mutating func removeSeries(_ number: UInt32) {
    let gone = series[Int(number)]
    byLabels[gone.labels] = nil
    if gone.reference != 0 { byReference[gone.reference] = nil }
    seriesLabelBytes -= gone.labels.packed.count
    series[Int(number)] = Series()
    freeSeries.append(number)
  }
}
