// The memory of posting lists: blocks of 16 bytes to 2 KiB in eight size classes, addressed by a 32-bit number of 16-byte
// units, carved from slabs of 1 MiB that are kept until the end; freed blocks wait in a list per class. Owned by one
// `HeadPostings`, single-threaded.
//
//   block    next block (u32, 0 at the end), payload (size - 4 bytes)
struct PostingsBlocks: ~Copyable {
  static let classCount = 8
  static let linkBytes = 4
  private static let unitBytes = 16
  private static let slabUnits = 1 << 16

  private var slabs: UnsafeMutablePointer<UnsafeMutableRawPointer>
  private var slabCapacity = 16
  private(set) var slabCount = 0
  private var openUnit: UInt32 = 0
  private var openUnitEnd: UInt32 = 0
  private let free: UnsafeMutablePointer<UInt32>
  /// Bytes of blocks that lists hold.
  private(set) var byteCount = 0

  init() {
    slabs = .allocate(capacity: slabCapacity)
    free = .allocate(capacity: PostingsBlocks.classCount)
    free.initialize(repeating: 0, count: PostingsBlocks.classCount)
  }

  deinit {
    for index in 0..<slabCount { slabs[index].deallocate() }
    slabs.deallocate()
    free.deallocate()
  }

  @inline(__always) static func blockBytes(_ sizeClass: Int) -> Int { unitBytes &<< sizeClass }
  @inline(__always) static func payloadBytes(_ sizeClass: Int) -> Int { blockBytes(sizeClass) &- linkBytes }

  @inline(__always) func address(_ block: UInt32) -> UnsafeMutableRawPointer {
    slabs[Int(block &>> 16)] + Int(block & 0xffff) &* PostingsBlocks.unitBytes
  }

  @inline(__always) func payload(_ block: UInt32) -> UnsafeMutableRawPointer {
    address(block) + PostingsBlocks.linkBytes
  }

  @inline(__always) func next(_ block: UInt32) -> UInt32 { address(block).load(as: UInt32.self) }
  @inline(__always) func link(_ block: UInt32, to next: UInt32) {
    address(block).storeBytes(of: next, as: UInt32.self)
  }

  /// A block without a successor. Its payload is not cleared.
  mutating func take(_ sizeClass: Int) -> UInt32 {
    byteCount += PostingsBlocks.blockBytes(sizeClass)
    let reused = free[sizeClass]
    if reused != 0 {
      free[sizeClass] = next(reused)
      link(reused, to: 0)
      return reused
    }
    let units: UInt32 = 1 << UInt32(sizeClass)
    if openUnitEnd - openUnit < units { openSlab() }
    let block = openUnit
    openUnit += units
    link(block, to: 0)
    return block
  }

  mutating func give(_ block: UInt32, _ sizeClass: Int) {
    byteCount -= PostingsBlocks.blockBytes(sizeClass)
    link(block, to: free[sizeClass])
    free[sizeClass] = block
  }

  private mutating func openSlab() {
    // What is left of the slab serves smaller classes. `take` asks for at most 128 units, so this is a short tail.
    while openUnit < openUnitEnd {
      let sizeClass = min(31 - (openUnitEnd - openUnit).leadingZeroBitCount, PostingsBlocks.classCount - 1)
      byteCount += PostingsBlocks.blockBytes(sizeClass)
      let rest = openUnit
      openUnit += 1 << UInt32(sizeClass)
      give(rest, sizeClass)
    }
    precondition(slabCount < 1 << 16, "64 GiB of postings")
    if slabCount == slabCapacity {
      let larger = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: slabCapacity * 2)
      larger.moveInitialize(from: slabs, count: slabCount)
      slabs.deallocate()
      slabs = larger
      slabCapacity *= 2
    }
    let bytes = PostingsBlocks.slabUnits * PostingsBlocks.unitBytes
    (slabs + slabCount).initialize(to: .allocate(byteCount: bytes, alignment: 16))
    // Unit 0 of the first slab stays unused: block 0 means "none".
    openUnit = UInt32(slabCount) << 16 | (slabCount == 0 ? 1 : 0)
    openUnitEnd = UInt32(truncatingIfNeeded: (slabCount + 1) << 16)
    slabCount += 1
  }
}
