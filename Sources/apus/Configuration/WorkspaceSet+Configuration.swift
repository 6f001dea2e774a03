import Workspaces

extension WorkspaceSet {
  /// Takes over the workspaces of a configuration.
  func reconfigure(_ configuration: Configuration) {
    reconfigure(configuration.totalRetention)
    reconfigure(configuration.workspaces, createsOnWrite: configuration.createsWorkspacesOnWrite)
  }
}
