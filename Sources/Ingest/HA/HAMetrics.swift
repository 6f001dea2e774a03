import Platform
import Synchronization

/// The metrics of replicas. Any thread.
package final class HAMetrics: Sendable {
  let refusedBodies: Counter
  let replayedBodies: Counter
  let replayedSamples: Counter
  let clustersForgotten: Counter
  let clustersEvicted: Counter
  let tableFailures: Counter
  let supersededSamples: Counter
  let gapSeconds: HistogramMetric
  private let withoutCluster: Counter
  private let withoutReplica: Counter
  private let deduped = Mutex<[String: Int]>([:])

  init(_ registry: MetricsRegistry) {
    refusedBodies = registry.counter(
      "apus_ha_refused_bodies_total", "Bodies of which nothing was stored, since another replica leads.")
    replayedBodies = registry.counter(
      "apus_ha_replayed_bodies_total", "Kept bodies that were stored when their replica was elected.")
    replayedSamples = registry.counter(
      "apus_ha_replayed_samples_total", "Samples of kept bodies that closed the gap of a fail-over.")
    clustersForgotten = registry.counter(
      "apus_ha_replicas_cleanup_deleted_total",
      "Silent clusters forgotten, since no samples as old as theirs are stored any more or too many rest.")
    clustersEvicted = registry.counter(
      "apus_ha_clusters_evicted_total", "Clusters that wrote one body and no other, whose place others took.")
    tableFailures = registry.counter(
      "apus_ha_leader_table_write_failures_total", "Times the table of leaders could not be written.")
    supersededSamples = registry.counter(
      "apus_ha_superseded_samples_total", "Samples of a new leader that the one before it had brought.")
    gapSeconds = registry.histogram(
      "apus_ha_failover_gap_seconds", "From the old leader's newest sample to the first stored of the new one.",
      upperBounds: [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300])
    let help = "New series with one of the two labels of a replica, by the missing one."
    withoutCluster = registry.counter("apus_ha_incomplete_series_total", help, labels: [("missing", "cluster")])
    withoutReplica = registry.counter("apus_ha_incomplete_series_total", help, labels: [("missing", "replica")])
  }

  func incomplete(_ missing: HATracker.IncompleteLabel) -> Counter {
    switch missing {
    case .cluster: withoutCluster
    case .replica: withoutReplica
    }
  }

  func countDeduped(_ samples: Int, of cluster: String) {
    deduped.withLock { $0[cluster, default: 0] += samples }
  }

  /// Registers the metrics whose values the tracker holds. Their label is not `cluster`: the server's own samples are
  /// of none.
  func collect(from tracker: HATracker, _ registry: MetricsRegistry) {
    func each(
      _ name: String, _ help: String, _ kind: MetricKind, _ value: @escaping @Sendable (HAElection.Cluster) -> Double
    ) {
      registry.collect(name, help, kind) { [weak tracker] in
        let clusters = tracker?.state.withLock { $0.election.clusters } ?? [:]
        return clusters.sorted { $0.key < $1.key }.map { ([("ha_cluster", $0.key)], value($0.value)) }
      }
    }
    each("apus_ha_elected_replica_changes_total", "Fail-overs of a cluster.", .counter) { Double($0.changes) }
    each("apus_ha_elected_replica_timestamp_seconds", "When the present leader was elected.", .gauge) {
      Double($0.electedAtMilliseconds) / 1000
    }
    registry.collect("apus_ha_deduped_samples_total", "Samples refused since another replica leads.", .counter) {
      [weak self, weak tracker] in
      guard let self, let tracker else { return [] }
      let clusters = tracker.state.withLock { Set($0.election.clusters.keys) }
      let counts = self.deduped.withLock { counts in
        // What is forgotten there is forgotten here.
        counts = counts.filter { clusters.contains($0.key) }
        return counts
      }
      return counts.sorted { $0.key < $1.key }.map { ([("ha_cluster", $0.key)], Double($0.value)) }
    }
    func one(
      _ name: String, _ help: String, _ kind: MetricKind, _ value: @escaping @Sendable (HATracker.State) -> Int
    ) {
      registry.collect(name, help, kind) { [weak tracker] in
        tracker.map { tracker in [([], Double(tracker.state.withLock { value($0) }))] } ?? []
      }
    }
    one("apus_ha_replica_group_count", "Clusters with a leader.", .gauge) { $0.election.clusters.count }
    one("apus_ha_resting_clusters", "Clusters silent for half an hour whose leader is remembered.", .gauge) {
      $0.election.resting.count
    }
    one("apus_ha_ring_bytes", "Bytes of refused bodies that are kept.", .gauge) { $0.ring.byteCount }
    one("apus_ha_ring_bodies", "Refused bodies that are kept.", .gauge) { $0.ring.count }
    one("apus_ha_ring_evictions_total", "Kept bodies that had to go early for want of room.", .counter) {
      $0.ring.evictions
    }
  }
}
