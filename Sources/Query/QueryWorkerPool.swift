import Platform
import PromQL
import Synchronization

/// Threads that lend a hand to queries, as many as there are processors beside the one a query runs on. Shared by all
/// queries: a hand that is busy with one is not there for another, which then does its work itself. Any thread.
final class QueryHands: QueryWorkers {
  let count: Int
  private let pool: WorkerPool

  init(count: Int) throws(ThreadError) {
    self.count = count
    pool = try WorkerPool(name: "query-hand", threadCount: max(count - 1, 1), queueLimit: max(count - 1, 1))
  }

  func stop() { pool.stop() }

  func forEach(_ tasks: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let round = Round(tasks, body)
    for _ in 0..<(min(tasks, count) - 1) {
      if !pool.submit({ round.work() }) { break }
    }
    round.work()
    round.waitUntilDone()
  }
}

/// Numbered tasks that several threads take, one after the other. Any thread.
private final class Round: Sendable {
  private let tasks: Int
  private let body: @Sendable (Int) -> Void
  private let next = Atomic<Int>(0)
  private let done = Monitor(0)

  init(_ tasks: Int, _ body: @escaping @Sendable (Int) -> Void) {
    self.tasks = tasks
    self.body = body
  }

  func work() {
    var finished = 0
    while true {
      let task = next.wrappingAdd(1, ordering: .relaxed).oldValue
      if task >= tasks { break }
      body(task)
      finished += 1
    }
    if finished == 0 { return }
    let isLast = done.withLock { count in
      count += finished
      return count == tasks
    }
    if isLast { done.wakeAll() }
  }

  func waitUntilDone() { _ = done.wait { $0 == tasks ? true : nil } }
}
