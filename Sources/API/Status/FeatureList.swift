import Format
import HTTP
import PromQL
import Workspaces

/// `/api/v1/features`: what of Prometheus's API and language this server has, by group.
struct FeatureList: Sendable {
  let options: EngineOptions
  let isAdminEnabled: Bool
  let isLifecycleEnabled: Bool

  private var groups: [(name: String, features: [(name: String, isOn: Bool)])] {
    [
      (
        "api",
        [
          ("admin", isAdminEnabled), ("exemplars", true), ("exclude_alerts", true), ("federation", true),
          ("label_values_match", true), ("lifecycle", isLifecycleEnabled), ("limits", true), ("metadata", true),
          ("otlp_write_receiver", true), ("query_stats", true), ("query_warnings", true), ("remote_read", true),
          ("remote_write_receiver", true), ("time_range_labels", true), ("time_range_series", true),
          ("tsdb_status_focus_label", true), ("workspaces", true),
        ]
      ),
      (
        "promql",
        [
          ("at_modifier", true), ("delayed_name_removal", options.delaysNameRemoval),
          ("duration_expr", options.parser.durationExpressions),
          ("experimental_functions", options.parser.experimentalFunctions),
          ("extended_range_selectors", options.parser.extendedRangeSelectors),
          ("fill_modifiers", options.parser.fillModifiers), ("negative_offset", true),
          ("per_query_lookback_delta", true), ("subqueries", true),
          ("type_and_unit_labels", options.usesTypeAndUnitLabels),
        ]
      ),
      ("tsdb", [("exemplar_storage", true), ("native_histograms", true), ("out_of_order", true)]),
    ]
  }

  func features(_ request: Request, _ workspace: Workspace) -> Response {
    JSONAnswer.success { json in
      json.raw("{")
      for (place, group) in groups.enumerated() {
        if place > 0 { json.raw(",") }
        json.raw("\"\(group.name)\":{")
        for (index, feature) in group.features.enumerated() {
          if index > 0 { json.raw(",") }
          json.raw("\"\(feature.name)\":\(feature.isOn)")
        }
        json.raw("}")
      }
      json.raw("}")
    }
  }
}
