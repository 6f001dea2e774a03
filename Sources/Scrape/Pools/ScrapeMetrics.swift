import Platform

/// The metrics of scraping that belong to no target's samples, `prometheus_target_*`, with Prometheus's names and help
/// texts. Any thread.
package final class ScrapeMetrics: Sendable {
  let pools: Counter
  let poolsFailed: Counter
  let reloads: Counter
  let reloadsFailed: Counter
  let exceededTargetLimit: Counter
  let exceededBodySize: Counter
  /// Scrapes that failed since the bodies in memory had used up their budget.
  let exceededBodyBudget: Counter
  let duration: HistogramMetric

  private let registry: MetricsRegistry
  private let clock: any Clock
  fileprivate static let quantiles = [0.01, 0.05, 0.5, 0.9, 0.99]
  fileprivate static let secondsBounds = [0.01, 0.1, 1, 10]

  package init(_ registry: MetricsRegistry, clock: any Clock = SystemClock()) {
    self.registry = registry
    self.clock = clock
    func counter(_ name: String, _ help: String) -> Counter { registry.counter(name, help) }
    pools = counter(
      "prometheus_target_scrape_pools_total", "Total number of scrape pool creation attempts.")
    poolsFailed = counter(
      "prometheus_target_scrape_pools_failed_total", "Total number of scrape pool creations that failed.")
    reloads = counter("prometheus_target_scrape_pool_reloads_total", "Total number of scrape pool reloads.")
    reloadsFailed = counter(
      "prometheus_target_scrape_pool_reloads_failed_total", "Total number of failed scrape pool reloads.")
    exceededTargetLimit = counter(
      "prometheus_target_scrape_pool_exceeded_target_limit_total",
      "Total number of times scrape pools hit the target limit, during sync or config reload.")
    exceededBodySize = counter(
      "prometheus_target_scrapes_exceeded_body_size_limit_total",
      "Total number of scrapes that hit the body size limit")
    exceededBodyBudget = counter(
      "apus_scrapes_exceeded_body_budget_total",
      "Total number of scrapes that failed since all bodies in memory together had reached their limit.")
    duration = registry.histogram(
      "prometheus_target_scrape_duration_seconds",
      "Total duration of the scrape from start to commit completion in seconds.", upperBounds: [], waitsForUse: true)
  }

  /// The lengths of the intervals between the scrapes of targets that have this interval.
  func intervalLength(_ interval: String) -> SecondsMetric {
    seconds("prometheus_target_interval_length", "Actual intervals between scrapes.", [("interval", interval)])
  }

  func reloadLength(_ interval: String) -> SummaryMetric {
    registry.summary(
      "prometheus_target_reload_length_seconds",
      "Actual interval to reload the scrape pool with a given configuration.", labels: [("interval", interval)],
      quantiles: Self.quantiles, clock: clock)
  }

  /// The metrics of a job, until they are removed.
  func job(_ name: String) -> JobMetrics { JobMetrics(name, self, registry) }

  fileprivate func seconds(_ name: String, _ help: String, _ labels: MetricLabels) -> SecondsMetric {
    SecondsMetric(
      summary: registry.summary(name + "_seconds", help, labels: labels, quantiles: Self.quantiles, clock: clock),
      histogram: registry.histogram(
        name + "_histogram_seconds", help, labels: labels, upperBounds: Self.secondsBounds))
  }
}

/// A duration as summary and as histogram.
struct SecondsMetric: Sendable {
  let summary: SummaryMetric
  let histogram: HistogramMetric

  func observe(_ seconds: Double) {
    summary.observe(seconds)
    histogram.observe(seconds)
  }
}

/// The metrics of one job. Any thread.
final class JobMetrics: Sendable {
  let syncs: Counter
  let syncFailed: Counter
  let targets: Gauge
  let targetLimit: Gauge
  let syncLength: SecondsMetric
  let missedTicks: Counter
  let twins: Gauge

  private let labels: MetricLabels
  private let registry: MetricsRegistry

  private static let names = (
    syncs: "prometheus_target_scrape_pool_sync_total", failed: "prometheus_target_sync_failed_total",
    targets: "prometheus_target_scrape_pool_targets", limit: "prometheus_target_scrape_pool_target_limit",
    length: "prometheus_target_sync_length", missed: "apus_scrape_ticks_missed_total",
    twins: "apus_scrape_twin_targets"
  )

  fileprivate init(_ job: String, _ metrics: ScrapeMetrics, _ registry: MetricsRegistry) {
    let names = Self.names
    let labels: MetricLabels = [("scrape_job", job)]
    self.labels = labels
    self.registry = registry
    syncs = registry.counter(
      names.syncs, "Total number of syncs that were executed on a scrape pool.", labels: labels)
    syncFailed = registry.counter(names.failed, "Total number of target sync failures.", labels: labels)
    targets = registry.gauge(names.targets, "Current number of targets in this scrape pool.", labels: labels)
    targetLimit = registry.gauge(
      names.limit, "Maximum number of targets allowed in this scrape pool.", labels: labels)
    syncLength = metrics.seconds(names.length, "Actual interval to sync the scrape pool.", labels)
    missedTicks = registry.counter(
      names.missed, "Total number of moments at which a target was to be scraped and was not.", labels: labels)
    twins = registry.gauge(
      names.twins, "Current number of targets of this scrape pool whose series have the labels of another target's.",
      labels: labels)
  }

  /// The job has gone.
  func remove() {
    let names = Self.names
    for name in [
      names.syncs, names.failed, names.targets, names.limit, names.missed, names.twins,
      names.length + "_seconds",
      names.length + "_histogram_seconds",
    ] {
      registry.remove(name, labels: labels)
    }
  }
}
