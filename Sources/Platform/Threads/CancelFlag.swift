import Synchronization

/// Says that work is no longer wanted (its client is gone, the server stops). Set once, by any thread; the worker looks
/// at it between batches.
package final class CancelFlag: Sendable {
  private let flag = Atomic<Bool>(false)

  package init() {}

  package func cancel() { flag.store(true, ordering: .releasing) }
  package var isCancelled: Bool { flag.load(ordering: .acquiring) }
}
