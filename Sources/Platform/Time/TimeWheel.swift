/// Calls what is due, on one thread for all: each call is short and waits for nobody. Any thread may set and
/// remove. Without `start` it turns only when somebody turns it, as tests do.
package final class TimeWheel: Sendable {
  package typealias Work = @Sendable () -> Void

  /// A place on the wheel, for one piece of work at a time.
  package struct Place: Sendable, Hashable {
    fileprivate var id: Int
  }

  private struct State {
    var queue = TimeQueue()
    var workByID: [Int: Work] = [:]
    var nextID = 0
    var isStopping = false
  }

  private enum Order { case turn, look, stop }

  package let clock: any Clock
  private let name: String
  private let state = Monitor(State())
  private let thread = Monitor<NamedThread?>(nil)

  /// - Parameter name: of its thread.
  package init(_ clock: any Clock, name: String) {
    self.clock = clock
    self.name = name
  }

  package func place() -> Place {
    state.withLock { state in
      state.nextID += 1
      return Place(id: state.nextID)
    }
  }

  /// Calls `work` once when the monotonic clock has come to `moment`; what was set for this place before is forgotten.
  package func set(_ place: Place, at moment: Int64, _ work: @escaping Work) {
    let isFirst = state.withLock { state in
      if state.isStopping { return false }
      state.queue.set(place.id, at: moment)
      state.workByID[place.id] = work
      return state.queue.first == moment
    }
    if isFirst { state.wakeAll() }
  }

  /// False where it was called already, or is being called.
  @discardableResult
  package func remove(_ place: Place) -> Bool {
    state.withLock { state in
      state.queue.remove(place.id)
      return state.workByID.removeValue(forKey: place.id) != nil
    }
  }

  /// Calls all that is due.
  package func turn() {
    let now = clock.monotonicNanoseconds()
    // What the calls set for now waits for the next turn, so that a turn ends.
    var due: [Work] = []
    state.withLock { state in
      while let (id, _) = state.queue.popDue(now) {
        if let work = state.workByID.removeValue(forKey: id) { due.append(work) }
      }
    }
    for work in due { work() }
  }

  /// The next moment at which something is due.
  package var next: Int64? { state.withLock { $0.queue.first } }

  package var count: Int { state.withLock { $0.queue.count } }

  package func start() throws(ThreadError) {
    let started = try NamedThread(name: name) { [self] in
      while waitForOrder() == .turn { turn() }
    }
    thread.withLock { $0 = started }
  }

  /// Nothing is called after this, but by who turns it.
  package func stop() {
    state.withLock { state in
      state.isStopping = true
      state.queue = TimeQueue()
      state.workByID = [:]
    }
    state.wakeAll()
    thread.withLock { $0 }?.join()
  }

  private func waitForOrder() -> Order {
    while true {
      let first = state.withLock { $0.queue.first }
      let deadline = first.map { Deadline(monotonicNanoseconds: $0, of: clock) } ?? .never
      let order = state.wait(until: deadline) { state -> Order? in
        if state.isStopping { return .stop }
        // The first moment has changed: wait for that one.
        return state.queue.first == first ? nil : .look
      }
      guard let order else { return .turn }
      if order == .stop { return .stop }
    }
  }
}
