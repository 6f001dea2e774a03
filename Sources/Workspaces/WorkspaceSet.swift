import Ingest
import Platform
import Synchronization
import TSDB

/// The workspaces of a server. There is always the default one; the others are opened, changed and closed while requests go
/// on. Any thread.
///
/// Invariant: requests see a snapshot that is swapped; one change at a time (`changing`), under which files are touched.
package final class WorkspaceSet: Sendable {
  package let standard: Workspace
  /// The threads that keep all databases in order; nil: somebody else does (a simulated world).
  package let work: SharedWork?
  let layout: WorkspaceLayout
  let surroundings: Workspace.Surroundings
  let metrics: WorkspaceMetrics
  let bound: WorkspaceBound
  private let unknown = RareLines()
  let refusals = RareLines()
  /// The last failure to make a workspace for a write, and until when no other is tried.
  let creationFault = Mutex<(until: Int64, text: String)?>(nil)
  /// Called with every workspace that was opened, before it is published.
  private let onOpen: @Sendable (Workspace, MetricsRegistry) -> Void
  let snapshot = Mutex(Snapshot())
  let changing = Mutex<Void>(())
  /// Adds workspaces to those of the configuration; nil: there are no others.
  let amendment = Mutex<(@Sendable ([WorkspaceSettings]) -> [WorkspaceSettings])?>(nil)

  struct Snapshot: Sendable {
    var byID: [String: Workspace] = [:]
    /// Workspaces that should be there and could not be opened, with the reason.
    var failed: [String: String] = [:]
    /// The settings of workspaces that a write makes; nil: no write makes one.
    var template: WorkspaceSettings?
    /// True once every workspace of the configuration is open or has failed to open.
    var isComplete = false
    var isClosed = false
  }

  /// Opens the default workspace. `onOpen` is called with it too.
  package init(
    _ settings: WorkspaceSettings, in surroundings: Workspace.Surroundings, work: SharedWork?,
    bound: WorkspaceBound = WorkspaceBound(),
    onOpen: @escaping @Sendable (Workspace, MetricsRegistry) -> Void = { _, _ in }
  ) throws(DatabaseError) {
    self.surroundings = surroundings
    self.work = work
    self.bound = bound
    self.onOpen = onOpen
    layout = WorkspaceLayout(root: settings.database.directory)
    metrics = WorkspaceMetrics(surroundings.registry)
    surroundings.ringBudget.reconfigure(ringBytesMax: settings.ha.ringBytes)
    standard = try Workspace.open(settings, in: surroundings)
    onOpen(standard, surroundings.registry)
    snapshot.withLock { $0.byID[standard.id] = standard }
    metrics.collect(from: self, surroundings.registry)
  }

  // MARK: Requests

  package enum Lookup: Sendable {
    case found(Workspace)
    /// There is none of this name.
    case unknown(String)
    /// The workspace should be there and cannot be served now; the text says why.
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

  /// True once the default workspace and those of the configuration take and give samples, or have said why they cannot.
  package var isReady: Bool { standard.database.isReady && snapshot.withLock { $0.isComplete } }

  package var all: [Workspace] { snapshot.withLock { Array($0.byID.values) }.sorted { $0.id < $1.id } }

  package subscript(id: String?) -> Workspace? { id.map { id in snapshot.withLock { $0.byID[id] } } ?? standard }

  var count: Int { snapshot.withLock { $0.byID.count } }
  var failures: [String: String] { snapshot.withLock { $0.failed } }

  func noteUnknown(_ id: String) {
    metrics.unknownRequests.add()
    guard unknown.isWorthALine(now: surroundings.clock.monotonicNanoseconds() / 1_000_000) else { return }
    surroundings.log.warn(
      "A request named a workspace that is not configured (apus.workspaces)",
      ["workspace": WorkspaceLayout.excerpt(of: id), "answer": "404"])
  }

  // MARK: Changes

  /// Takes over the limits on what all workspaces keep together.
  package func reconfigure(_ retention: TotalRetention) { work?.reconfigure(retention, log: surroundings.log) }

  /// Takes over the configuration: opens new workspaces, closes those it names no more (their files stay), changes the
  /// others. The first one is the default workspace.
  package func reconfigure(_ workspaces: [WorkspaceSettings], createsOnWrite: Bool) {
    changing.withLock { _ in
      if snapshot.withLock({ $0.isClosed }) { return }
      removeRests()
      let amend = amendment.withLock { $0 }
      var wanted = amend?(workspaces) ?? workspaces
      var template = createsOnWrite ? workspaces.first : nil
      // The rule files are about the default workspace.
      template?.ruleGroups = []
      snapshot.withLock { $0.template = template }
      addFound(&wanted, template: template)
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
      if isClosed || count >= bound.countMax { return false }
      open(settings)
      return true
    }
  }

  /// Closes a workspace and removes its files. False where there is none of this name, or it is the default one.
  package func delete(_ id: String) throws(DiskError) -> Bool { try remove(id) {} }

  /// Ends all changes: from here on no workspace is opened or changed, and a call that is changing some stops before
  /// the next one.
  package func endChanges() { snapshot.withLock { $0.isClosed = true } }

  /// Ends the evaluation of rules in all workspaces, within so many milliseconds in all.
  package func stopRules(within milliseconds: Int64) {
    let deadline = Deadline(milliseconds: milliseconds, of: surroundings.clock)
    for workspace in all { workspace.rules.stop(within: max(0, deadline.remainingNanoseconds / 1_000_000)) }
  }

  /// Closes all of them, the default one last. None is opened any more.
  package func close() {
    endChanges()
    changing.withLock { _ in
      for workspace in all where workspace !== standard { workspace.close() }
      standard.close()
    }
  }

  /// Looks for folders of workspaces that the configuration does not name. Adds them to `wanted` where there is a
  /// `template` (writes made them); else logs a warning for each.
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

  /// Opens and publishes a workspace. Logs a failure, which touches no other workspace.
  func open(_ settings: WorkspaceSettings) {
    do throws(WorkspaceOpenError) {
      if count >= bound.countMax { throw WorkspaceOpenError("there are \(count) already, \(bound.text)") }
      _ = try opened(settings)
    } catch {
      snapshot.withLock { $0.failed[settings.id] = "\(error)" }
      surroundings.log.error(
        "A workspace cannot be opened; requests to it are answered with 503 until a reload can open it",
        ["workspace": settings.id, "err": "\(error)"])
    }
  }

  /// Opens, brings back the data of, and publishes a workspace. Called with `changing` held.
  func opened(_ settings: WorkspaceSettings) throws(WorkspaceOpenError) -> Workspace {
    var settings = settings
    settings.database.directory = layout.directory(of: settings.id)
    let lock = try takeFolder(settings.database.directory)
    var inside = surroundings
    inside.registry = surroundings.registry.scope([("workspace", settings.id)])
    inside.log = surroundings.log.adding("workspace", settings.id)
    do throws(DatabaseError) {
      let workspace = try Workspace.open(settings, in: inside, lock: lock)
      try workspace.database.restore()
      onOpen(workspace, inside.registry)
      if let work { try workspace.start(on: work) }
      snapshot.withLock {
        $0.byID[settings.id] = workspace
        $0.failed[settings.id] = nil
      }
      return workspace
    } catch {
      surroundings.registry.remove(inside.registry)
      lock?.release()
      throw WorkspaceOpenError(error)
    }
  }

  /// Nobody else may have the folder open: not Prometheus, no second server, and no other workspace by way of a link.
  private func takeFolder(_ directory: String) throws(WorkspaceOpenError) -> DirectoryLock? {
    guard let take = surroundings.takeFolder else { return nil }
    do throws(DiskError) {
      try surroundings.disk.makeDirectories(directory)
    } catch {
      throw WorkspaceOpenError(.notWritable(path: directory, error))
    }
    do throws(DirectoryLockError) {
      return try take(directory)
    } catch {
      throw WorkspaceOpenError(error)
    }
  }

  func close(_ workspace: Workspace) {
    snapshot.withLock { $0.byID[workspace.id] = nil }
    workspace.close()
    surroundings.registry.remove(workspace.registry)
    surroundings.log.info("Workspace closed", ["workspace": workspace.id])
  }
}
