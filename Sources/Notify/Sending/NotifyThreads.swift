import HTTP
import Outbound
import Platform

/// A part of the notifier that has its turn when something is due. Its turns come one at a time; they are short.
protocol NotifyPart: AnyObject, Sendable {
  func turn() -> NotifyTurn
}

/// The outcome of a turn.
enum NotifyTurn: Sendable, Equatable {
  /// Nothing to do until somebody wakes the threads.
  case idle
  /// The next turn is due at this moment of the monotonic clock.
  case at(Int64)
  /// There are no more turns: the part has ended.
  case ended
}

/// The earlier of two turns.
func min(_ one: NotifyTurn, _ two: NotifyTurn) -> NotifyTurn {
  switch (one, two) {
  case (.at(let one), .at(let two)): .at(Swift.min(one, two))
  case (.idle, _): two
  default: one
  }
}

/// The threads that all parts of a notifier share: `notify` says whose turn it is, `notify-fetch` has all exchanges,
/// `notify-N` read credentials and files. They begin with the first part. Any thread.
final class NotifyThreads: Sendable {
  /// Threads that may wait for something.
  private static let workersCount = 4
  /// Works that wait for one of them; more are refused, and come again.
  private static let worksMax = 4_096
  /// Requests of one receiver follow each other, so that there are no more of them than receivers.
  private static let exchangesMax = 256

  private struct State {
    var parts: [ObjectIdentifier: any NotifyPart] = [:]
    var isWoken = false
    var isEnding = false
  }

  private struct Running {
    var loop: ExchangeLoop
    var workers: WorkerPool
    var turns: NamedThread
  }

  let clock: any Clock
  private let state = Monitor(State())
  private let running = Monitor<Running?>(nil)

  init(_ clock: any Clock) { self.clock = clock }

  /// Adds a part and gives it its first turn. Throws where there are no threads, and nothing runs then.
  func add(_ part: any NotifyPart) throws(ThreadError) {
    try running.withLock { running throws(ThreadError) in
      if running == nil { running = try start() }
    }
    state.withLock { state in
      state.parts[ObjectIdentifier(part)] = part
      state.isWoken = true
    }
    state.wakeAll()
  }

  /// Gives all parts a turn soon.
  func wake() {
    state.withLock { $0.isWoken = true }
    state.wakeAll()
  }

  /// The loop of the exchanges; nil before the first part and after the stop.
  var loop: ExchangeLoop? { running.withLock { $0?.loop } }

  /// Gives a work that may wait to a thread; false where there is none.
  func work(_ work: @escaping @Sendable () -> Void) -> Bool {
    let workers = running.withLock { $0?.workers }
    return workers?.submit(work) ?? false
  }

  /// True once no part is left; waits for it until the deadline.
  func waitUntilEnded(_ deadline: Deadline) -> Bool {
    state.wait(until: deadline) { $0.parts.isEmpty ? true : nil } ?? false
  }

  /// Gives up the exchanges that are left, and ends the threads.
  func stop() {
    state.withLock { $0.isEnding = true }
    state.wakeAll()
    let last = running.withLock { running in
      defer { running = nil }
      return running
    }
    guard let last else { return }
    last.turns.join()
    last.loop.stop()
    _ = last.workers.stop(within: 500)
    state.withLock { $0.parts = [:] }
  }

  private func start() throws(ThreadError) -> Running {
    var limits = ExchangeLoop.Limits()
    limits.exchangesMax = Self.exchangesMax
    limits.connectionsMax = Self.exchangesMax
    let workers = try WorkerPool(name: "notify", threadCount: Self.workersCount, queueLimit: Self.worksMax)
    let loop = try ExchangeLoop(name: "notify-fetch", limits: limits)
    let turns = try NamedThread(name: "notify") { [self] in
      while let parts = waitForTurn() { takeTurns(parts) }
    }
    return Running(loop: loop, workers: workers, turns: turns)
  }

  /// Only the thread of the turns: the moment of the next one, if there is any.
  private let next = Monitor<Int64?>(nil)

  private func takeTurns(_ parts: [any NotifyPart]) {
    var first: Int64?
    var ended: [any NotifyPart] = []
    for part in parts {
      switch part.turn() {
      case .idle: break
      case .at(let moment): first = min(first ?? .max, moment)
      case .ended: ended.append(part)
      }
    }
    next.withLock { $0 = first }
    if ended.isEmpty { return }
    state.withLock { state in
      for part in ended { state.parts[ObjectIdentifier(part)] = nil }
    }
    state.wakeAll()
  }

  /// The parts whose turn it is; nil at the end.
  private func waitForTurn() -> [any NotifyPart]? {
    let deadline = next.withLock { $0 }.map { Deadline(monotonicNanoseconds: $0, of: clock) } ?? .never
    let order = state.wait(until: deadline) { state -> [any NotifyPart]?? in
      if state.isEnding { return .some(nil) }
      guard state.isWoken else { return nil }
      state.isWoken = false
      return .some(Array(state.parts.values))
    }
    return order
      ?? state.withLock { state in
        state.isWoken = false
        return Array(state.parts.values)
      }
  }
}
