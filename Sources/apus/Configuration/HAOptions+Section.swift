import Ingest

extension HAOptions {
  /// `apus.ha`.
  static let section = Section(
    "ha", HAOptions(),
    [
      .boolean("enabled", \.isEnabled, help: "Take the samples of one replica of each cluster only."),
      .text("cluster_label", \.clusterLabel, shape: .labelName, help: "Label that names the cluster."),
      .text(
        "replica_label", \.replicaLabel, shape: .labelName, help: "Label that names the replica; it is not stored."),
      .duration(
        "failover_timeout", \.failoverMilliseconds,
        help: "Silence of the leader after which another replica takes over."
      ),
      .integer("max_clusters", \.clustersMax, help: "Clusters that may be told apart; 0: 10000."),
      .size(
        "ring_bytes", \.ringBytes, help: "Refused bodies kept in all to close the gap of a fail-over; 0B: none."),
      .boolean(
        "strip_lone_replica_label", \.isLoneReplicaLabelStripped,
        help: "Remove the replica label also where the cluster label is missing."),
    ],
    conditions: [
      {
        $0.clusterLabel == $0.replicaLabel
          ? RuleViolation("cluster_label and replica_label are the same", at: "replica_label") : nil
      }
    ])
}
