import Ingest
import Platform
import Synchronization
import TSDB

/// The workspaces of a server. There is always the default one; the others are opened, changed and closed while requests go
/// on. Any thread.
///
/// Invariant: requests see a snapshot that is swapped; one change at a time (`changing`), under which files are touched.
package final class WorkspaceSet: Sendable {
  package static let workspacesMax = 2000

  package let standard: Workspace
  /// The threads that keep all of them in order; nil: somebody else does (a simulated world).
  package let work: SharedWork?
  let layout: WorkspaceLayout
  let surroundings: Workspace.Surroundings
  let metrics: WorkspaceMetrics
  let unknown = UnknownWorkspaces()
  /// Called with every workspace that was opened, before it is published.
  private let onOpen: @Sendable (Workspace, MetricsRegistry) -> Void
  private let snapshot = Mutex(Snapshot())
  private let changing = Mutex<Void>(())

  struct Snapshot: Sendable {
    var byID: [String: Workspace] = [:]
    /// Those that should be there and could not be opened, and why.
    var failed: [String: String] = [:]
    /// For workspaces that come into being by a write; nil: none do.
    var template: WorkspaceSettings?
    /// The workspaces of the configuration have been opened, as far as they can be.
    var isComplete = false
    var isClosed = false
  }

  /// Opens the default workspace. `onOpen` is called with it too.
  package init(
    _ settings: WorkspaceSettings, in surroundings: Workspace.Surroundings, work: SharedWork?,
    onOpen: @escaping @Sendable (Workspace, MetricsRegistry) -> Void = { _, _ in }
  ) throws(DatabaseError) {
    self.surroundings = surroundings
    self.work = work
    self.onOpen = onOpen
    layout = WorkspaceLayout(root: settings.database.directory)
    metrics = WorkspaceMetrics(surroundings.registry)
    surroundings.ringBudget.reconfigure(ringBytesMax: settings.ha.ringBytes)
    standard = try Workspace.open(settings, in: surroundings)
    onOpen(standard, surroundings.registry)
    snapshot.withLock { $0.byID[standard.id] = standard }
    metrics.collect(from: self, surroundings.registry)
  }

  /// A set of one workspace that is open already.
  package init(only workspace: Workspace, in surroundings: Workspace.Surroundings) {
    self.surroundings = surroundings
    work = nil
    onOpen = { _, _ in }
    layout = WorkspaceLayout(root: workspace.present.database.directory)
    metrics = WorkspaceMetrics(surroundings.registry)
    standard = workspace
    snapshot.withLock {
      $0.byID[workspace.id] = workspace
      $0.isComplete = true
    }
  }

  // MARK: Requests

  package enum Lookup: Sendable {
    case found(Workspace)
    /// There is none of this name.
    case unknown(String)
    /// It should be there and cannot be served now.
    case unavailable(String)
  }

  /// The workspace of a request; nil names the default one.
  package func find(_ id: String?) -> Lookup {
    guard let id else { return .found(standard) }
    let (found, failure, isComplete) = snapshot.withLock { ($0.byID[id], $0.failed[id], $0.isComplete) }
    if let found { return .found(found) }
    if !isComplete { return .unavailable("the server is starting") }
    if let failure { return .unavailable("the workspace \(id) cannot be served: \(failure)") }
    noteUnknown(id)
    return .unknown("no such workspace: \(WorkspaceLayout.excerpt(of: id))")
  }

  /// The same for a write, which makes the workspace where the configuration says so.
  package func findForWrite(_ id: String?) -> Lookup {
    guard let id else { return .found(standard) }
    let (isThere, template) = snapshot.withLock { ($0.byID[id] != nil || $0.failed[id] != nil, $0.template) }
    guard !isThere, let template, isReady else { return find(id) }
    guard WorkspaceLayout.isID(id) else {
      noteUnknown(id)
      return .unknown(
        "\(WorkspaceLayout.excerpt(of: id)) is no name of a workspace: 1 to 64 letters, digits, dashes and underscores, "
          + "the first a letter or digit")
    }
    var settings = template
    settings.id = id
    return add(settings) ? find(id) : .unavailable("the workspace \(id) was not made: there are \(count) already")
  }

  /// True once the default workspace and those of the configuration take and give samples, or have said why they cannot.
  package var isReady: Bool { standard.database.isReady && snapshot.withLock { $0.isComplete } }

  package var all: [Workspace] { snapshot.withLock { Array($0.byID.values) }.sorted { $0.id < $1.id } }

  package subscript(id: String?) -> Workspace? { id.map { id in snapshot.withLock { $0.byID[id] } } ?? standard }

  var count: Int { snapshot.withLock { $0.byID.count } }
  var failures: [String: String] { snapshot.withLock { $0.failed } }

  private func noteUnknown(_ id: String) {
    metrics.unknownRequests.add()
    guard unknown.isWorthALine(id, now: surroundings.clock.monotonicNanoseconds() / 1_000_000) else { return }
    surroundings.log.warn(
      "A request named a workspace that is not configured (apus.workspaces)",
      ["workspace": WorkspaceLayout.excerpt(of: id), "answer": "404"])
  }

  // MARK: Changes

  /// Takes over the configuration: opens what is new, closes what is named no more (its files stay), changes the others.
  /// The default workspace is the first.
  package func reconfigure(_ workspaces: [WorkspaceSettings], createsOnWrite: Bool) {
    changing.withLock { _ in
      if snapshot.withLock({ $0.isClosed }) { return }
      var wanted = workspaces
      snapshot.withLock { $0.template = createsOnWrite ? workspaces.first : nil }
      addFound(&wanted, template: createsOnWrite ? workspaces.first : nil)
      surroundings.ringBudget.reconfigure(ringBytesMax: wanted.map(\.ha.ringBytes).max() ?? 0)
      let names = Set(wanted.map(\.id))
      for workspace in all where !names.contains(workspace.id) && workspace !== standard { close(workspace) }
      for settings in wanted where !snapshot.withLock({ $0.isClosed }) {
        if let workspace = self[settings.id] {
          workspace.reconfigure(settings)
        } else {
          open(settings)
        }
      }
      snapshot.withLock {
        $0.failed = $0.failed.filter { names.contains($0.key) }
        $0.isComplete = true
      }
    }
  }

  /// Opens one more workspace; one that is there stays as it is. False where there are too many.
  package func add(_ settings: WorkspaceSettings) -> Bool {
    changing.withLock { _ in
      let (isThere, count, isClosed) = snapshot.withLock { ($0.byID[settings.id] != nil, $0.byID.count, $0.isClosed) }
      if isThere { return true }
      if isClosed || count >= WorkspaceSet.workspacesMax { return false }
      open(settings)
      return true
    }
  }

  /// Closes a workspace and removes its files. False where there is none of this name, or it is the default one.
  package func delete(_ id: String) throws(DiskError) -> Bool {
    try changing.withLock { (_) throws(DiskError) in
      guard id != standard.id, let workspace = snapshot.withLock({ $0.byID[id] }) else { return false }
      close(workspace)
      try surroundings.disk.removeTree(layout.directory(of: id))
      surroundings.log.info("Workspace deleted", ["workspace": id])
      return true
    }
  }

  /// Closes all of them, the default one last. None is opened any more.
  package func close() {
    // Whoever opens some just now stops at the next.
    snapshot.withLock { $0.isClosed = true }
    changing.withLock { _ in
      for workspace in all where workspace !== standard { workspace.close() }
      standard.close()
    }
  }

  /// Folders of workspaces that nobody names: those made by writes go on, others are told.
  private func addFound(_ wanted: inout [WorkspaceSettings], template: WorkspaceSettings?) {
    let found: [String]
    do throws(DiskError) {
      found = try layout.found(on: surroundings.disk)
    } catch {
      return surroundings.log.error("The folder of workspaces cannot be listed", ["err": "\(error)"])
    }
    let names = Set(wanted.map(\.id))
    for id in found where !names.contains(id) {
      guard var settings = template else {
        surroundings.log.warn(
          "A workspace has data and is not configured (apus.workspaces); it is not served",
          ["workspace": id, "directory": layout.directory(of: id)])
        continue
      }
      settings.id = id
      wanted.append(settings)
    }
  }

  /// Opens, brings back the data of, and publishes a workspace; what fails is told and touches no other.
  private func open(_ settings: WorkspaceSettings) {
    var settings = settings
    settings.database.directory = layout.directory(of: settings.id)
    var inside = surroundings
    inside.registry = surroundings.registry.scope([("workspace", settings.id)])
    inside.log = surroundings.log.adding("workspace", settings.id)
    do throws(DatabaseError) {
      let workspace = try Workspace.open(settings, in: inside)
      try workspace.database.restore()
      onOpen(workspace, inside.registry)
      if let work { try workspace.start(on: work) }
      snapshot.withLock {
        $0.byID[settings.id] = workspace
        $0.failed[settings.id] = nil
      }
    } catch {
      surroundings.registry.remove(inside.registry)
      snapshot.withLock { $0.failed[settings.id] = "\(error)" }
      surroundings.log.error(
        "A workspace cannot be opened; requests to it are answered with 503 until a reload can open it",
        ["workspace": settings.id, "err": "\(error)"])
    }
  }

  private func close(_ workspace: Workspace) {
    snapshot.withLock { $0.byID[workspace.id] = nil }
    workspace.close()
    surroundings.registry.remove(workspace.registry)
    surroundings.log.info("Workspace closed", ["workspace": workspace.id])
  }
}
