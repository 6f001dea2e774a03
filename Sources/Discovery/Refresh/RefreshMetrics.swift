import Platform
import Synchronization

/// How refreshes went, `prometheus_sd_refresh_*`: series for each mechanism and job, which go with the job.
final class RefreshMetrics: Sendable {
  struct Key: Hashable, Sendable {
    var mechanism: String
    var config: String
  }

  private struct Series: Sendable {
    var failures = 0
    let durations: SummaryMetric
  }

  private let registry: MetricsRegistry
  private let clock: any Clock
  private let series = Mutex<[Key: Series]>([:])

  init(_ registry: MetricsRegistry, clock: any Clock) {
    self.registry = registry
    self.clock = clock
    registry.collectFamilies { [weak self] in self?.families() ?? [] }
  }

  /// The series are there from now on, as zeros.
  func begin(_ key: Key) {
    series.withLock { series in
      if series[key] == nil { series[key] = Series(durations: SummaryMetric(clock: clock)) }
    }
    _ = histogram(key.mechanism)
  }

  func count(_ key: Key, seconds: Double, isFailed: Bool) {
    let durations = series.withLock { series in
      if isFailed { series[key]?.failures += 1 }
      return series[key]?.durations
    }
    durations?.observe(seconds)
    histogram(key.mechanism).observe(seconds)
  }

  /// Drops the series of all others.
  func keepOnly(_ keys: Set<Key>) { series.withLock { $0 = $0.filter { keys.contains($0.key) } } }

  private func histogram(_ mechanism: String) -> HistogramMetric {
    registry.histogram(
      "prometheus_sd_refresh_duration_histogram_seconds",
      "The duration of a refresh for the given SD mechanism.", labels: [("mechanism", mechanism)],
      upperBounds: [0.01, 0.1, 1, 10])
  }

  private func families() -> [MetricFamily] {
    let present = series.withLock { $0 }
    if present.isEmpty { return [] }
    let failures = "prometheus_sd_refresh_failures_total"
    let durations = "prometheus_sd_refresh_duration_seconds"
    let sorted = present.sorted { ($0.key.mechanism, $0.key.config) < ($1.key.mechanism, $1.key.config) }
    func labels(_ key: Key) -> MetricLabels { [("config", key.config), ("mechanism", key.mechanism)] }
    return [
      MetricFamily(
        name: durations, help: "The duration of a refresh in seconds for the given SD mechanism.", kind: .summary,
        samples: sorted.flatMap { $0.value.durations.samples(named: durations, labels: labels($0.key)) }),
      MetricFamily(
        name: failures, help: "Number of refresh failures for the given SD mechanism.", kind: .counter,
        samples: sorted.map {
          MetricSample(name: failures, labels: labels($0.key), value: Double($0.value.failures))
        }),
    ]
  }
}
