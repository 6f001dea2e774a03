extension Schema {
  /// Our own section. The reference in docs/configuration.md is checked against these rows.
  static let apus = Schema(
    "apus",
    [
      SchemaKey("limits", .section(limits), "{}", help: "Limits of the workspace; 0 means no limit."),
      SchemaKey(
        "ha", .section(ha), "{}", help: "De-duplication of replicas that send the same series: see ha.md."),
      SchemaKey(
        "retention_rules", .list(.section(retentionRule)),
        help: "Retention of the series that match a selector; the first rule that matches counts."),
      SchemaKey(
        "write_relabel_configs", .list(.section(relabel)),
        help: "Relabelling of everything received, before limits and storage."),
      SchemaKey(
        "rename", .list(.section(rename)),
        help: "Other names for received metrics, before relabelling; every rule that matches counts, in their order."),
      SchemaKey(
        "slow_query_threshold", .duration, "10s", isServed: false,
        help: "Queries that take longer are logged; 0s: none."),
      SchemaKey(
        "slow_query_log_file", .text, isServed: false, help: "Where slow queries are logged; the server's log if empty."
      ),
    ])

  static let limits = Schema(
    "limits",
    [
      SchemaKey("max_active_series", .count, "10000000", help: "Series in memory."),
      SchemaKey("max_series_per_metric", .count, "2000000", help: "Series in memory of one metric name."),
      SchemaKey("max_labels_per_series", .count, "100", help: "Labels of one series, its name included."),
      SchemaKey("max_label_name_bytes", .count, "1024", help: "Bytes of a label's name."),
      SchemaKey("max_label_value_bytes", .count, "8192", help: "Bytes of a label's value."),
      SchemaKey(
        "max_samples_per_second", .count, "0",
        help: "Samples received a second; past it senders are told 429."),
      SchemaKey(
        "max_samples_burst", .count, "0",
        help: "Samples that may come at once; 0: those of one second."),
      SchemaKey(
        "label_sets", .list(.section(labelSetLimit)), help: "Limits of the series with given labels."),
    ])

  static let rename = Schema(
    "rename",
    [
      SchemaKey("from", .regex, isRequired: true, help: "Name of a metric, or a regular expression of the whole name."),
      SchemaKey("to", .text, isRequired: true, help: "The name it is stored under; $1 stands for a group of from."),
      SchemaKey("keep", .boolean, "false", help: "Store it under its old name as well."),
    ])

  static let labelSetLimit = Schema(
    "label set limit",
    [
      SchemaKey("labels", .labels, isRequired: true, help: "Labels that a series must have to count."),
      SchemaKey("max_series", .count, isRequired: true, help: "Series in memory with these labels."),
    ])

  static let ha = Schema(
    "ha",
    [
      SchemaKey("enabled", .boolean, "true", help: "Take the samples of one replica of each cluster only."),
      SchemaKey("cluster_label", .labelName, "cluster", help: "Label that names the cluster."),
      SchemaKey("replica_label", .labelName, "__replica__", help: "Label that names the replica; it is not stored."),
      SchemaKey(
        "failover_timeout", .duration, "30s", help: "Silence of the leader after which another replica takes over."),
      SchemaKey("max_clusters", .count, "500", help: "Clusters that may be told apart; 0: 10000."),
      SchemaKey(
        "ring_bytes", .size, "64MB", help: "Refused bodies kept in all to close the gap of a fail-over; 0B: none."),
      SchemaKey(
        "strip_lone_replica_label", .boolean, "false",
        help: "Remove the replica label also where the cluster label is missing."),
    ], rules: [.check(SchemaRules.haLabelsDiffer)])

  static let retentionRule = Schema(
    "retention rule",
    [
      SchemaKey("selector", .text, isRequired: true, help: "PromQL selector of the series."),
      SchemaKey("retention", .duration, isRequired: true, help: "How long their samples are kept."),
    ], rules: [.check(SchemaRules.retentionRuleIsWhole)])
}
