import Notify
import Rules
import Workspaces

/// The rules of workspaces and those who are told of alerts, as endpoints see them: functions of the server's, or of a
/// test. Any thread.
package struct RuleFacts: Sendable {
  /// The groups of a workspace, in any order.
  package var groups: @Sendable (Workspace) -> [RuleGroupView]
  package var alertmanagers: @Sendable (Workspace) -> AlertmanagersView
  /// The stored groups of a workspace; nil where it has no store.
  package var store: @Sendable (Workspace) -> RuleStore?

  /// No rules, and nobody who is told.
  package static let none = RuleFacts(groups: { _ in [] }, alertmanagers: { _ in AlertmanagersView() })

  package init(
    groups: @escaping @Sendable (Workspace) -> [RuleGroupView],
    alertmanagers: @escaping @Sendable (Workspace) -> AlertmanagersView,
    store: @escaping @Sendable (Workspace) -> RuleStore? = { _ in nil }
  ) {
    self.groups = groups
    self.alertmanagers = alertmanagers
    self.store = store
  }
}
