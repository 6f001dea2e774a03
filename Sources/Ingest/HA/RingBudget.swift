import Synchronization

/// The bytes that the follower rings of all workspaces may hold together. Each ring takes what it is about to keep and gives back
/// what it drops; one that gets nothing drops its own oldest bodies. Any thread.
package final class RingBudget: Sendable {
  /// Rings of the largest size that may be full at once.
  package static let fullRings = 4

  private let bytesMax: Atomic<Int>
  private let held = Atomic<Int>(0)

  package init(bytesMax: Int = .max) { self.bytesMax = Atomic(bytesMax) }

  package var heldBytes: Int { held.load(ordering: .relaxed) }

  /// Allows four full rings of the largest size. Bytes held beyond that stay until their rings drop them.
  package func reconfigure(ringBytesMax: Int) {
    let (bytes, isTooLarge) = ringBytesMax.multipliedReportingOverflow(by: RingBudget.fullRings)
    bytesMax.store(isTooLarge ? .max : bytes, ordering: .relaxed)
  }

  /// Takes `bytes` of the budget; false where they do not fit, and then it takes nothing.
  func take(_ bytes: Int) -> Bool {
    let now = held.wrappingAdd(bytes, ordering: .relaxed).newValue
    if now <= bytesMax.load(ordering: .relaxed) { return true }
    held.wrappingSubtract(bytes, ordering: .relaxed)
    return false
  }

  func giveBack(_ bytes: Int) { held.wrappingSubtract(bytes, ordering: .relaxed) }
}
