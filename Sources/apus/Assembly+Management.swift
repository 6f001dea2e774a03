import API
import Management
import Notify
import Platform
import Workspaces

extension Assembly {
  /// The management API over these workspaces. From here on a reload serves the workspaces that it has made.
  static func management(
    _ options: ServeOptions, _ workspaces: WorkspaceSet, _ access: AccessControl, _ definitions: DefinitionDelivery,
    _ clock: any Clock, _ log: Log
  ) throws(StartError) -> ManagementFacts {
    guard ManagementID.isRegion(options.managementRegion) else {
      throw StartError("--web.management-region: must be 1 to 32 small letters, digits and dashes")
    }
    let managed = ManagedWorkspaces(
      workspaces, region: options.managementRegion, disk: LinuxDisk(), clock: clock, log: log)
    var table = ManagementTable(tokens: ClientTokens(clock: clock))
    let isPermitted: WorkspaceOperations.Permission = { [requestGuard = access.requestGuard] caller, action, id, _ in
      requestGuard?.may(caller, action, in: id) ?? true
    }
    WorkspaceOperations(managed, isPermitted: isPermitted).add(to: &table)
    RuleNamespaceOperations(managed).add(to: &table)
    AlertManagerOperations(managed, definitions).add(to: &table)
    LoggingOperations(managed).add(to: &table)
    PolicyOperations(managed, access.policies).add(to: &table)
    ScraperOperations().add(to: &table)
    AbsentObjects(managed).add(to: &table)
    // With credentials the policy says who may; without any, everybody could.
    let closedText =
      options.isManagementAPIEnabled || !options.credentialsFile.isEmpty
      ? nil
      : "The management API is disabled: start the server with --web.enable-management-api, or with --web.credentials-file"
    return ManagementFacts(table, closedText: closedText)
  }
}
