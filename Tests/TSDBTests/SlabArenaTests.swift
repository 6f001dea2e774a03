import TestKit
import Testing

@testable import TSDB

@Suite struct SlabArenaTests {
  @Test("every size up to the largest has a cell that holds it, and the next smaller class does not")
  func sizeClasses() {
    for bytes in 1...SlabArena.sizes[SlabArena.sizes.count - 1] {
      let sizeClass = SlabArena.sizeClass(for: bytes)
      #expect(SlabArena.bytes(of: sizeClass) >= bytes)
      if sizeClass > 0 { #expect(SlabArena.bytes(of: sizeClass - 1) < bytes) }
    }
  }

  @Test("cells never overlap and keep their bytes, in random walks of allocating and freeing")
  func randomWalk() {
    for seed in 1...6 as ClosedRange<UInt64> {
      var random = RandomSource(seed: seed)
      var arena = SlabArena()
      var cells: [(cell: SlabCell, fill: UInt8)] = []
      // Drift up, then down, then up again, so that segments fill, empty and change their class.
      for step in 0..<6000 {
        let grows = (step / 2000) % 2 == 0
        if cells.isEmpty || random.below(100) < (grows ? 70 : 20) {
          let sizeClass = UInt8(random.below(4) == 0 ? random.below(SlabArena.sizes.count) : random.below(3) + 12)
          guard let reference = arena.allocate(sizeClass) else {
            Issue.record("no memory")
            return
          }
          #expect(reference != 0)
          let fill = UInt8(truncatingIfNeeded: random.next())
          arena.pointer(reference).update(repeating: fill, count: SlabArena.bytes(of: sizeClass))
          cells.append((SlabCell(reference: reference, sizeClass: sizeClass), fill))
        } else {
          let gone = cells.remove(at: random.below(cells.count))
          checkBytes(arena, gone.cell, gone.fill)
          arena.free(gone.cell.reference, gone.cell.sizeClass)
        }
        if step % 500 == 0 { arena.checkInvariants(inUse: cells.map(\.cell)) }
      }
      arena.checkInvariants(inUse: cells.map(\.cell))
      for (cell, fill) in cells { checkBytes(arena, cell, fill) }
    }
  }

  private func checkBytes(_ arena: borrowing SlabArena, _ cell: SlabCell, _ fill: UInt8) {
    let bytes = UnsafeBufferPointer(
      start: arena.pointer(cell.reference), count: SlabArena.bytes(of: cell.sizeClass))
    #expect(bytes.allSatisfy { $0 == fill }, "the bytes of a cell of seed or class \(cell.sizeClass)")
  }

  @Test("freed segments serve other sizes: memory in use follows, and the system's share does not grow without end")
  func reuse() {
    var arena = SlabArena()
    var reserved = 0
    for round in 0..<SlabArena.sizes.count {
      let sizeClass = UInt8(round)
      let count = 3 * SlabArena.segmentBytes / SlabArena.bytes(of: sizeClass)
      let cells = (0..<count).compactMap { _ in arena.allocate(sizeClass) }
      #expect(cells.count == count && arena.usedBytes == count * SlabArena.bytes(of: sizeClass))
      for cell in cells { arena.free(cell, sizeClass) }
      #expect(arena.usedBytes == 0)
      arena.checkInvariants(inUse: [])
      if round == 0 { reserved = arena.reservedBytes }
      // Of each class one empty segment may stay.
      #expect(arena.reservedBytes <= reserved + round * SlabArena.segmentBytes)
    }
  }

  @Test("one series coming and going maps nothing new")
  func lastSegmentStays() {
    var arena = SlabArena()
    for _ in 0..<1000 {
      guard let cell = arena.allocate(5) else {
        Issue.record("no memory")
        return
      }
      arena.free(cell, 5)
      #expect(arena.reservedBytes == SlabArena.segmentBytes)
    }
  }
}
