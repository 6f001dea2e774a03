import Platform
import Synchronization

/// The reports of blocks that could not read something: the counters of all blocks together, and the log. Any thread.
package struct BlockReport: Sendable {
  /// The number of damaged chunks and series met.
  package let unreadable: Counter
  /// The number of chunks met whose encoding is not known here.
  package let unsupported: Counter
  private let log: Log?

  package init(log: Log? = nil, unreadable: Counter = Counter(), unsupported: Counter = Counter()) {
    self.log = log
    self.unreadable = unreadable
    self.unsupported = unsupported
  }

  func tell(_ block: String, _ what: String) {
    log?.error(
      "A block is damaged; what cannot be read is missing from answers, further damage of this kind is only counted",
      ["block": block, "err": what])
  }
}

/// The damage that one block has met since it was opened. Any thread.
final class BlockDamage: Sendable {
  /// The causes of damage; each is logged once for a block.
  enum Cause: UInt8 { case index = 1, series = 2, labels = 4, chunk = 8, samples = 16, encoding = 32 }

  let unreadable = Counter()
  private let told = Atomic<UInt8>(0)

  /// Counts a damage; true the first time of this cause.
  func count(_ cause: Cause) -> Bool {
    unreadable.add()
    return told.bitwiseOr(cause.rawValue, ordering: .relaxed).oldValue & cause.rawValue == 0
  }
}
