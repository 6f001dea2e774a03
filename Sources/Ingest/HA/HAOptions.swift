/// The options for replicas that send the same series: the section `apus.ha` of the configuration.
package struct HAOptions: Sendable, Equatable {
  package var isEnabled = true
  package var clusterLabel = "cluster"
  package var replicaLabel = "__replica__"
  package var failoverMilliseconds: Int64 = 30_000
  /// 0: `HAElection.clustersMax`.
  package var clustersMax = 500
  /// Most bytes of refused bodies that the ring keeps; 0: it keeps none, and a fail-over leaves a gap.
  package var ringBytes = 64 << 20
  /// True if the replica label is removed also from series without a cluster label.
  package var isLoneReplicaLabelStripped = false

  package init() {}

  var election: HAElection.Settings {
    HAElection.Settings(failoverMilliseconds: failoverMilliseconds, clustersMax: clustersMax)
  }

  /// True if these options read the same pairs from labels as the other ones, so that pairs learned under those still
  /// hold.
  func namesAlike(_ other: HAOptions) -> Bool {
    isEnabled == other.isEnabled && clusterLabel == other.clusterLabel && replicaLabel == other.replicaLabel
      && isLoneReplicaLabelStripped == other.isLoneReplicaLabelStripped
  }
}
