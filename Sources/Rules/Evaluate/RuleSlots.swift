import Platform
import Synchronization

/// The right to evaluate a rule beside another one of its group: so many at once over all groups. Any thread.
package final class RuleSlots: Sendable {
  private let taken = Mutex(0)

  package init() {}

  func take(of maximum: Int) -> Bool {
    taken.withLock { taken in
      if taken >= maximum { return false }
      taken += 1
      return true
    }
  }

  func give() { taken.withLock { $0 -= 1 } }
}

/// Numbers that several threads work through, each of them once. The thread that made it takes part, so that it ends whoever
/// comes to help. Any thread.
final class SharedBatch: Sendable {
  private struct State {
    var next = 0
    var ended = 0
  }

  private let count: Int
  private let body: @Sendable (Int) -> Void
  private let state = Monitor(State())

  init(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    self.count = count
    self.body = body
  }

  /// Works until no number is left.
  func work() {
    while let number = state.withLock({ state -> Int? in
      if state.next == count { return nil }
      defer { state.next += 1 }
      return state.next
    }) {
      body(number)
      let isLast = state.withLock { state in
        state.ended += 1
        return state.ended == count
      }
      if isLast { state.wakeAll() }
    }
  }

  /// Returns when all numbers are worked through.
  func wait() {
    let _: Void? = state.wait { $0.ended == count ? () : nil }
  }
}
