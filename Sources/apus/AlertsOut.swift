import Model
import Notify
import Synchronization
import Workspaces

/// The way of alerts from the rules of all workspaces to those who are told of them. Any thread.
///
/// Rules are made before the notifier, whose files lie in a workspace; until `begin` nothing is evaluated.
final class AlertsOut: Sendable {
  /// The label that tells alerts of a workspace from equal ones of another; the default workspace's have none.
  static let workspaceLabel = "workspace"

  private let notifier = Mutex<Notifier?>(nil)

  func begin(_ notifier: Notifier) { self.notifier.withLock { $0 = notifier } }

  @Sendable func send(_ workspace: String, _ notices: [AlertNotice]) {
    guard let notifier = notifier.withLock({ $0 }) else { return }
    let marked = workspace == WorkspaceSettings.defaultID ? notices : notices.map { AlertsOut.mark($0, workspace) }
    notifier.send(marked, of: workspace)
  }

  private static func mark(_ notice: AlertNotice, _ workspace: String) -> AlertNotice {
    var notice = notice
    var labels = LabelsBuilder(notice.labels)
    if labels[workspaceLabel] == nil { labels.set(workspaceLabel, workspace) }
    notice.labels = labels.labels()
    return notice
  }
}
