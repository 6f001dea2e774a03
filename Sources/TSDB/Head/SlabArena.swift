import CShims

#if canImport(Glibc)
  import Glibc
#endif

// Cells of a few sizes for chunk bytes, late samples and chunk lists, without malloc's headers and fragmentation.
// Memory comes from the system in segments of 256 KiB; a segment serves one size class; a reference is 32 bits:
//
//   reference = segment number << 14 | offset in 16-byte granules        (0 is never a cell)
//
// Empty segments go back to the system, so that memory follows the number of series down as well.

/// The cells of one shard. Owned by the shard; not copyable.
struct SlabArena: ~Copyable {
  static let segmentBytes = 256 << 10
  static let granuleBytes = 16
  /// Cell sizes in bytes. A chunk is cut past 1,024 bytes, so one more sample always fits the last.
  static let sizes: [Int] = [16, 32, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 512, 640, 768, 1024, 1280]
  /// The class of a size by its granules, for sizes up to the last.
  private static let classByGranules: [UInt8] = (0...(sizes[sizes.count - 1] / granuleBytes)).map { granules in
    UInt8(sizes.firstIndex { $0 >= granules * granuleBytes } ?? 0)
  }

  private struct Segment {
    var base: UnsafeMutableRawPointer?
    var sizeClass: UInt8 = 0
    var used: UInt32 = 0
    /// Granules handed out so far by moving forward.
    var bump: UInt32 = 0
    /// The first freed cell (granule offset + 1), each holding the next; 0: none.
    var free: UInt32 = 0
    /// Neighbours in the list of this class's segments that have room; -1 at the ends.
    var next: Int32 = -1
    var previous: Int32 = -1
    var isListed = false
  }

  private var segments: [Segment] = []
  private var bases: UnsafeMutablePointer<UnsafeMutableRawPointer?> = .allocate(capacity: 8)
  private var basesCapacity = 8
  /// Per class, the first segment with room.
  private var withRoom = [Int32](repeating: -1, count: SlabArena.sizes.count)
  /// Segments without a cell in use, given back to the system, ready for any class.
  private var vacant: [Int32] = []
  private(set) var usedBytes = 0

  init() {
    bases.initialize(repeating: nil, count: basesCapacity)
  }

  deinit {
    for segment in segments where segment.base != nil { munmap(segment.base, SlabArena.segmentBytes) }
    bases.deallocate()
  }

  /// Bytes taken from the system (touched or not).
  var reservedBytes: Int { segments.count * SlabArena.segmentBytes }

  static func sizeClass(for bytes: Int) -> UInt8 {
    let granules = (bytes + granuleBytes - 1) / granuleBytes
    precondition(granules < classByGranules.count, "no cell is that large")
    return classByGranules[granules]
  }

  static func bytes(of sizeClass: UInt8) -> Int { sizes[Int(sizeClass)] }

  @inline(__always)
  func pointer(_ reference: UInt32) -> UnsafeMutablePointer<UInt8> {
    let base = bases[Int(reference &>> 14)].unsafelyUnwrapped
    return (base + Int(reference & 0x3fff) &* SlabArena.granuleBytes).assumingMemoryBound(to: UInt8.self)
  }

  /// A cell of at least `bytes`; its content is undefined. Nil if the system has no memory left.
  mutating func allocate(_ sizeClass: UInt8) -> UInt32? {
    let list = Int(sizeClass)
    var number = withRoom[list]
    if number < 0 {
      guard let fresh = takeSegment(for: sizeClass) else { return nil }
      number = fresh
    }
    let size = SlabArena.sizes[list]
    let index = Int(number)
    let offset: UInt32
    if segments[index].free != 0 {
      offset = segments[index].free - 1
      let cell = segments[index].base.unsafelyUnwrapped + Int(offset) * SlabArena.granuleBytes
      segments[index].free = cell.load(as: UInt32.self)
    } else {
      offset = segments[index].bump
      segments[index].bump += UInt32(size / SlabArena.granuleBytes)
    }
    segments[index].used += 1
    usedBytes += size
    if segments[index].free == 0, Int(segments[index].bump) * SlabArena.granuleBytes + size > SlabArena.segmentBytes {
      unlist(index)
    }
    return UInt32(number) << 14 | offset
  }

  mutating func free(_ reference: UInt32, _ sizeClass: UInt8) {
    let index = Int(reference >> 14)
    let offset = reference & 0x3fff
    precondition(segments[index].used > 0 && segments[index].sizeClass == sizeClass, "cell freed twice")
    let cell = segments[index].base.unsafelyUnwrapped + Int(offset) * SlabArena.granuleBytes
    cell.storeBytes(of: segments[index].free, as: UInt32.self)
    segments[index].free = offset + 1
    segments[index].used -= 1
    usedBytes -= SlabArena.sizes[Int(sizeClass)]
    if segments[index].used == 0
      && !(segments[index].isListed && segments[index].next < 0 && segments[index].previous < 0)
    {
      // The last segment of a class stays, so that one series coming and going does not map and unmap.
      vacate(index)
    } else if !segments[index].isListed {
      list(index)
    }
  }

