/// The threads that wait for a moment of a clock that somebody moves by hand. Who moves it wakes them all, and each
/// looks whether its moment has come. Any thread may call.
package final class ClockWaiters: Sendable {
  private struct Waiters: Sendable {
    var wakeByID: [Int: @Sendable () -> Void] = [:]
    var nextID = 0
  }

  private let state = Monitor(Waiters())

  package init() {}

  func add(_ wake: @escaping @Sendable () -> Void) -> Int {
    let id = state.withLock { state in
      state.nextID += 1
      state.wakeByID[state.nextID] = wake
      return state.nextID
    }
    state.wakeAll()
    return id
  }

  func remove(_ id: Int) { state.withLock { _ = $0.wakeByID.removeValue(forKey: id) } }

  /// Wakes all waiters and forgets them: one whose moment has not come adds itself again. Holds no lock while it calls
  /// them, since they take their own.
  package func wakeAll() {
    let woken = state.withLock { state in
      defer { state.wakeByID.removeAll() }
      return Array(state.wakeByID.values)
    }
    for wake in woken { wake() }
  }

  /// Blocks until at least `count` threads wait.
  package func waitUntilCount(_ count: Int) {
    _ = state.wait { $0.wakeByID.count >= count ? true : nil }
  }
}
