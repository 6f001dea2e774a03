/// The names of all actions: those of the managed service's policies, and the server's own.
package enum ActionNames {
  package static let all: [String] = management + dataPlane + own

  private static let management =
    """
    CreateWorkspace ListWorkspaces DescribeWorkspace DeleteWorkspace UpdateWorkspaceAlias DescribeWorkspaceConfiguration
    UpdateWorkspaceConfiguration CreateRuleGroupsNamespace ListRuleGroupsNamespaces DescribeRuleGroupsNamespace
    PutRuleGroupsNamespace DeleteRuleGroupsNamespace CreateAlertManagerDefinition PutAlertManagerDefinition
    DescribeAlertManagerDefinition DeleteAlertManagerDefinition CreateLoggingConfiguration UpdateLoggingConfiguration
    DescribeLoggingConfiguration DeleteLoggingConfiguration CreateQueryLoggingConfiguration
    UpdateQueryLoggingConfiguration DescribeQueryLoggingConfiguration DeleteQueryLoggingConfiguration PutResourcePolicy
    DescribeResourcePolicy DeleteResourcePolicy CreateAnomalyDetector ListAnomalyDetectors DescribeAnomalyDetector
    PutAnomalyDetector DeleteAnomalyDetector CreateScraper ListScrapers DescribeScraper UpdateScraper DeleteScraper
    UpdateScraperLoggingConfiguration DescribeScraperLoggingConfiguration DeleteScraperLoggingConfiguration
    GetDefaultScraperConfiguration ListTagsForResource TagResource UntagResource
    """.split(whereSeparator: \.isWhitespace).map { "aps:\($0)" }

  private static let dataPlane =
    """
    RemoteWrite QueryMetrics GetSeries GetLabels GetMetricMetadata ListRules ListAlerts CreateAlertManagerAlerts
    ListAlertManagerAlerts ListAlertManagerAlertGroups ListAlertManagerReceivers ListAlertManagerSilences
    GetAlertManagerSilence GetAlertManagerStatus PutAlertManagerSilences DeleteAlertManagerSilence
    PreviewAnomalyDetector
    """.split(whereSeparator: \.isWhitespace).map { "aps:\($0)" }

  private static let own = ["apus:Admin", "apus:Health", "apus:Metrics", "apus:ReadServer"]
}
