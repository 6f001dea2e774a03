/// Reads the tokens of a posting list as runs of neighbouring ids. The bytes belong to somebody else (`PostingsCopy`).
struct PostingsRuns {
  private var at: UnsafeRawPointer
  private let end: UnsafeRawPointer
  private var last: UInt64 = UInt64.max - 1

  init(_ bytes: UnsafeRawBufferPointer) {
    // An empty buffer may have no address; any one does for a range of no bytes.
    at = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
    end = at + bytes.count
  }

  /// The next run, at least two ids behind the one before it; nil at the end.
  @inline(__always) mutating func next() -> (first: UInt32, count: UInt32)? {
    if at == end { return nil }
    let first = last &+ uvarint()
    var count: UInt32 = 1
    if at != end {
      let token = at.load(as: UInt8.self)
      if token == 0 {
        at += 1
        count = 2
      } else if token == 1 {
        at += 1
        count &+= UInt32(truncatingIfNeeded: uvarint())
      }
    }
    last = first &+ UInt64(count) &- 1
    return (UInt32(truncatingIfNeeded: first), count)
  }

  @inline(__always) private mutating func uvarint() -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while at != end {
      let byte = at.load(as: UInt8.self)
      at += 1
      value |= UInt64(byte & 0x7f) &<< shift
      if byte < 0x80 { break }
      shift &+= 7
    }
    return value
  }
}

/// Posting lists copied out of the index in their coded form (about a byte per id), so that everything that takes time is
/// done without its lock. Reused by `removeAll`.
package struct PostingsCopy: ~Copyable {
  struct Entry {
    var offset: Int
    var byteCount: Int
    var count: Int
    var last: UInt32
  }

  private var base: UnsafeMutableRawPointer
  private var capacity = 1 << 10
  private(set) var byteCount = 0
  private(set) var entries: [Entry] = []

  package init() { base = .allocate(byteCount: capacity, alignment: 16) }

  deinit { base.deallocate() }

  /// The number of lists.
  package var listCount: Int { entries.count }

  package mutating func removeAll() {
    byteCount = 0
    entries.removeAll(keepingCapacity: true)
  }

  mutating func append(_ list: UnsafePointer<PostingsList>, of blocks: borrowing PostingsBlocks) {
    let room = blocks.codedBytesMax(list.pointee)
    if capacity - byteCount < room {
      let larger = max(capacity * 2, byteCount + room)
      let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
      moved.copyMemory(from: base, byteCount: byteCount)
      base.deallocate()
      base = moved
      capacity = larger
    }
    let written = blocks.copy(list, to: base + byteCount)
    entries.append(
      Entry(offset: byteCount, byteCount: written, count: Int(list.pointee.count), last: list.pointee.last))
    byteCount += written
  }

  /// The runs of a list; valid until the copy changes or ends.
  func runs(_ index: Int) -> PostingsRuns {
    let entry = entries[index]
    return PostingsRuns(UnsafeRawBufferPointer(start: base + entry.offset, count: entry.byteCount))
  }

  /// The ids of a list, for tests and small lists.
  package func ids(_ index: Int) -> [UInt32] {
    var ids: [UInt32] = []
    ids.reserveCapacity(entries[index].count)
    var runs = runs(index)
    while let run = runs.next() {
      for step in 0..<run.count { ids.append(run.first + step) }
    }
    return ids
  }
}
