import Model
import Platform
import Synchronization
import TSDB
import Workspaces

/// The records of workspaces that the management API has stored or made: each is a sealed file in the workspace's
/// folder. A change is durable before it is in effect, and in effect before it is acknowledged. Any thread.
///
/// Invariant: a record of `state` is what its file says, or nothing has been stored about its workspace. One change at a
/// time (`changing`), under which files are touched; the set of workspaces has a lock of its own, taken inside.
package final class ManagedWorkspaces: Sendable {
  package static let damagedName = "apus.managed"
  package static let regionDefault = "us-east-1"
  package static let account = "000000000000"

  package let workspaces: WorkspaceSet
  /// The region of workspaces that were not made by a signed request.
  package let region: String
  let clock: any Clock
  private let disk: any Disk
  private let log: Log
  private let changing = Mutex<Void>(())
  private let state = Mutex(State())

  private struct State: Sendable {
    var records: [String: ManagedRecord] = [:]
    /// Called with the id of each workspace that has been deleted.
    var removed: [@Sendable (String) -> Void] = []
    /// The workspaces of the configuration as it has them, the default one first.
    var configured: [WorkspaceSettings] = []
  }

  /// Reads what earlier runs have stored, and has the workspaces of the API served from the next reload on, which a start
  /// is, too.
  package init(
    _ workspaces: WorkspaceSet, region: String = ManagedWorkspaces.regionDefault, disk: any Disk, clock: any Clock,
    log: Log
  ) {
    self.workspaces = workspaces
    self.region = region
    self.disk = disk
    self.clock = clock
    self.log = log
    do throws(DiskError) {
      for id in try workspaces.idsOnDisk() {
        if let record = read(id) { state.withLock { $0.records[id] = record } }
      }
    } catch {
      log.error("The folder of workspaces cannot be listed", ["err": "\(error)"])
    }
    workspaces.amend { [weak self] configured in self?.amended(configured) ?? configured }
  }

  // MARK: Reading

  /// Nil where no such workspace is known.
  package subscript(id: String) -> ManagedRecord? { state.withLock { $0.records[id] } }

  /// Sorted by id.
  package var all: [ManagedRecord] { state.withLock { Array($0.records.values) }.sorted { $0.id < $1.id } }

  /// The alias in force: that of the configuration goes first.
  package func alias(of record: ManagedRecord) -> String? { configured(record.id)?.alias ?? record.alias }

  /// The settings that the configuration has for a workspace; nil where the API has made it.
  package func configured(_ id: String) -> WorkspaceSettings? {
    state.withLock { $0.configured.first { $0.id == id } }
  }

  /// A workspace by its id, and its record.
  package func find(_ id: String) throws(ManagementError) -> (workspace: Workspace, record: ManagedRecord) {
    switch workspaces.find(id) {
    case .found(let workspace):
      if let record = self[id] { return (workspace, record) }
      // A write has made it.
      let record = ManagedRecord(
        id: id, isMade: false, region: region, createdMilliseconds: clock.nowMilliseconds())
      return (workspace, state.withLock { $0.records[id, default: record] })
    case .unknown:
      throw .notFound("Workspace not found: \(id)", id: id)
    case .unavailable(let text):
      throw ManagementError(.internalError, text)
    }
  }

  /// Calls `handler` with each workspace that has been deleted, before that is acknowledged.
  package func onDelete(_ handler: @escaping @Sendable (String) -> Void) {
    state.withLock { $0.removed.append(handler) }
  }

  // MARK: Changes

  /// Replaces the record of a workspace by what `body` makes of it, durably, and its settings, at once.
  @discardableResult
  package func change(
    _ id: String, _ body: (inout ManagedRecord) throws(ManagementError) -> Void
  ) throws(ManagementError) -> ManagedRecord {
    try changing.withLock { (_) throws(ManagementError) in
      let present = try find(id).record
      var changed = present
      try body(&changed)
      if changed == present { return present }
      let blobBytes = changed.blobs.values.reduce(0) { $0 + $1.bytes.count }
      if blobBytes > ManagedRecord.blobBytesMax {
        throw .quota(
          "the definitions of a workspace may have \(ManagedRecord.blobBytesMax) bytes together, these would have "
            + "\(blobBytes)", id: id, quotaCode: "definition-bytes")
      }
      if changed.resourceTags.count > ManagedRecord.taggedResourcesMax {
        throw .quota(
          "\(ManagedRecord.taggedResourcesMax) resources of a workspace may have tags", id: id,
          quotaCode: "tagged-resources")
      }
      do throws(DiskError) {
        try write(changed, in: workspaces.folder(of: id))
      } catch {
        log.error("A change of a workspace could not be stored", ["workspace": id, "err": "\(error)"])
        throw ManagementError(.internalError, "the change could not be stored: \(error)")
      }
      let stored = changed
      state.withLock { $0.records[id] = stored }
      if stored.settings != present.settings || stored.alias != present.alias
        || stored.logging != present.logging, let settings = settings(of: stored)
      {
        _ = workspaces.reconfigure(one: settings)
      }
      return stored
    }
  }

  /// Makes a workspace and opens it.
  func make(_ record: ManagedRecord) throws(ManagementError) {
    guard let settings = settings(of: record) else {
      throw ManagementError(.internalError, "the server is starting")
    }
    try changing.withLock { (_) throws(ManagementError) in
      do throws(WorkspaceRefusal) {
        try workspaces.make(
          settings,
          fill: { (directory) throws(DiskError) in
            try write(record, in: directory)
            state.withLock { $0.records[record.id] = record }
          },
          undo: { _ = state.withLock { $0.records.removeValue(forKey: record.id) } })
      } catch {
        log.error("A workspace was not made", ["workspace": record.id, "err": "\(error)"])
        if case .tooMany(let text) = error { throw .quota(text, id: record.id, quotaCode: "workspaces") }
        throw ManagementError(.internalError, "the workspace was not made: \(error)")
      }
    }
    log.info("Workspace made", ["workspace": record.id])
  }

  /// Closes a workspace that no configuration names and removes its files. One that a write has made comes back with the next
  /// write for it.
  func delete(_ id: String) throws(ManagementError) {
    try changing.withLock { (_) throws(ManagementError) in
      if self[id] == nil { _ = try find(id) }
      if configured(id) != nil {
        throw .conflict(
          id == WorkspaceSettings.defaultID
            ? "the default workspace cannot be deleted"
            : "the workspace \(id) belongs to the configuration file: take it out of apus.workspaces", id: id)
      }
      let isRemoved: Bool
      do throws(DiskError) {
        isRemoved = try workspaces.remove(id) { _ = state.withLock { $0.records.removeValue(forKey: id) } }
      } catch {
        log.error("A workspace could not be deleted", ["workspace": id, "err": "\(error)"])
        throw ManagementError(.internalError, "the workspace could not be deleted: \(error)")
      }
      if !isRemoved { throw .notFound("Workspace not found: \(id)", id: id) }
    }
    for tell in state.withLock({ $0.removed }) { tell(id) }
  }

  // MARK: Settings

  /// The workspaces to serve: those of the configuration, with the aliases they have got, and those that the API has made.
  private func amended(_ configured: [WorkspaceSettings]) -> [WorkspaceSettings] {
    let known = state.withLock { state in
      state.configured = configured
      return Set(state.records.keys)
    }
    for settings in configured where !known.contains(settings.id) {
      let record = read(settings.id) ?? fresh(settings.id)
      state.withLock { $0.records[settings.id] = record }
    }
    let names = Set(configured.map(\.id))
    var wanted = configured
    for index in wanted.indices {
      let record = self[wanted[index].id]
      wanted[index].alias = wanted[index].alias ?? record?.alias
      wanted[index].logging = record?.logging ?? WorkspaceLogging()
    }
    for record in all where record.isMade && !names.contains(record.id) {
      if let settings = settings(of: record) { wanted.append(settings) }
    }
    return wanted
  }

  /// Nil before the configuration is known.
  private func settings(of record: ManagedRecord) -> WorkspaceSettings? {
    let (own, base) = state.withLock { state in
      (state.configured.first { $0.id == record.id }, state.configured.first)
    }
    if var own {
      own.alias = own.alias ?? record.alias
      own.logging = record.logging
      return own
    }
    guard var settings = base else { return nil }
    settings.id = record.id
    settings.alias = record.alias
    settings.logging = record.logging
    // The rule files are about the default workspace.
    settings.ruleGroups = []
    if let days = record.settings.retentionDays { settings.database.retentionMilliseconds = days * 86_400_000 }
    if let seconds = record.settings.lateWindowSeconds {
      settings.database.head.lateWindowMilliseconds = seconds * 1000
    }
    if let sets = record.settings.labelSets { settings.database.head.limits.labelSets = sets }
    if let seconds = record.settings.ruleOffsetSeconds { settings.ruleOptions.queryOffsetMilliseconds = seconds * 1000 }
    return settings
  }

  // MARK: Files

  private func fresh(_ id: String) -> ManagedRecord {
    let layout = DatabaseLayout(root: workspaces.folder(of: id))
    var created = clock.nowMilliseconds()
    if let status = try? disk.status(layout.version) { created = min(created, status.modifiedMilliseconds) }
    return ManagedRecord(id: id, isMade: false, region: region, createdMilliseconds: created)
  }

  private func write(_ record: ManagedRecord, in directory: String) throws(DiskError) {
    try ManagedFile.file(DatabaseLayout(root: directory).managed, on: disk).write(ManagedFile.encode(record))
  }

  /// The record of a workspace as it is stored; nil where nothing is.
  private func read(_ id: String) -> ManagedRecord? {
    let directory = workspaces.folder(of: id)
    let file = ManagedFile.file(DatabaseLayout(root: directory).managed, on: disk)
    let reading = file.read { contents in
      guard let record = contents.body.lend(ManagedFile.decode) else { return "it holds no record of a workspace" }
      return record.id == id ? nil : "it is the record of another workspace"
    }
    let record = reading.contents.flatMap { $0.body.lend(ManagedFile.decode) }
    guard let damage = reading.damage else { return record }
    workspaces.standard.database.damaged.report(
      file.path, as: ManagedWorkspaces.damagedName, damage: damage,
      instead: reading.isPrevious ? "the record before the last change" : "no alias, tags, settings or definitions",
      meaning: reading.isPrevious
        ? "the last change over the management API is lost: send it again"
        : "what the management API has stored about the workspace is lost: send it again; its samples are not touched")
    // A file that was there says that the API knows the workspace.
    let kept =
      record
      ?? ManagedRecord(
        id: id, isMade: id != WorkspaceSettings.defaultID, region: region,
        createdMilliseconds: fresh(id).createdMilliseconds)
    do throws(DiskError) {
      try write(kept, in: directory)
    } catch {
      log.error("The record of a workspace could not be written", ["workspace": id, "err": "\(error)"])
    }
    return kept
  }
}
