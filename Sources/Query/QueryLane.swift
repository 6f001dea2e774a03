import Platform

/// Threads on which queries of one kind run, apart from those of others: so many at once, and so many that wait. Any
/// thread may submit; the owner stops it.
package final class QueryLane: Sendable {
  package typealias Work = @Sendable () -> Void

  /// Room on a thread's stack for the deepest tree that the parser lets through; only the part in use takes memory.
  package static let stackBytes = 256 << 20

  private let pool: WorkerPool

  /// Threads are named `name-0`, `name-1`, ...
  /// - Parameter stackBytes: of each thread; less will do where no expression is evaluated.
  package init(
    name: String, concurrencyMax: Int, queuedMax: Int, stackBytes: Int = QueryLane.stackBytes
  ) throws(ThreadError) {
    pool = try WorkerPool(
      name: name, threadCount: max(concurrencyMax, 1), queueLimit: max(queuedMax, 1), stackBytes: stackBytes)
  }

  package var concurrencyMax: Int { pool.threadCount }
  /// Number of queries that run or wait.
  package var activeCount: Int { pool.queuedCount + pool.runningCount }

  /// Queues work. False when too much waits already, or the lane is stopped: the caller answers for it.
  package func submit(_ work: @escaping Work) -> Bool { pool.submit(work) }

  /// `submit` as a function, for those who shall not hold the lane itself.
  package var executor: @Sendable (@escaping Work) -> Bool {
    { [pool] work in pool.submit(work) }
  }

  /// Refuses new work, runs the queued work, and returns when all has ended. Idempotent; not from a thread of the lane.
  package func stop() { pool.stop() }

  /// The same, but only waits for so long: false when something still runs, whose thread then is left to itself.
  package func stop(within milliseconds: Int64) -> Bool { pool.stop(within: milliseconds) }
}
