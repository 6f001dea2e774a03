import Platform

/// The metrics of the log, under Prometheus's names. Any thread.
package final class WALMetrics: Sendable {
  package enum Kind: String, Sendable {
    case wal = "prometheus_tsdb_wal_"
    case outOfOrder = "prometheus_tsdb_out_of_order_wbl_"
  }

  /// True unless it is the log of out-of-order samples, which has no checkpoints: it begins anew.
  package let hasCheckpoints: Bool
  package let segmentCurrent: Gauge
  package let writesFailed: Counter
  package let writtenBytes: Counter
  package let savedBytes: Counter
  package let corruptions: Counter
  package let truncations: Counter
  package let truncationsFailed: Counter
  package let unknownRecords: Counter
  package let checkpoints: Counter
  package let checkpointsFailed: Counter
  package let fsyncDurationSeconds: HistogramMetric

  private static let fsyncBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

  /// `labels` tell the logs of one process apart (workspaces); none where there is one.
  package init(_ registry: MetricsRegistry, _ kind: Kind, labels: MetricLabels = []) {
    let prefix = kind.rawValue
    segmentCurrent = registry.gauge(
      prefix + "segment_current", "Write log segment index that TSDB is currently writing to.", labels: labels)
    writesFailed = registry.counter(
      prefix + "writes_failed_total", "Total number of write log writes that failed.", labels: labels)
    writtenBytes = registry.counter(
      prefix + "record_parts_bytes_written_total", "Total number of bytes written to the write log.", labels: labels)
    savedBytes = registry.counter(
      prefix + "record_bytes_saved_total", "Total number of bytes saved by the record compression.", labels: labels)
    corruptions = registry.counter(
      prefix + "corruptions_total", "Total number of places where the write log was found damaged.", labels: labels)
    truncations = registry.counter(
      prefix + "truncations_total", "Total number of write log truncations attempted.", labels: labels)
    truncationsFailed = registry.counter(
      prefix + "truncations_failed_total", "Total number of write log truncations that failed.", labels: labels)
    unknownRecords = registry.counter(
      prefix + "unknown_records_total", "Total number of write log records of an unknown kind that were skipped.",
      labels: labels)
    hasCheckpoints = kind == .wal
    checkpoints =
      hasCheckpoints
      ? registry.counter(
        "prometheus_tsdb_checkpoint_creations_total", "Total number of checkpoint creations attempted.", labels: labels)
      : Counter()
    checkpointsFailed =
      hasCheckpoints
      ? registry.counter(
        "prometheus_tsdb_checkpoint_creations_failed_total", "Total number of checkpoint creations that failed.",
        labels: labels)
      : Counter()
    fsyncDurationSeconds = registry.histogram(
      prefix + "fsync_duration_seconds", "Duration of write log fsync.", labels: labels,
      upperBounds: WALMetrics.fsyncBounds)
  }
}
