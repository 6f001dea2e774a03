import Ingest
import Platform
import TSDB

/// The limits of the workspace as metrics, so that an alert can compare them with what there is before senders are refused.
enum LimitMetrics {
  static func register(in registry: MetricsRegistry, _ database: Database, _ intake: Intake) {
    registry.collect("apus_limit", "Limits of the workspace; 0: none.", .gauge) { [weak database, weak intake] in
      guard let series = database?.head.seriesLimits, let ingest = intake?.presentLimits else { return [] }
      let limits = [
        ("active_series", series.activeSeriesMax), ("series_per_metric", series.seriesPerMetricMax),
        ("labels_per_series", ingest.labelsPerSeriesMax), ("label_name_bytes", ingest.labelNameBytesMax),
        ("label_value_bytes", ingest.labelValueBytesMax), ("samples_per_second", ingest.samplesPerSecondMax),
        ("samples_burst", ingest.samplesBurstMax),
      ]
      return limits.map { (labels: [("limit", $0.0)], value: Double($0.1)) }
    }
    registry.collect("apus_label_set_limit", "Series a limited label set may have; 0: any number.", .gauge) {
      [weak database] in
      (database?.head.labelSetCounts ?? []).map {
        (labels: [("label_set", "\($0.limit.labels)")], value: Double($0.limit.seriesMax))
      }
    }
    registry.collect("apus_label_set_series", "Series in memory of each limited label set.", .gauge) {
      [weak database] in
      (database?.head.labelSetCounts ?? []).map {
        (labels: [("label_set", "\($0.limit.labels)")], value: Double($0.count))
      }
    }
  }
}
