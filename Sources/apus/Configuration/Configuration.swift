import Format
import Workspaces

/// The configuration file with types. Immutable; a reload makes a new one. Sections that nothing of this version reads are
/// checked and kept in `document`, and named in `warnings`.
struct Configuration: Sendable {
  var global = GlobalSettings()
  /// The default one first: it is told what the flags and the top level of the file say. The others are over it.
  var workspaces: [WorkspaceSettings]
  var createsWorkspacesOnWrite = false
  /// The whole file, typed and with defaults filled in: for printing. What is not in the other fields has no effect.
  var document = SectionValue(Schema("the configuration", []), at: YAMLPosition(line: 1, column: 1))
  /// Where it was read from, as errors and the log call it.
  var file = ""
  /// Lines to log: keys without effect, and what may be a mistake.
  var warnings: [String] = []

  /// `flags` is what the default workspace is told where the file says nothing.
  init(flags: WorkspaceSettings = WorkspaceSettings()) { workspaces = [flags] }

  /// The default workspace's.
  var standard: WorkspaceSettings {
    get { workspaces[0] }
    set { workspaces[0] = newValue }
  }
}