  private mutating func takeSegment(for sizeClass: UInt8) -> Int32? {
    let index: Int
    if let reused = vacant.popLast() {
      index = Int(reused)
    } else {
      let memory = mmap(
        nil, SlabArena.segmentBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
      guard let memory, memory != MAP_FAILED else { return nil }
      index = segments.count
      segments.append(Segment(base: memory))
      remember(memory, at: index)
    }
    segments[index].sizeClass = sizeClass
    segments[index].used = 0
    segments[index].free = 0
    // Granule 0 of segment 0 is the reference that means "none".
    segments[index].bump = index == 0 ? UInt32(SlabArena.sizes[Int(sizeClass)] / SlabArena.granuleBytes) : 0
    list(index)
    return Int32(index)
  }

  private mutating func remember(_ base: UnsafeMutableRawPointer, at index: Int) {
    precondition(index < 1 << 18, "a shard's cells are bounded by their references")
    if index == basesCapacity {
      let larger = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: basesCapacity * 2)
      larger.initialize(repeating: nil, count: basesCapacity * 2)
      larger.update(from: bases, count: basesCapacity)
      bases.deallocate()
      bases = larger
      basesCapacity *= 2
    }
    bases[index] = base
  }

  private mutating func vacate(_ index: Int) {
    if segments[index].isListed { unlist(index) }
    madvise(segments[index].base, SlabArena.segmentBytes, MADV_DONTNEED)
    vacant.append(Int32(index))
  }

  private mutating func list(_ index: Int) {
    let list = Int(segments[index].sizeClass)
    let first = withRoom[list]
    segments[index].next = first
    segments[index].previous = -1
    segments[index].isListed = true
    if first >= 0 { segments[Int(first)].previous = Int32(index) }
    withRoom[list] = Int32(index)
  }

  private mutating func unlist(_ index: Int) {
    let segment = segments[index]
    if segment.previous >= 0 {
      segments[Int(segment.previous)].next = segment.next
    } else {
      withRoom[Int(segment.sizeClass)] = segment.next
    }
    if segment.next >= 0 { segments[Int(segment.next)].previous = segment.previous }
    segments[index].next = -1
    segments[index].previous = -1
    segments[index].isListed = false
  }

  /// For tests: `inUse` are all cells that somebody owns. No two overlap, none is free, and the counts are theirs.
  func checkInvariants(inUse: [SlabCell]) {
    var owners = Set<UInt32>()
    var cellsBySegment = [UInt32](repeating: 0, count: segments.count)
    var bytes = 0
    func claim(_ reference: UInt32, _ sizeClass: UInt8) {
      let segment = Int(reference >> 14)
      precondition(segment < segments.count && segments[segment].sizeClass == sizeClass, "a cell of another class")
      let granules = UInt32(SlabArena.bytes(of: sizeClass) / SlabArena.granuleBytes)
      precondition(reference & 0x3fff + granules <= segments[segment].bump, "a cell that was not handed out")
      for granule in reference..<(reference + granules) {
        precondition(granule != 0 && owners.insert(granule).inserted, "two owners of one cell")
      }
    }
    for cell in inUse {
      claim(cell.reference, cell.sizeClass)
      cellsBySegment[Int(cell.reference >> 14)] += 1
      bytes += SlabArena.bytes(of: cell.sizeClass)
    }
    precondition(bytes == usedBytes, "\(usedBytes) bytes counted, \(bytes) in use")
    let vacantSet = Set(vacant)
    precondition(vacantSet.count == vacant.count, "a segment is vacant twice")
    for (number, segment) in segments.enumerated() {
      precondition(segment.used == cellsBySegment[number], "a segment counts its cells")
      if vacantSet.contains(Int32(number)) {
        precondition(segment.used == 0 && !segment.isListed, "a vacant segment in use")
        continue
      }
      var free = segment.free
      while free != 0 {
        claim(UInt32(number) << 14 | (free - 1), segment.sizeClass)
        free = (segment.base.unsafelyUnwrapped + Int(free - 1) * SlabArena.granuleBytes).load(as: UInt32.self)
      }
      let size = SlabArena.bytes(of: segment.sizeClass)
      let hasRoom =
        segment.free != 0 || Int(segment.bump) * SlabArena.granuleBytes + size <= SlabArena.segmentBytes
      precondition(segment.isListed == hasRoom, "a segment with room is listed")
    }
    for (sizeClass, first) in withRoom.enumerated() { checkList(sizeClass, first) }
  }

  private func checkList(_ sizeClass: Int, _ first: Int32) {
    var previous: Int32 = -1
    var place = first
    while place >= 0 {
      let segment = segments[Int(place)]
      precondition(
        segment.isListed && Int(segment.sizeClass) == sizeClass && segment.previous == previous, "a list of segments")
      previous = place
      place = segment.next
    }
  }
}

/// A cell as its owner knows it.
struct SlabCell {
  var reference: UInt32
  var sizeClass: UInt8
}
