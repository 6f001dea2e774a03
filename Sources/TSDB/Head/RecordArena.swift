#if canImport(Glibc)
  import Glibc
#endif

/// The records of a shard by slot number, in segments that never move, so that growth costs no copy and no pause.
/// Owned by the shard; not copyable. Freed slots are used again before new ones.
struct RecordArena: ~Copyable {
  private static let slotsPerSegment = 4096
  private static let segmentBytes = slotsPerSegment * MemoryLayout<HeadSeries>.stride

  private var segments: UnsafeMutablePointer<UnsafeMutablePointer<HeadSeries>> = .allocate(capacity: 4)
  private var segmentCapacity = 4
  private var segmentCount = 0
  private var freeSlots: [UInt32] = []
  /// Slots handed out so far, freed ones included.
  private(set) var slotCount = 0

  init() {
    precondition(MemoryLayout<HeadSeries>.stride == 64, "a record is one cache line")
  }

  deinit {
    for index in 0..<segmentCount { munmap(segments[index], RecordArena.segmentBytes) }
    segments.deallocate()
  }

  @inline(__always)
  func pointer(_ slot: UInt32) -> UnsafeMutablePointer<HeadSeries> {
    segments[Int(slot &>> 12)] + Int(slot & 4095)
  }

  /// A slot for one more record, which the caller initializes. Nil if the system has no memory left.
  mutating func allocate() -> UInt32? {
    if let reused = freeSlots.popLast() { return reused }
    if slotCount == segmentCount * RecordArena.slotsPerSegment {
      let memory = mmap(
        nil, RecordArena.segmentBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
      guard let memory, memory != MAP_FAILED else { return nil }
      if segmentCount == segmentCapacity {
        let larger = UnsafeMutablePointer<UnsafeMutablePointer<HeadSeries>>.allocate(capacity: segmentCapacity * 2)
        larger.update(from: segments, count: segmentCount)
        segments.deallocate()
        segments = larger
        segmentCapacity *= 2
      }
      (segments + segmentCount).initialize(to: memory.bindMemory(to: HeadSeries.self, capacity: 4096))
      segmentCount += 1
    }
    defer { slotCount += 1 }
    return UInt32(slotCount)
  }

  /// Ends a series. Its slot is not used again before `recycle`, when no name points to it any more.
  func retire(_ slot: UInt32) {
    pointer(slot).pointee = HeadSeries(reference: 0, id: 0, flags: HeadSeries.isFree)
  }

  mutating func recycle(_ slots: [UInt32]) { freeSlots.append(contentsOf: slots) }

  /// Calls `body` for each slot in use.
  func forEach(_ body: (UInt32, UnsafeMutablePointer<HeadSeries>) -> Void) {
    for slot in 0..<UInt32(slotCount) {
      let record = pointer(slot)
      if !record.pointee.has(HeadSeries.isFree) { body(slot, record) }
    }
  }

  /// For tests: a slot free for use is one that is marked free, and is so once.
  func checkInvariants() {
    precondition(slotCount <= segmentCount * RecordArena.slotsPerSegment, "slots without memory")
    precondition(Set(freeSlots).count == freeSlots.count, "a slot is free twice")
    for slot in freeSlots { precondition(pointer(slot).pointee.has(HeadSeries.isFree), "a slot in use is free") }
  }
}
