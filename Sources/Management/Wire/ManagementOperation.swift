import HTTP

/// The operations of the managed service's API. A closed set: the raw value is the operation's name.
package enum ManagementOperation: String, Sendable, CaseIterable {
  case createWorkspace = "CreateWorkspace"
  case listWorkspaces = "ListWorkspaces"
  case describeWorkspace = "DescribeWorkspace"
  case deleteWorkspace = "DeleteWorkspace"
  case updateWorkspaceAlias = "UpdateWorkspaceAlias"
  case describeWorkspaceConfiguration = "DescribeWorkspaceConfiguration"
  case updateWorkspaceConfiguration = "UpdateWorkspaceConfiguration"
  case createRuleGroupsNamespace = "CreateRuleGroupsNamespace"
  case listRuleGroupsNamespaces = "ListRuleGroupsNamespaces"
  case describeRuleGroupsNamespace = "DescribeRuleGroupsNamespace"
  case putRuleGroupsNamespace = "PutRuleGroupsNamespace"
  case deleteRuleGroupsNamespace = "DeleteRuleGroupsNamespace"
  case createAlertManagerDefinition = "CreateAlertManagerDefinition"
  case putAlertManagerDefinition = "PutAlertManagerDefinition"
  case describeAlertManagerDefinition = "DescribeAlertManagerDefinition"
  case deleteAlertManagerDefinition = "DeleteAlertManagerDefinition"
  case createLoggingConfiguration = "CreateLoggingConfiguration"
  case updateLoggingConfiguration = "UpdateLoggingConfiguration"
  case describeLoggingConfiguration = "DescribeLoggingConfiguration"
  case deleteLoggingConfiguration = "DeleteLoggingConfiguration"
  case createQueryLoggingConfiguration = "CreateQueryLoggingConfiguration"
  case updateQueryLoggingConfiguration = "UpdateQueryLoggingConfiguration"
  case describeQueryLoggingConfiguration = "DescribeQueryLoggingConfiguration"
  case deleteQueryLoggingConfiguration = "DeleteQueryLoggingConfiguration"
  case putResourcePolicy = "PutResourcePolicy"
  case describeResourcePolicy = "DescribeResourcePolicy"
  case deleteResourcePolicy = "DeleteResourcePolicy"
  case createAnomalyDetector = "CreateAnomalyDetector"
  case listAnomalyDetectors = "ListAnomalyDetectors"
  case describeAnomalyDetector = "DescribeAnomalyDetector"
  case putAnomalyDetector = "PutAnomalyDetector"
  case deleteAnomalyDetector = "DeleteAnomalyDetector"
  case createScraper = "CreateScraper"
  case listScrapers = "ListScrapers"
  case describeScraper = "DescribeScraper"
  case updateScraper = "UpdateScraper"
  case deleteScraper = "DeleteScraper"
  case updateScraperLoggingConfiguration = "UpdateScraperLoggingConfiguration"
  case describeScraperLoggingConfiguration = "DescribeScraperLoggingConfiguration"
  case deleteScraperLoggingConfiguration = "DeleteScraperLoggingConfiguration"
  case getDefaultScraperConfiguration = "GetDefaultScraperConfiguration"
  case listTagsForResource = "ListTagsForResource"
  case tagResource = "TagResource"
  case untagResource = "UntagResource"

  /// The name by which policies allow it.
  package var action: RouteAction {
    RouteAction("aps:" + rawValue, decidesByWorkspace: ManagementOperation.decidingByWorkspace.contains(self))
  }

  /// Operations that find out by themselves which workspaces they are about: all that there are, or that of an ARN.
  private static let decidingByWorkspace: Set<ManagementOperation> = [
    .listWorkspaces, .listTagsForResource, .tagResource, .untagResource,
  ]

  package var method: HTTPMethods {
    let verbs: [(String, HTTPMethods)] = [
      ("Describe", .get), ("List", .get), ("Get", .get), ("Delete", .delete), ("Untag", .delete), ("Put", .put),
      ("Create", .post), ("Tag", .post),
    ]
    if let verb = verbs.first(where: { rawValue.hasPrefix($0.0) }) { return verb.1 }
    switch self {
    case .updateWorkspaceAlias: return .post
    case .updateWorkspaceConfiguration: return .patch
    default: return .put
    }
  }

  package var pattern: String {
    let workspace = "/workspaces/{workspaceId}"
    switch self {
    case .createWorkspace, .listWorkspaces: return "/workspaces"
    case .describeWorkspace, .deleteWorkspace: return workspace
    case .updateWorkspaceAlias: return workspace + "/alias"
    case .describeWorkspaceConfiguration, .updateWorkspaceConfiguration: return workspace + "/configuration"
    case .createRuleGroupsNamespace, .listRuleGroupsNamespaces: return workspace + "/rulegroupsnamespaces"
    case .describeRuleGroupsNamespace, .putRuleGroupsNamespace, .deleteRuleGroupsNamespace:
      return workspace + "/rulegroupsnamespaces/{name}"
    case .createAlertManagerDefinition, .putAlertManagerDefinition, .describeAlertManagerDefinition,
      .deleteAlertManagerDefinition:
      return workspace + "/alertmanager/definition"
    case .createLoggingConfiguration, .updateLoggingConfiguration, .describeLoggingConfiguration,
      .deleteLoggingConfiguration:
      return workspace + "/logging"
    case .createQueryLoggingConfiguration, .updateQueryLoggingConfiguration, .describeQueryLoggingConfiguration,
      .deleteQueryLoggingConfiguration:
      return workspace + "/logging/query"
    case .putResourcePolicy, .describeResourcePolicy, .deleteResourcePolicy: return workspace + "/policy"
    case .createAnomalyDetector, .listAnomalyDetectors: return workspace + "/anomalydetectors"
    case .describeAnomalyDetector, .putAnomalyDetector, .deleteAnomalyDetector:
      return workspace + "/anomalydetectors/{anomalyDetectorId}"
    case .createScraper, .listScrapers: return "/scrapers"
    case .describeScraper, .updateScraper, .deleteScraper: return "/scrapers/{scraperId}"
    case .updateScraperLoggingConfiguration, .describeScraperLoggingConfiguration,
      .deleteScraperLoggingConfiguration:
      return "/scrapers/{scraperId}/logging-configuration"
    case .getDefaultScraperConfiguration: return "/scraperconfiguration"
    case .listTagsForResource, .tagResource, .untagResource: return "/tags/{resourceArn}"
    }
  }

  /// The status of its success.
  package var status: Int {
    switch method {
    case .get: 200
    default:
      switch self {
      case .tagResource, .untagResource: 200
      case .updateWorkspaceAlias: 204
      default: 202
      }
    }
  }

  /// True if it changes what is stored, and so waits for the disk.
  package var isChange: Bool { method != .get }
}
