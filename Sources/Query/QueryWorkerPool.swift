import Platform
import PromQL
import Synchronization

/// Threads that read series for a query beside its own thread: one fewer than there are processors. All queries share
/// them; a query that finds them busy does all of its work itself. Any thread.
final class QueryWorkerPool: QueryWorkers {
  let count: Int
  private let pool: WorkerPool

  init(count: Int) throws(ThreadError) {
    self.count = count
    pool = try WorkerPool(name: "query-worker", threadCount: max(count - 1, 1), queueLimit: max(count - 1, 1))
  }

  func stop() { pool.stop() }

  func forEach(_ tasks: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let batch = TaskBatch(tasks, body)
    for _ in 0..<(min(tasks, count) - 1) {
      if !pool.submit({ batch.work() }) { break }
    }
    batch.work()
    batch.waitUntilDone()
  }
}

/// The numbered tasks of one call; each thread takes the next one until none is left. Any thread.
private final class TaskBatch: Sendable {
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
