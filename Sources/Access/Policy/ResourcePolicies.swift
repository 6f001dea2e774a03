import Synchronization

/// The policies of workspaces that are in force, by id. Any thread.
package final class ResourcePolicies: Sendable {
  private let policies = Mutex<[String: ResourcePolicy]>([:])

  package init() {}

  package subscript(workspace: String) -> ResourcePolicy? {
    get { policies.withLock { $0[workspace] } }
    set { policies.withLock { $0[workspace] = newValue } }
  }
}
