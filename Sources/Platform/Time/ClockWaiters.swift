/// The threads that wait for a moment of a clock that is moved by hand; whoever moves it wakes them all, and each looks
/// whether its moment has come. Any thread may call.
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

  /// Those who are woken are no waiters any more: one whose moment has not come adds itself again. They take their own
  /// locks, so none is held here while they are called.
  package func wakeAll() {
    let woken = state.withLock { state in
      defer { state.wakeByID.removeAll() }
      return Array(state.wakeByID.values)
    }
    for wake in woken { wake() }
  }

  /// Blocks until so many threads wait.
  package func waitUntilCount(_ count: Int) {
    _ = state.wait { $0.wakeByID.count >= count ? true : nil }
  }
}
