/// One value of `--enable-feature`.
struct Feature: Sendable {
  enum Use: Sendable {
    /// Off unless the flag names it.
    case served
    /// Always on, also where the flag does not name it.
    case always
    /// Known from Prometheus, without effect here.
    case accepted
  }

  var name: String
  var use: Use

  init(_ name: String, _ use: Use) {
    self.name = name
    self.use = use
  }
}

/// Every feature name of Prometheus 3.
enum FeatureTable {
  static let rows: [Feature] = [
    Feature("promql-experimental-functions", .served),
    Feature("promql-extended-range-selectors", .served),
    Feature("promql-binop-fill-modifiers", .served),
    Feature("promql-delayed-name-removal", .served),
    Feature("promql-per-step-stats", .served),
    Feature("otlp-deltatocumulative", .always),
    Feature("otlp-native-delta-ingestion", .served),
    Feature("use-start-timestamps", .accepted),
    Feature("promql-duration-expr", .always),
    Feature("native-histograms", .always),
    Feature("ooo-native-histograms", .always),
    Feature("exemplar-storage", .always),
    Feature("memory-snapshot-on-shutdown", .always),
    Feature("metadata-wal-records", .always),
    Feature("fast-startup", .always),
    Feature("otlp-write-receiver", .always),
    Feature("agent", .accepted),
    Feature("auto-gomaxprocs", .accepted),
    Feature("auto-gomemlimit", .accepted),
    Feature("auto-reload-config", .accepted),
    Feature("concurrent-rule-eval", .always),
    Feature("created-timestamp-zero-ingestion", .accepted),
    Feature("delayed-compaction", .accepted),
    Feature("expand-external-labels", .always),
    Feature("extra-scrape-metrics", .accepted),
    Feature("histograms-st-encoding", .accepted),
    Feature("new-service-discovery-manager", .accepted),
    Feature("no-default-scrape-port", .accepted),
    Feature("old-ui", .accepted),
    Feature("promql-at-modifier", .always),
    Feature("promql-negative-offset", .always),
    Feature("remote-write-receiver", .always),
    Feature("search-api", .accepted),
    Feature("st-storage", .accepted),
    Feature("st-synthesis", .accepted),
    Feature("type-and-unit-labels", .accepted),
    Feature("use-uncached-io", .accepted),
    Feature("utf8-names", .always),
    Feature("xor2-encoding", .accepted),
  ]

  static let byName: [String: Feature] = Dictionary(uniqueKeysWithValues: rows.map { ($0.name, $0) })
}
