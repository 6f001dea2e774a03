import Platform

/// The metrics of one set of discoveries, `prometheus_sd_*` with its name.
struct DiscoveryMetrics: Sendable {
  let failedConfigs: Gauge
  let received: Counter
  let sent: Counter
  let delayed: Counter

  /// `jobs` gives the number of targets of each job and when it was last told, in milliseconds.
  init(
    _ registry: MetricsRegistry, name: String,
    jobs: @escaping @Sendable () -> [(job: String, targets: Int, toldMilliseconds: Int64?)]
  ) {
    let labels: MetricLabels = [("name", name)]
    failedConfigs = registry.gauge(
      "prometheus_sd_failed_configs", "Current number of service discovery configurations that failed to load.",
      labels: labels)
    received = registry.counter(
      "prometheus_sd_received_updates_total", "Total number of update events received from the SD providers.",
      labels: labels)
    delayed = registry.counter(
      "prometheus_sd_updates_delayed_total", "Total number of update events that couldn't be sent immediately.",
      labels: labels)
    sent = registry.counter(
      "prometheus_sd_updates_total", "Total number of update events sent to the SD consumers.", labels: labels)
    registry.collect("prometheus_sd_discovered_targets", "Current number of discovered targets.", .gauge) {
      jobs().map { (labels + [("config", $0.job)], Double($0.targets)) }
    }
    registry.collect(
      "prometheus_sd_last_update_timestamp_seconds", "Timestamp of the last update sent to the SD consumers.", .gauge
    ) {
      jobs().compactMap { job in
        job.toldMilliseconds.map { (labels + [("config", job.job)], Double($0) / 1000) }
      }
    }
  }
}
