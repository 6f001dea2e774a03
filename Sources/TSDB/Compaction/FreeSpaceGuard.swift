/// The decision whether the database may write, from the free bytes of its disk. Pure; the owner asks it now and then.
///
/// It closes below the limit, and opens again a quarter above it, so that it does not flutter where every small write
/// crosses the border.
package struct FreeSpaceGuard: Sendable, Equatable {
  package enum Change: Sendable { case closed, opened }

  package private(set) var isClosed = false

  package init() {}

  /// The free bytes from which a closed guard opens again.
  package static func reopeningBytes(_ freeBytesMin: Int) -> Int { freeBytesMin + freeBytesMin / 4 }

  /// - Parameter freeBytesMin: 0 turns the guard off.
  package mutating func update(freeBytes: Int, freeBytesMin: Int) -> Change? {
    let isWanted =
      freeBytesMin > 0 && freeBytes < (isClosed ? FreeSpaceGuard.reopeningBytes(freeBytesMin) : freeBytesMin)
    defer { isClosed = isWanted }
    return isWanted == isClosed ? nil : isWanted ? .closed : .opened
  }
}
