import Platform
import Query
import Synchronization

/// The threads on which the rules of all workspaces are evaluated, apart from those of clients' queries: a wheel that says when
/// a group is due, and a lane. They start with the first group. Any thread.
///
/// Groups that are due wait in the order in which they came; each waits at most once. So their number is bounded by that of the
/// groups that are configured.
package final class RuleWork: Sendable {
  package typealias Task = @Sendable () -> Void

  private struct State {
    var ready: [Task] = []
    /// The place of the first that waits; those before it have been taken.
    var first = 0
    var lane: QueryLane?
    var isStopped = false

    var waiting: Int { ready.count - first }

    mutating func take() -> Task? {
      if first == ready.count { return nil }
      let task = ready[first]
      ready[first] = {}
      first += 1
      if first == ready.count || first >= 1024 {
        ready.removeFirst(first)
        first = 0
      }
      return task
    }
  }

  package let clock: any Clock
  let wheel: TimeWheel
  /// Set when evaluations that run are to end at once.
  private let cancel = CancelFlag()
  private let state = Mutex(State())
  private let concurrency: Int
  private let startsThreads: Bool
  /// Rules that are evaluated beside others of their group.
  let slots = RuleSlots()

  /// - Parameter concurrency: evaluations at once, over all workspaces.
  package convenience init(clock: any Clock, concurrency: Int = max(4, Processors.count)) {
    self.init(clock: clock, concurrency: concurrency, startsThreads: true)
  }

  /// Without threads it is the caller's turn to turn the wheel and to run what is ready.
  init(clock: any Clock, concurrency: Int = 1, startsThreads: Bool) {
    self.startsThreads = startsThreads
    self.clock = clock
    self.concurrency = concurrency
    wheel = TimeWheel(clock, name: "rule-wheel")
  }

  /// Starts the threads, unless they run already.
  package func start() throws(ThreadError) {
    try state.withLock { (state) throws(ThreadError) in
      if state.lane != nil || state.isStopped || !startsThreads { return }
      state.lane = try QueryLane(name: "rules", concurrencyMax: concurrency, queuedMax: concurrency)
      try wheel.start()
    }
  }

  /// True if tasks wait for a thread.
  var isBehind: Bool { state.withLock { $0.waiting > 0 } }

  var isCanceled: @Sendable () -> Bool { { [cancel] in cancel.isCancelled } }

  /// Runs a task on the lane, behind those that wait.
  func run(_ task: @escaping Task) {
    let lane = state.withLock { state -> QueryLane? in
      if state.isStopped { return nil }
      state.ready.append(task)
      return state.lane
    }
    // Where the lane is full of calls of this kind, one of them takes the task.
    if let lane { _ = lane.submit { [self] in runReady() } }
  }

  /// Runs a task on a thread of the lane that has nothing to do; false where there is none.
  func runAside(_ task: @escaping Task) -> Bool {
    let lane = state.withLock { $0.isStopped || $0.waiting > 0 ? nil : $0.lane }
    guard let lane, lane.activeCount < lane.concurrencyMax else { return false }
    return lane.submit(task)
  }

  /// Takes tasks until none waits.
  func runReady() {
    while let task = state.withLock({ $0.take() }) { task() }
  }

  /// Ends the threads. What runs may end by itself for so long, and is canceled then.
  package func stop(within milliseconds: Int64) {
    wheel.stop()
    let lane = state.withLock { state in
      state.isStopped = true
      state.ready = []
      state.first = 0
      return state.lane
    }
    guard let lane else { return }
    if lane.stop(within: milliseconds) { return }
    cancel.cancel()
    _ = lane.stop(within: Self.canceledMilliseconds)
  }

  /// The time in which an evaluation that is canceled notices it.
  private static let canceledMilliseconds: Int64 = 2_000
}
