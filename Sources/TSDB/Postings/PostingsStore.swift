// The posting lists of one index by number, in pieces that never move, with the blocks they use. Numbers of removed lists
// are used again. Owned by one `HeadPostings`, single-threaded.
struct PostingsStore: ~Copyable {
  private static let pieceShift = 10
  private static let pieceCount = 1 << pieceShift

  var blocks = PostingsBlocks()
  private var pieces: UnsafeMutablePointer<UnsafeMutablePointer<PostingsList>>
  private var pieceCapacity = 16
  private var pieceCount = 0
  private var count = 0
  private var firstFree: UInt32?

  init() { pieces = .allocate(capacity: pieceCapacity) }

  deinit {
    for index in 0..<pieceCount { pieces[index].deallocate() }
    pieces.deallocate()
  }

  var byteCount: Int { blocks.byteCount + pieceCount * PostingsStore.pieceCount * MemoryLayout<PostingsList>.stride }

  @inline(__always) subscript(list: UInt32) -> UnsafeMutablePointer<PostingsList> {
    pieces[Int(list &>> UInt32(PostingsStore.pieceShift))] + Int(list) & (PostingsStore.pieceCount &- 1)
  }

  @inline(__always) mutating func append(_ id: UInt32, to list: UInt32) { blocks.append(id, to: self[list]) }

  /// The number of a new, empty list.
  mutating func makeList() -> UInt32 {
    if let free = firstFree {
      // A free list's `head` holds the next free number, one above, 0 for none.
      let following = self[free].pointee.head
      firstFree = following == 0 ? nil : following - 1
      self[free].pointee = PostingsList()
      return free
    }
    if count == pieceCount << PostingsStore.pieceShift { addPiece() }
    precondition(count < Int(UInt32.max), "2^32 label pairs")
    let list = UInt32(count)
    count += 1
    self[list].initialize(to: PostingsList())
    return list
  }

  mutating func removeList(_ list: UInt32) {
    blocks.clear(self[list])
    self[list].pointee.head = firstFree.map { $0 + 1 } ?? 0
    firstFree = list
  }

  private mutating func addPiece() {
    if pieceCount == pieceCapacity {
      let larger = UnsafeMutablePointer<UnsafeMutablePointer<PostingsList>>.allocate(capacity: pieceCapacity * 2)
      larger.moveInitialize(from: pieces, count: pieceCount)
      pieces.deallocate()
      pieces = larger
      pieceCapacity *= 2
    }
    (pieces + pieceCount).initialize(to: .allocate(capacity: PostingsStore.pieceCount))
    pieceCount += 1
  }
}
