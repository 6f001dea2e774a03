import Platform

/// The metrics of the blocks, under Prometheus's names. Any thread.
package final class BlockMetrics: Sendable {
  let compactions: Counter
  let compactionsTriggered: Counter
  let compactionsFailed: Counter
  let overlapsCompacted: Counter
  let compactionSeconds: HistogramMetric
  let isWriting: Gauge
  let timeRetentions: Counter
  let sizeRetentions: Counter
  let totalRetentions: Counter
  let tombstoneCleanupSeconds: HistogramMetric
  let reloads: Counter
  let reloadsFailed: Counter
  let bytes: Gauge
  let bytesMax: Gauge
  let diskPercentageMax: Gauge
  let setAside: Counter
  let removalsFailed: Counter
  let rewrittenByRule: Counter
  let unreadable: Counter
  let unsupported: Counter
  let repaired: Counter
  let repairsFailed: Counter

  package init(_ registry: MetricsRegistry) {
    compactions = registry.counter(
      "prometheus_tsdb_compactions_total", "Total number of compactions that were executed for the partition.")
    compactionsTriggered = registry.counter(
      "prometheus_tsdb_compactions_triggered_total", "Total number of triggered compactions for the partition.")
    compactionsFailed = registry.counter(
      "prometheus_tsdb_compactions_failed_total", "Total number of compactions that failed for the partition.")
    overlapsCompacted = registry.counter(
      "prometheus_tsdb_vertical_compactions_total", "Total number of compactions done on overlapping blocks.")
    compactionSeconds = registry.histogram(
      "prometheus_tsdb_compaction_duration_seconds", "Duration of compaction runs",
      upperBounds: (0..<14).map { Double(1 << $0) })
    isWriting = registry.gauge(
      "prometheus_tsdb_compaction_populating_block", "Set to 1 when a block is currently being written to the disk.")
    timeRetentions = registry.counter(
      "prometheus_tsdb_time_retentions_total",
      "The number of times that blocks were deleted because the maximum time limit was exceeded.")
    sizeRetentions = registry.counter(
      "prometheus_tsdb_size_retentions_total",
      "The number of times that blocks were deleted because the maximum number of bytes was exceeded.")
    totalRetentions = registry.counter(
      "apus_blocks_dropped_by_total_retention_total",
      "Blocks that left because all workspaces together took more than apus.total_retention.size.")
    tombstoneCleanupSeconds = registry.histogram(
      "prometheus_tsdb_tombstone_cleanup_seconds", "The time taken to recompact blocks to remove tombstones.",
      upperBounds: [0.005, 0.05, 0.5, 5, 50, 500])
    reloads = registry.counter(
      "prometheus_tsdb_reloads_total", "Number of times the database reloaded block data from disk.")
    reloadsFailed = registry.counter(
      "prometheus_tsdb_reloads_failures_total",
      "Number of times the database failed to reloadBlocks block data from disk.")
    bytes = registry.gauge(
      "prometheus_tsdb_storage_blocks_bytes",
      "The number of bytes that are currently used for local storage by all blocks.")
    bytesMax = registry.gauge(
      "prometheus_tsdb_retention_limit_bytes",
      "Max number of bytes to be retained in the tsdb blocks, configured 0 means disabled")
    diskPercentageMax = registry.gauge(
      "prometheus_tsdb_retention_limit_percentage",
      "Max percentage of total storage space to be retained in the tsdb blocks, configured 0 means disabled")
    setAside = registry.counter(
      "apus_blocks_set_aside_total", "Blocks that could not be read and are not served.")
    removalsFailed = registry.counter(
      "apus_block_removals_failed_total", "Attempts to remove the folder of a block that failed; they are repeated.")
    unreadable = registry.counter(
      "apus_block_chunks_unreadable_total", "Reads of a chunk or series of a block that failed.")
    unsupported = registry.counter(
      "apus_block_chunks_unsupported_total", "Reads of a chunk of a block whose encoding is not known.")
    repaired = registry.counter(
      "apus_blocks_repaired_total", "Damaged blocks that were written anew from other copies of their samples.")
    repairsFailed = registry.counter(
      "apus_block_repairs_failed_total", "Damaged blocks that could not be repaired and are served as they are.")
    rewrittenByRule = registry.counter(
      "apus_blocks_rewritten_by_retention_rules_total", "Blocks that were rewritten without series that had expired.")
  }

  /// Registers the metrics whose values are read from the blocks when somebody asks for them.
  func register(_ blocks: BlockSet, in registry: MetricsRegistry) {
    registry.collect("prometheus_tsdb_blocks_loaded", "Number of currently loaded data blocks", .gauge) {
      [weak blocks] in
      guard let blocks else { return [] }
      return [(labels: [], value: Double(blocks.current.blocks.count))]
    }
    registry.collect(
      "apus_blocks_damaged", "Blocks that are served and of which something could not be read since the start.", .gauge
    ) { [weak blocks] in
      guard let blocks else { return [] }
      return [(labels: [], value: Double(blocks.current.damaged.count))]
    }
    registry.collect(
      "apus_blocks_missing", "Blocks that could not be opened at the start, so that their samples are missing.", .gauge
    ) { [weak blocks] in
      guard let blocks else { return [] }
      return [(labels: [], value: Double(blocks.current.missing.count))]
    }
  }
}
