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
  package static let describeRules = RouteAction("aps:DescribeRuleGroupsNamespace")
  package static let putRules = RouteAction("aps:PutRuleGroupsNamespace")
  package static let deleteRules = RouteAction("aps:DeleteRuleGroupsNamespace")
  package static let createAlertManagerAlerts = RouteAction("aps:CreateAlertManagerAlerts")
  package static let listAlertManagerAlerts = RouteAction("aps:ListAlertManagerAlerts")
  package static let listAlertManagerAlertGroups = RouteAction("aps:ListAlertManagerAlertGroups")
  package static let listAlertManagerReceivers = RouteAction("aps:ListAlertManagerReceivers")
  package static let getAlertManagerStatus = RouteAction("aps:GetAlertManagerStatus")
  package static let listAlertManagerSilences = RouteAction("aps:ListAlertManagerSilences")
  package static let putAlertManagerSilences = RouteAction("aps:PutAlertManagerSilences")
  package static let getAlertManagerSilence = RouteAction("aps:GetAlertManagerSilence")
  package static let deleteAlertManagerSilence = RouteAction("aps:DeleteAlertManagerSilence")
  /// Deleting and copying the data of a workspace, ending its queries.
  package static let admin = RouteAction("apus:Admin")

  /// Asked by browsers, without credentials.
  package static let preflight = RouteAction("apus:Preflight")

  // About the server: whoever may do it in the default workspace may do it.

  /// Reloading, stopping.
  package static let serverAdmin = RouteAction("apus:Admin", isServerWide: true)
  /// Configuration, flags, targets, Alertmanagers, the pages.
  package static let serverRead = RouteAction("apus:ReadServer", isServerWide: true)
  /// The server's own metrics, those of all workspaces.
  package static let metrics = RouteAction("apus:Metrics", isServerWide: true)
  /// Needs no credentials where a flag says so: `/-/healthy` and `/-/ready`.
  package static let health = RouteAction("apus:Health", isServerWide: true)
}
