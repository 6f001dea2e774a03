import Synchronization

/// Works of one job that may wait for something: one at a time, in the order they came, on threads that all jobs share, so
/// that a job whose token server is silent holds up no other. Any thread.
final class SerialWorks: Sendable {
  private struct State: Sendable {
    var waiting: [@Sendable () -> Void] = []
    var isRunning = false
  }

  private let state = Mutex(State())

  /// Runs a work, after those that came before; false where there is no thread for it.
  func add(_ work: @escaping @Sendable () -> Void, on submit: Scraper.Submit) -> Bool {
    let isFirst = state.withLock { state in
      state.waiting.append(work)
      defer { state.isRunning = true }
      return !state.isRunning
    }
    if !isFirst || submit({ self.runAll() }) { return true }
    // Those that came meanwhile have been told that they will run.
    let rest = state.withLock { state in
      state.isRunning = false
      defer { state.waiting = [] }
      return state.waiting.dropFirst()
    }
    for work in rest { work() }
    return false
  }

  private func runAll() {
    while let next = state.withLock({ state -> (@Sendable () -> Void)? in
      if !state.waiting.isEmpty { return state.waiting.removeFirst() }
      state.isRunning = false
      return nil
    }) { next() }
  }
}
