import Platform
import Synchronization

/// Where blocks tell what they could not read: the counters of all blocks together, and the log. Any thread.
package struct BlockReport: Sendable {
  /// Chunks, and series, that are damaged.
  package let unreadable: Counter
  /// Chunks of an encoding that is not known here.
  package let unsupported: Counter
  private let log: Log?

  package init(log: Log? = nil, unreadable: Counter = Counter(), unsupported: Counter = Counter()) {
    self.log = log
    self.unreadable = unreadable
    self.unsupported = unsupported
  }

  func tell(_ block: String, _ what: String) {
    log?.error(
      "A block is damaged; what cannot be read is missing from answers, further damage of the block is only counted",
      ["block": block, "err": what])
  }
}

/// What one block could not read since it was opened. Any thread.
final class BlockDamage: Sendable {
  let unreadable = Counter()
  private let isTold = Atomic<Bool>(false)

  /// True the first time.
  func count() -> Bool {
    unreadable.add()
    return !isTold.exchange(true, ordering: .relaxed)
  }
}
