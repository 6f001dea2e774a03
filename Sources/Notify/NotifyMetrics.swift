import Platform
import Synchronization

/// The metrics of a notifier. Those of an Alertmanager begin with it and end with it; two sets that have the same one share
/// them. Any thread.
final class NotifyMetrics: Sendable {
  private static let label = "alertmanager"
  private static let counters = [
    ("errors_total", "Total number of sent alerts affected by errors."),
    ("sent_total", "Total number of alerts sent."),
    ("dropped_total", "Total number of alerts dropped due to errors when sending to Alertmanager."),
  ]
  private static let summary = "prometheus_notifications_latency_seconds"
  private static let histogram = "prometheus_notifications_latency_histogram_seconds"
  private static let upperBounds = [0.01, 0.1, 1, 10]

  private let registry: MetricsRegistry
  private let clock: any Clock
  private let users = Mutex<[String: Int]>([:])

  /// `shown`: the Alertmanagers at the moment.
  init(
    _ registry: MetricsRegistry, clock: any Clock, capacity: @escaping @Sendable () -> Int,
    shown: @escaping @Sendable () -> [AlertmanagersView.Active]
  ) {
    self.registry = registry
    self.clock = clock
    registry.collect(
      "prometheus_notifications_alertmanagers_discovered", "The number of alertmanagers discovered and active.", .gauge
    ) { [([], Double(shown().count))] }
    registry.collect(
      "prometheus_notifications_queue_capacity", "The capacity of the alert notifications queue.", .gauge
    ) {
      let capacity = Double(capacity())
      return [([], capacity)] + Self.byURL(shown()).map { ([(Self.label, $0.url)], capacity) }
    }
    registry.collect(
      "prometheus_notifications_queue_length", "The number of alert notifications in the queue.", .gauge
    ) { Self.byURL(shown()).map { ([(Self.label, $0.url)], Double($0.queued)) } }
    registry.collect(
      "apus_notifications_undelivered_seconds",
      "The time for which alerts wait that could not be delivered; 0 while they can.", .gauge
    ) {
      let now = clock.nowMilliseconds()
      return Self.byURL(shown()).map { active in
        let since = active.queued > 0 ? active.failingSince : nil
        return ([(Self.label, active.url)], since.map { max(0, Double(now - $0) / 1000) } ?? 0)
      }
    }
  }

  /// Each URL once.
  private static func byURL(_ shown: [AlertmanagersView.Active]) -> [AlertmanagersView.Active] {
    var all: [AlertmanagersView.Active] = []
    for active in shown {
      if let last = all.indices.last, all[last].url == active.url {
        all[last].queued += active.queued
        all[last].failingSince = all[last].failingSince ?? active.failingSince
      } else {
        all.append(active)
      }
    }
    return all
  }

  /// The metrics of an Alertmanager that is there from now on.
  func enter(_ url: String) -> AlertmanagerMetrics {
    users.withLock { $0[url, default: 0] += 1 }
    let labels: MetricLabels = [(Self.label, url)]
    let counters = Self.counters.map { registry.counter("prometheus_notifications_\($0)", $1, labels: labels) }
    return AlertmanagerMetrics(
      errors: counters[0], sent: counters[1], dropped: counters[2],
      summary: registry.summary(
        Self.summary, "Latency quantiles for sending alert notifications.", labels: labels, clock: clock),
      histogram: registry.histogram(
        Self.histogram, "Latency histogram for sending alert notifications.", labels: labels,
        upperBounds: Self.upperBounds))
  }

  /// The Alertmanager is gone.
  func leave(_ url: String) {
    let isLast = users.withLock { users in
      let left = (users[url] ?? 1) - 1
      users[url] = left > 0 ? left : nil
      return left <= 0
    }
    if !isLast { return }
    let labels: MetricLabels = [(Self.label, url)]
    for (name, _) in Self.counters { registry.remove("prometheus_notifications_\(name)", labels: labels) }
    registry.remove(Self.summary, labels: labels)
    registry.remove(Self.histogram, labels: labels)
  }
}

/// The metrics of one Alertmanager.
struct AlertmanagerMetrics: Sendable {
  let errors: Counter
  let sent: Counter
  let dropped: Counter
  let summary: SummaryMetric
  let histogram: HistogramMetric

  func latency(_ seconds: Double) {
    summary.observe(seconds)
    histogram.observe(seconds)
  }
}
