import Platform

/// The metrics of the exemplars, under Prometheus's names.
enum ExemplarMetrics {
  static func register(_ database: Database, in registry: MetricsRegistry) {
    func add(
      _ name: String, _ help: String, _ kind: MetricKind, _ read: @escaping @Sendable (borrowing ExemplarRing) -> Double
    ) {
      registry.collect("prometheus_tsdb_exemplar_" + name, help, kind) { [weak database] in
        guard let database else { return [] }
        return [(labels: [], value: database.head.exemplars.withLock { read($0) })]
      }
    }
    add("exemplars_appended_total", "Total number of appended exemplars.", .counter) { Double($0.appendedCount) }
    add("exemplars_in_storage", "Number of exemplars currently in circular storage.", .gauge) { Double($0.count) }
    add(
      "series_with_exemplars_in_storage", "Number of series with exemplars currently in circular storage.", .gauge
    ) { Double($0.seriesCount) }
    add(
      "last_exemplars_timestamp_seconds",
      "The timestamp of the oldest exemplar stored in circular storage: how far back the present limit reaches.", .gauge
    ) { Double($0.firstTime ?? 0) / 1000 }
    add("max_exemplars", "Total number of exemplars the exemplar storage can store, resizeable.", .gauge) {
      Double($0.limit)
    }
    add(
      "out_of_order_exemplars_total", "Total number of out of order exemplar ingestion failed attempts.", .counter
    ) { Double($0.outOfOrderCount) }
  }
}
