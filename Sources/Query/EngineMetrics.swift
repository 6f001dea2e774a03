import Platform
import PromQL

/// The metrics of the query engine, under Prometheus's names. Any thread.
final class EngineMetrics: Sendable {
  /// The parts of a query that are timed.
  private enum Slice: String, CaseIterable {
    case queueTime = "queue_time"
    case prepareTime = "prepare_time"
    case innerEval = "inner_eval"
    case resultSort = "result_sort"
  }

  private let timings: [RecentTimings]
  private let samples: Counter
  private let stopped: [StopReason: Counter]
  private let overBudget: Counter
  private let clock: any Clock

  init(_ registry: MetricsRegistry, _ lane: QueryLane, clock: any Clock) {
    self.clock = clock
    let timings = Slice.allCases.map { _ in RecentTimings() }
    self.timings = timings
    samples = registry.counter(
      "prometheus_engine_query_samples_total",
      "The total number of samples loaded by all queries (full window per step for range-vector).")
    func unanswered(_ reason: String) -> Counter {
      registry.counter(
        "apus_queries_stopped_total",
        "Queries that ended without an answer: they took too long, held too much (--query.max-samples, --query.max-bytes), "
          + "or nobody waited for them any more.", labels: [("reason", reason)])
    }
    stopped = [.timeout: unanswered("timeout"), .canceled: unanswered("canceled")]
    overBudget = unanswered("memory")
    let concurrentMax = lane.concurrencyMax
    registry.collect("prometheus_engine_queries", "The current number of queries being executed or waiting.", .gauge) {
      [weak lane] in [(labels: [], value: Double(lane?.activeCount ?? 0))]
    }
    registry.collect("prometheus_engine_queries_concurrent_max", "The max number of concurrent queries.", .gauge) {
      [(labels: [], value: Double(concurrentMax))]
    }
    registry.collectFamilies { [EngineMetrics.family(timings, now: clock.monotonicNanoseconds())] }
  }

  /// Counts a query that has its answer.
  func note(_ statistics: QueryStatistics, isRange: Bool) {
    let now = clock.monotonicNanoseconds()
    var seconds = [statistics.queuedSeconds, statistics.preparationSeconds, statistics.evaluationSeconds]
    if isRange { seconds.append(statistics.sortingSeconds) }
    for (timing, seconds) in zip(timings, seconds) { timing.observe(seconds, at: now) }
    samples.add(statistics.samplesTotal)
  }

  /// Counts a query that has no answer, unless its text is wrong: that is the asker's mistake.
  func note(_ error: QueryError) {
    switch error {
    case .timeout: stopped[.timeout]?.add()
    case .canceled: stopped[.canceled]?.add()
    case .execution where error.isOverBudget: overBudget.add()
    case .execution, .invalid, .storage: break
    }
  }

  private static func family(_ timings: [RecentTimings], now: Int64) -> MetricFamily {
    let name = "prometheus_engine_query_duration_seconds"
    var samples: [MetricSample] = []
    for (slice, timing) in zip(Slice.allCases, timings) {
      let label = ("slice", slice.rawValue)
      let found = timing.summary([0.5, 0.9, 0.99], now: now)
      for (quantile, value) in found.quantiles {
        samples.append(MetricSample(name: name, labels: [label, ("quantile", "\(quantile)")], value: value))
      }
      samples.append(MetricSample(name: name + "_sum", labels: [label], value: found.sum))
      samples.append(MetricSample(name: name + "_count", labels: [label], value: Double(found.count)))
    }
    return MetricFamily(name: name, help: "Query timings", kind: .summary, samples: samples)
  }
}
