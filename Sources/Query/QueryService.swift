import Platform
import PromQL
import Synchronization
import TSDB

/// Everything that the queries of a process share, whatever database they are about: the engine, the bounds, the lane on
/// which clients' queries run, the threads that share their work, and the metrics. Any thread.
package final class QueryService: Sendable {
  package let engine: Engine
  package let options: QueryOptions
  package let clock: any Clock
  /// The lane of the queries that clients wait for.
  package let lane: QueryLane
  /// Nil where there is one processor.
  private let workers: QueryWorkerPool?
  let metrics: EngineMetrics
  /// Milliseconds; zero: the engine's.
  private let subqueryStep = Atomic<Int64>(0)
  /// Takes a line for each query that has an origin; nil: there is no such log.
  package let queryLog: QueryLog?

  package init(
    _ options: QueryOptions, clock: any Clock, registry: MetricsRegistry = MetricsRegistry(),
    queryLog: QueryLog? = nil
  ) throws(ThreadError) {
    self.options = options
    self.clock = clock
    self.queryLog = queryLog
    engine = Engine(options: options.engine)
    workers = options.processors > 1 ? try QueryWorkerPool(count: options.processors) : nil
    lane = try QueryLane(name: "query", concurrencyMax: options.concurrencyMax, queuedMax: options.queuedMax)
    metrics = EngineMetrics(registry, lane, clock: clock)
  }

  /// Takes over the step of subqueries that name none: the server's interval of evaluation, as Prometheus has it.
  package func reconfigure(subqueryStepMilliseconds step: Int64) { subqueryStep.store(step, ordering: .relaxed) }

  package func querier(over database: Database) -> Querier { Querier(database: database, service: self) }

  /// Ends the lane and the shared threads once what is queued is done.
  package func stop() {
    lane.stop()
    workers?.stop()
  }

  /// The same, but only waits for so long: false when a query does not end, and is left to itself.
  package func stop(within milliseconds: Int64) -> Bool {
    guard lane.stop(within: milliseconds) else { return false }
    stop()
    return true
  }

  /// Tells from now on when a query on these terms has to stop.
  package func stopCheck(_ terms: QueryTerms) -> StopCheck {
    let milliseconds = min(terms.timeoutMilliseconds ?? options.timeoutMilliseconds, options.timeoutMilliseconds)
    let deadline = Deadline(milliseconds: max(milliseconds, 0), of: clock)
    return { [isCanceled = terms.isCanceled] in
      if isCanceled() { return .canceled }
      return deadline.isPassed ? .timeout : nil
    }
  }

  /// The bounds of a query that begins now.
  func limits(_ terms: QueryTerms) -> QueryLimits {
    var limits = QueryLimits()
    limits.samplesMaximum = options.samplesMax
    limits.bytesMaximum = options.bytesMax
    limits.workers = workers
    limits.nanoseconds = { [clock] in clock.monotonicNanoseconds() }
    let step = subqueryStep.load(ordering: .relaxed)
    limits.subqueryStep = step > 0 ? step : nil
    limits.tellsSamplesPerStep = terms.tellsSamplesPerStep && options.tellsSamplesPerStep
    limits.stopReason = stopCheck(terms)
    return limits
  }
}
