/// A list of series as an index holds it: references of 32 bits, ascending; read in place. Whoever made the file may not
/// have kept the order, so readers look at it where it matters.
package struct IndexPostings: @unchecked Sendable {
  private let base: UnsafeRawPointer?
  package let count: Int

  package static let none = IndexPostings()

  private init() {
    base = nil
    count = 0
  }

  /// The list at an offset of a file, its checksum right.
  init(_ file: UnsafeRawBufferPointer, at offset: Int, before end: Int) throws(IndexDamage) {
    let body = try IndexContents.part("list of series", of: file, at: offset, before: end)
    var reader = ByteReader(body)
    guard let count = reader.bigEndian(UInt32.self), body.count == 4 * (Int(count) + 1) else {
      throw IndexDamage("the length of a list of series is wrong", at: offset)
    }
    base = body.baseAddress.map { $0 + 4 }
    self.count = Int(count)
  }

  package subscript(place: Int) -> UInt32 {
    @inline(__always) get {
      precondition(place >= 0 && place < count, "a list is read within its bounds")
      return UInt32(bigEndian: base.unsafelyUnwrapped.loadUnaligned(fromByteOffset: 4 &* place, as: UInt32.self))
    }
  }

  /// Appends the references; false, and nothing, where they do not ascend.
  package func append(to references: inout [UInt32]) -> Bool {
    if !isSorted { return false }
    references.reserveCapacity(references.count + count)
    for place in 0..<count { references.append(self[place]) }
    return true
  }

  package var isSorted: Bool {
    for place in 0..<max(count - 1, 0) where self[place] >= self[place + 1] { return false }
    return true
  }

  /// The first place from `start` on whose reference is at least `reference`: steps that double, then a binary search.
  package func gallop(_ start: Int, to reference: UInt32) -> Int {
    var low = start
    var step = 1
    var high = start
    while high < count, self[high] < reference {
      low = high + 1
      high += step
      step *= 2
    }
    high = min(high, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle] < reference { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
