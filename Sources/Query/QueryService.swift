import HTTP
import Platform
import PromQL

/// Bounds of queries, from the command line.
package struct QueryOptions: Sendable {
  package var engine = EngineOptions()
  package var timeoutMilliseconds: Int64 = 120_000
  /// Queries that run at once; further ones wait.
  package var concurrencyMax = 20
  /// Queries that wait; further ones are told to come back.
  package var queuedMax = 200
  package var samplesMax = 50_000_000
  package var bytesMax = 1 << 30
  /// Whether `stats=all` counts the samples of each step (`promql-per-step-stats`).
  package var tellsSamplesPerStep = false
  /// Whether a query that meets damage in a block is answered from the rest, with a warning.
  package var answersPartly = true
  /// How many processors one query may use at once.
  package var processors = Processors.count

  package init() {}
}

/// Where queries run: a pool of threads of their own, so that a slow one never delays a write. Any thread.
package final class QueryService: Sendable {
  let engine: Engine
  let clock: any Clock
  let options: QueryOptions
  private let pool: WorkerPool
  /// Nil where there is one processor.
  private let hands: QueryHands?
  let metrics: EngineMetrics

  /// Room for the deepest tree the parser lets through; only what is used takes memory.
  private static let stackBytes = 256 << 20

  package init(
    _ options: QueryOptions, clock: any Clock, registry: MetricsRegistry = MetricsRegistry()
  ) throws(ThreadError) {
    self.options = options
    self.clock = clock
    engine = Engine(options: options.engine)
    hands = options.processors > 1 ? try QueryHands(count: options.processors) : nil
    pool = try WorkerPool(
      name: "query", threadCount: max(options.concurrencyMax, 1), queueLimit: max(options.queuedMax, 1),
      stackBytes: QueryService.stackBytes)
    metrics = EngineMetrics(registry, pool, clock: clock)
  }

  var tellsSamplesPerStep: Bool { options.tellsSamplesPerStep }

  package var executor: Executor {
    { [pool] work in pool.submit(work) }
  }

  package func stop() {
    pool.stop()
    hands?.stop()
  }

  /// The same, but only waits for so long: false when a query does not end, and is left to itself.
  package func stop(within milliseconds: Int64) -> Bool {
    guard pool.stop(within: milliseconds) else { return false }
    stop()
    return true
  }

  /// What this request's query may use; its own timeout counts where it is shorter than the server's.
  func limits(of request: Request, timeout: Int64?) throws(APIError) -> QueryLimits {
    var limits = QueryLimits()
    limits.samplesMaximum = options.samplesMax
    limits.bytesMaximum = options.bytesMax
    limits.workers = hands
    limits.nanoseconds = { [clock] in clock.monotonicNanoseconds() }
    let milliseconds = min(timeout ?? options.timeoutMilliseconds, options.timeoutMilliseconds)
    let deadline = Deadline(milliseconds: max(milliseconds, 0), of: clock)
    limits.stopReason = {
      if request.isCancelled { return .canceled }
      return deadline.isPassed ? .timeout : nil
    }
    return limits
  }
}
