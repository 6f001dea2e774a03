import Platform

/// Calls refreshes when they are due, on threads that all share. One waits for the next moment; others come as refreshes
/// take long, so that a server that does not answer holds no other up, and go when there is nothing for them. Any thread.
final class RefreshSchedule: Sendable {
  /// Refreshes that run at once; others wait.
  static let threadsMax = 16
  /// A thread without work ends after so long, where another one waits.
  static let idleMillisecondsMax: Int64 = 60_000
  /// A shorter interval is this long.
  static let intervalMillisecondsMin: Int64 = 100

  typealias Body = @Sendable (CancelFlag) -> Void

  private struct Refresh: Sendable {
    let body: Body
    let intervalNanoseconds: Int64
    let flag = CancelFlag()
    var dueNanoseconds: Int64
    var isRunning = false
    /// Asked for while it runs.
    var hastenedNanoseconds: Int64?
  }

  private struct State: Sendable {
    var refreshes: [Int: Refresh] = [:]
    var added = 0
    var threads: [Int: NamedThread] = [:]
    var threadsStarted = 0
    var threadCount = 0
    var idleCount = 0
    var isStopping = false

    /// The one to run next.
    var next: (id: Int, dueNanoseconds: Int64)? {
      var best: (id: Int, dueNanoseconds: Int64)?
      for (id, refresh) in refreshes where !refresh.isRunning {
        if best.map({ (refresh.dueNanoseconds, id) < ($0.dueNanoseconds, $0.id) }) ?? true {
          best = (id, refresh.dueNanoseconds)
        }
      }
      return best
    }

    /// True if somebody has to wait for the next moment and nobody does. Takes the place of a thread.
    mutating func takesThread() -> Bool {
      guard !isStopping, idleCount == 0, threadCount < RefreshSchedule.threadsMax, next != nil else { return false }
      threadCount += 1
      idleCount += 1
      return true
    }
  }

  let clock: any Clock
  private let log: Log
  private let state = Monitor(State())

  init(clock: any Clock, log: Log) {
    self.clock = clock
    self.log = log
  }

  /// A number for `add`, so that its owner knows it before the first call.
  func newID() -> Int {
    state.withLock { state in
      state.added += 1
      return state.added
    }
  }

  /// Calls `body` at once, then once per interval, never twice at a time. Moments that are missed are not made up for.
  func add(_ id: Int, intervalMilliseconds: Int64, _ body: @escaping Body) {
    let interval = max(intervalMilliseconds, RefreshSchedule.intervalMillisecondsMin)
    let now = clock.monotonicNanoseconds()
    let wantsThread = state.withLock { state in
      if state.isStopping { return false }
      let nanoseconds = interval.multipliedReportingOverflow(by: 1_000_000)
      state.refreshes[id] = Refresh(
        body: body, intervalNanoseconds: nanoseconds.overflow ? .max : nanoseconds.partialValue, dueNanoseconds: now)
      return state.takesThread()
    }
    state.wakeAll()
    if wantsThread { startThread() }
  }

  /// The next call comes no later than this; where one runs now, another one comes.
  func hasten(_ id: Int, milliseconds: Int64) {
    let moment = clock.monotonicNanoseconds() + milliseconds * 1_000_000
    state.withLock { state in
      guard let refresh = state.refreshes[id] else { return }
      if refresh.isRunning {
        state.refreshes[id]?.hastenedNanoseconds = min(refresh.hastenedNanoseconds ?? .max, moment)
      } else {
        state.refreshes[id]?.dueNanoseconds = min(refresh.dueNanoseconds, moment)
      }
    }
    state.wakeAll()
  }

  /// No call begins after this, and one that runs is asked to end.
  func remove(_ id: Int) { state.withLock { $0.refreshes.removeValue(forKey: id) }?.flag.cancel() }

  /// No call begins after this, and those that run have ended.
  func stop() {
    let threads = state.withLock { state in
      state.isStopping = true
      for refresh in state.refreshes.values { refresh.flag.cancel() }
      state.refreshes.removeAll()
      defer { state.threads.removeAll() }
      return Array(state.threads.values)
    }
    state.wakeAll()
    for thread in threads { thread.join() }
  }

  // MARK: threads

  private func startThread() {
    let number = state.withLock { state in
      state.threadsStarted += 1
      return state.threadsStarted
    }
    do throws(ThreadError) {
      let thread = try NamedThread(name: "sd-refresh-\(number % 100)") { [self] in work(number) }
      state.withLock { if !$0.isStopping { $0.threads[number] = thread } }
    } catch {
      state.withLock { state in
        state.threadCount -= 1
        state.idleCount -= 1
      }
      log.error("Target groups are refreshed late or not at all: there is no thread for it", ["err": "\(error)"])
    }
  }

  private enum Order {
    case end
    case sleep(Int64)
    case run(Int, Refresh)
  }

  private func work(_ number: Int) {
    var idleEnd = clock.monotonicNanoseconds() + RefreshSchedule.idleMillisecondsMax * 1_000_000
    var sleepsUntil = Int64.min
    while true {
      let rest = max(0, sleepsUntil == .min ? 0 : sleepsUntil - clock.monotonicNanoseconds())
      let deadline = Deadline(milliseconds: rest / 1_000_000 + (rest % 1_000_000 > 0 ? 1 : 0), of: clock)
      switch state.wait(until: deadline, { self.order(&$0, sleepsUntil, idleEnd, number) }) {
      case .end: return
      case .sleep(let moment): sleepsUntil = moment
      case nil: sleepsUntil = .min
      case .run(let id, let refresh):
        if state.withLock({ $0.takesThread() }) { startThread() }
        refresh.body(refresh.flag)
        finish(id, refresh)
        sleepsUntil = .min
        idleEnd = clock.monotonicNanoseconds() + RefreshSchedule.idleMillisecondsMax * 1_000_000
      }
    }
  }

  /// The next thing for a thread to do; nil: go on sleeping.
  private func order(_ state: inout State, _ sleepsUntil: Int64, _ idleEnd: Int64, _ number: Int) -> Order? {
    let now = clock.monotonicNanoseconds()
    let next = state.next
    if state.isStopping || (now >= idleEnd && (state.idleCount > 1 || next == nil)) {
      state.idleCount -= 1
      state.threadCount -= 1
      state.threads[number] = nil
      return .end
    }
    if let next, next.dueNanoseconds <= now, let refresh = state.refreshes[next.id] {
      state.refreshes[next.id]?.isRunning = true
      state.idleCount -= 1
      return .run(next.id, refresh)
    }
    let moment = min(next?.dueNanoseconds ?? .max, now < idleEnd ? idleEnd : .max)
    return moment == sleepsUntil ? nil : .sleep(moment)
  }

  private func finish(_ id: Int, _ refresh: Refresh) {
    let now = clock.monotonicNanoseconds()
    state.withLock { state in
      state.idleCount += 1
      let due = refresh.dueNanoseconds.addingReportingOverflow(refresh.intervalNanoseconds)
      state.refreshes[id]?.isRunning = false
      let usual = due.overflow ? .max : max(due.partialValue, now)
      let hastened = state.refreshes[id]?.hastenedNanoseconds ?? .max
      state.refreshes[id]?.dueNanoseconds = min(usual, hastened)
      state.refreshes[id]?.hastenedNanoseconds = nil
    }
    state.wakeAll()
  }
}
