/// The number of workspaces that a server serves at once, the default one among them. A value.
package struct WorkspaceBound: Sendable {
  package static let workspacesMax = 2000
  /// Three that stay open, the lock, and two that come and go.
  private static let descriptorsEach = 6
  private static let mostText = "the most there may be"

  package let countMax: Int
  /// The bound as a reason, for people.
  let text: String

  package init() {
    countMax = WorkspaceBound.workspacesMax
    text = WorkspaceBound.mostText
  }

  /// Allows as many as can have their files open beside `reserved` others, up to `workspacesMax`.
  package init(descriptors: Int, reserved: Int) {
    let fitting = max(1, (descriptors - reserved) / WorkspaceBound.descriptorsEach)
    let isEnough = fitting >= WorkspaceBound.workspacesMax
    countMax = isEnough ? WorkspaceBound.workspacesMax : fitting
    text =
      isEnough
      ? WorkspaceBound.mostText
      : "as many as the limit of open files, \(descriptors), has room for (ulimit -n, LimitNOFILE)"
  }
}
