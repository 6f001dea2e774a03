import Platform

/// The metrics of a database, under Prometheus's names where Prometheus has them, else under `apus_`. Any thread.
package final class DatabaseMetrics: Sendable {
  package let wal: WALMetrics
  package let wbl: WALMetrics
  package let queries: QueryTally
  let replaySeconds: Gauge
  let unknownReferences: Counter
  let chunkWritesFailed: Counter
  let flushesFailed: Counter
  let flushSeconds: HistogramMetric

  init(_ registry: MetricsRegistry) {
    wal = WALMetrics(registry, .wal)
    wbl = WALMetrics(registry, .outOfOrder)
    queries = QueryTally(registry)
    replaySeconds = registry.gauge(
      "prometheus_tsdb_data_replay_duration_seconds", "Time taken to replay the data on disk.")
    unknownReferences = registry.counter(
      "prometheus_tsdb_wal_replay_unknown_refs_total",
      "Total number of unknown series references encountered during WAL replay.", labels: [("type", "samples")])
    chunkWritesFailed = registry.counter(
      "apus_head_chunk_writes_failed_total", "Attempts to write complete chunks to their files that failed.")
    flushesFailed = registry.counter(
      "apus_head_flushes_failed_total", "Attempts to write a part of the head to a block that failed.")
    flushSeconds = registry.histogram(
      "apus_head_flush_duration_seconds", "Time taken to write a part of the head to blocks.",
      upperBounds: (0..<12).map { 0.05 * Double(1 << $0) })
  }

  /// Registers the bytes that logs and chunk files take on the disk, and the disk's free and total bytes, for alerts
  /// and forecasts. Blocks register theirs themselves.
  private func registerSizes(_ database: Database, in registry: MetricsRegistry) {
    /// Registers a number of bytes; it has no value while the disk cannot be asked, as 0 would be a lie.
    func bytes(_ name: String, _ help: String, _ read: @escaping @Sendable (Database) throws(DiskError) -> Int) {
      registry.collect(name, help, .gauge) { [weak database] in
        guard let database, let bytes = try? read(database) else { return [] }
        return [(labels: [], value: Double(bytes))]
      }
    }
    func folder(_ name: String, _ help: String, _ path: @escaping @Sendable (DatabaseLayout) -> String) {
      bytes(name, help) { (database) throws(DiskError) in try database.disk.treeBytes(path(database.layout)) }
    }
    folder("prometheus_tsdb_wal_storage_size_bytes", "Size of the write log directory.") { $0.wal }
    folder("prometheus_tsdb_out_of_order_wbl_storage_size_bytes", "Size of the write log directory.") { $0.wbl }
    folder("prometheus_tsdb_head_chunks_storage_size_bytes", "Size of the chunks_head directory.") { $0.headChunks }
    bytes("apus_disk_free_bytes", "Bytes that are free on the disk of the data directory.") {
      (database) throws(DiskError) in try database.disk.freeSpace(database.layout.root).freeBytes
    }
    bytes("apus_disk_size_bytes", "Bytes of the disk of the data directory, free or not.") {
      (database) throws(DiskError) in try database.disk.freeSpace(database.layout.root).totalBytes
    }
  }

  /// Registers the metrics whose values are read from the database when somebody asks for them.
  func register(_ database: Database, in registry: MetricsRegistry) {
    func gauge(_ name: String, _ help: String, _ read: @escaping @Sendable (Database) -> Double) {
      registry.collect(name, help, .gauge) { [weak database] in
        guard let database else { return [] }
        return [(labels: [], value: read(database))]
      }
    }
    func counter(_ name: String, _ help: String, _ read: @escaping @Sendable (Database) -> Int) {
      registry.collect(name, help, .counter) { [weak database] in
        guard let database else { return [] }
        return [(labels: [], value: Double(read(database)))]
      }
    }
    gauge("prometheus_tsdb_head_series", "Total number of series in the head block.") { Double($0.head.seriesCount) }
    gauge("prometheus_tsdb_head_chunks", "Total number of chunks in the head block.") { Double($0.head.chunkCount) }
    gauge("prometheus_tsdb_head_min_time", "Minimum time bound of the head block.") {
      Double($0.head.timeRange?.lowerBound ?? .max)
    }
    gauge("prometheus_tsdb_head_max_time", "Maximum timestamp of the head block.") {
      Double($0.head.timeRange?.upperBound ?? .min)
    }
    gauge("prometheus_tsdb_head_min_time_seconds", "Minimum time bound of the head block.") {
      Double($0.head.timeRange?.lowerBound ?? 0) / 1000
    }
    gauge("prometheus_tsdb_head_max_time_seconds", "Maximum timestamp of the head block.") {
      Double($0.head.timeRange?.upperBound ?? 0) / 1000
    }
    gauge("prometheus_tsdb_lowest_timestamp_seconds", "Lowest timestamp value stored in the database.") {
      Double($0.head.timeRange?.lowerBound ?? 0) / 1000
    }
    gauge("prometheus_tsdb_retention_limit_seconds", "How long to retain samples in storage.") {
      Double($0.options.withLock { $0.retentionMilliseconds }) / 1000
    }
    gauge("apus_disk_full", "Whether writes are refused because the disk is nearly full.") { $0.isWritable ? 0 : 1 }
    gauge(
      "prometheus_ready", "Whether Prometheus startup was fully completed and the server is ready for normal operation."
    ) {
      $0.isReady ? 1 : 0
    }
    counter("prometheus_tsdb_head_series_created_total", "Total number of series created in the head.") {
      $0.head.metrics.seriesCreated.value
    }
    counter("prometheus_tsdb_head_series_removed_total", "Total number of series removed in the head.") {
      $0.head.metrics.seriesRemoved.value
    }
    counter("prometheus_tsdb_head_chunks_created_total", "Total number of chunks created in the head.") {
      $0.head.chunksCreated
    }
    counter("prometheus_tsdb_head_chunks_removed_total", "Total number of chunks removed in the head.") {
      $0.head.metrics.chunksRemoved.value
    }
    counter(
      "prometheus_tsdb_out_of_order_samples_total",
      "Total number of out of order samples ingestion failed attempts due to out of order being disabled."
    ) {
      $0.head.metrics.outOfOrder.value
    }
    counter(
      "prometheus_tsdb_out_of_bound_samples_total",
      "Total number of out of bound samples ingestion failed attempts with out of order support disabled."
    ) {
      $0.head.metrics.outOfBounds.value + $0.head.metrics.tooFarInFuture.value
    }
    counter(
      "prometheus_tsdb_too_old_samples_total",
      "Total number of out of order samples ingestion failed attempts with out of support enabled, but sample outside of time window."
    ) {
      $0.head.metrics.tooOld.value
    }
    counter(
      "prometheus_tsdb_head_out_of_order_samples_appended_total", "Total number of appended out of order samples."
    ) {
      $0.head.metrics.lateAppended.value
    }
    registry.collect("prometheus_tsdb_head_samples_appended_total", "Total number of appended samples.", .counter) {
      [weak database] in
      guard let database else { return [] }
      return [(labels: [("type", "float")], value: Double(database.head.metrics.samplesAppended.value))]
    }
    counter(
      "apus_head_duplicate_samples_total",
      "Samples that were there already, with the same value: successes without effect."
    ) {
      $0.head.metrics.duplicates.value
    }
    // For a thousand workspaces that would be thousands of folders to list for each reading.
    if !registry.isScope { registerSizes(database, in: registry) }
    ExemplarMetrics.register(database, in: registry)
    counter("apus_head_chunks_unreadable_total", "Reads of a head chunk that failed.") {
      $0.head.files.chunksUnreadable.value
    }
    counter("apus_head_chunks_recovered_total", "Unreadable head chunks whose samples were read from the log.") {
      $0.head.files.chunksRecovered.value
    }
    counter("apus_head_chunks_lost_total", "Unreadable head chunks of which the log does not hold all samples.") {
      $0.head.files.chunksLost.value
    }
  }
}
