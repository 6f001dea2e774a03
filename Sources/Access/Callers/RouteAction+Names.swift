import HTTP

// The actions of routes: those of the managed service's policies, and the server's own.

extension RouteAction {
  package static let remoteWrite = RouteAction("aps:RemoteWrite")
  package static let queryMetrics = RouteAction("aps:QueryMetrics")
  package static let getSeries = RouteAction("aps:GetSeries")
  package static let getLabels = RouteAction("aps:GetLabels")
  package static let getMetricMetadata = RouteAction("aps:GetMetricMetadata")
  package static let listRules = RouteAction("aps:ListRules")
  package static let listAlerts = RouteAction("aps:ListAlerts")
  /// Deleting, copying, ending queries, reading configuration and flags, reloading, stopping.
  package static let admin = RouteAction("apus:Admin")
  /// Needs no credentials where the configuration says so: `/-/healthy` and `/-/ready`.
  package static let health = RouteAction("apus:Health")
}
