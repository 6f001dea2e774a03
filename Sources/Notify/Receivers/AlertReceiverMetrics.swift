import Platform

/// The metrics of one receiver, which begin and end with it.
struct AlertReceiverMetrics: Sendable {
  private static let counters = [
    ("apus_alert_receiver_messages_total", "Messages about groups of alerts that were delivered to a receiver."),
    ("apus_alert_receiver_failures_total", "Attempts to deliver a message to a receiver that failed."),
    ("apus_alert_receiver_dropped_alerts_total", "Alerts that a receiver had no room for."),
  ]

  let messages: Counter
  let failures: Counter
  let dropped: Counter
  private let registry: MetricsRegistry
  private let labels: MetricLabels

  init(_ name: String, _ registry: MetricsRegistry) {
    self.registry = registry
    labels = [("receiver", name)]
    let made = Self.counters.map { [labels] in registry.counter($0, $1, labels: labels) }
    (messages, failures, dropped) = (made[0], made[1], made[2])
  }

  func remove() { for (name, _) in Self.counters { registry.remove(name, labels: labels) } }

  /// `shown`: the receivers at the moment.
  static func collect(
    _ registry: MetricsRegistry, clock: any Clock, _ shown: @escaping @Sendable () -> [AlertmanagersView.Receiver]
  ) {
    registry.collect("apus_alert_receiver_alerts", "Alerts in the groups of a receiver.", .gauge) {
      shown().map { ([("receiver", $0.name)], Double($0.alerts)) }
    }
    registry.collect(
      "apus_alert_receiver_undelivered_seconds",
      "The time for which no message could be delivered to a receiver; 0 while they can.", .gauge
    ) {
      let now = clock.nowMilliseconds()
      return shown().map { receiver in
        ([("receiver", receiver.name)], receiver.failingSince.map { max(0, Double(now - $0) / 1000) } ?? 0)
      }
    }
  }
}
