import Ingest
import Platform
import Workspaces

/// The limits of the workspace as metrics, so that an alert can compare them with what there is before senders are refused.
enum LimitMetrics {
  @Sendable static func register(_ workspace: Workspace, in registry: MetricsRegistry) {
    let (database, intake) = (workspace.database, workspace.receiver.intake)
    registry.collect("apus_limit", "Limits of the workspace; 0: none.", .gauge) { [weak database, weak intake] in
      guard let series = database?.head.seriesLimits, let ingest = intake?.presentLimits else { return [] }
      var present = WorkspaceSettings()
      present.database.head.limits = series
      present.ingest = ingest
      return WorkspaceSettings.limits.settings.compactMap { setting in
        // `max_active_series` is the limit active_series.
        setting.number.map { (labels: [("limit", String(setting.name.dropFirst(4)))], value: Double($0(present))) }
      }
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
