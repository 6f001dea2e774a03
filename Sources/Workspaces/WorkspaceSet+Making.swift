import Platform

// Workspaces that a request makes and removes, beside those of the configuration. Their folders come and go by a rename:
// a crash leaves all of a workspace or nothing that is served.

/// The reason why a workspace was not made.
package enum WorkspaceRefusal: Error, Sendable, CustomStringConvertible {
  /// There are as many as there may be.
  case tooMany(String)
  /// The server is starting or stopping.
  case unavailable(String)
  case failed(String)

  package var description: String {
    switch self {
    case .tooMany(let text), .unavailable(let text), .failed(let text): text
    }
  }
}

extension WorkspaceSet {
  /// Begin of the names of folders that are not complete, or no more: no ids, so nothing serves them.
  private static let unfinishedPrefix = ".new-"
  private static let removedPrefix = ".deleted-"

  /// Sets the one who adds workspaces to those of the configuration: called at each change of that with the settings of
  /// all workspaces, the default one first.
  package func amend(_ body: @escaping @Sendable ([WorkspaceSettings]) -> [WorkspaceSettings]) {
    amendment.withLock { $0 = body }
  }

  package func folder(of id: String) -> String { layout.directory(of: id) }

  /// The ids that have a folder beside the default workspace's, sorted.
  package func idsOnDisk() throws(DiskError) -> [String] { try layout.found(on: surroundings.disk) }

  /// Makes and opens a workspace. `fill` puts files into its folder before that has its name; `undo` is called where what
  /// follows fails. Both may touch files, and no other change of workspaces goes on meanwhile.
  package func make(
    _ settings: WorkspaceSettings, fill: (_ directory: String) throws(DiskError) -> Void, undo: () -> Void
  ) throws(WorkspaceRefusal) {
    try changing.withLock { (_) throws(WorkspaceRefusal) in
      let (count, isClosed, isComplete) = snapshot.withLock { ($0.byID.count, $0.isClosed, $0.isComplete) }
      if isClosed { throw .unavailable("the server is stopping") }
      if !isComplete { throw .unavailable("the server is starting") }
      if count >= bound.countMax { throw .tooMany("there are \(count) workspaces already, \(bound.text)") }
      if !standard.database.isWritable { throw .failed("the disk is full") }
      let directory = layout.directory(of: settings.id)
      let unfinished = layout.besides(settings.id, WorkspaceSet.unfinishedPrefix)
      do throws(DiskError) {
        try surroundings.disk.makeDirectories(unfinished)
        try fill(unfinished)
        try surroundings.disk.rename(unfinished, to: directory)
        try surroundings.disk.syncDirectory(DiskPath.parent(directory))
      } catch {
        undo()
        removeQuietly(unfinished)
        throw .failed("its folder cannot be made: \(error)")
      }
      do throws(WorkspaceOpenError) {
        _ = try opened(settings)
      } catch {
        undo()
        do throws(DiskError) { try removeFolder(of: settings.id) } catch { tellRest(directory, error) }
        throw .failed("\(error)")
      }
    }
  }

  /// Closes a workspace and removes its files; `gone` is called once a restart would not bring it back. False where there
  /// is none of this name, or it is the default one.
  package func remove(_ id: String, gone: () -> Void) throws(DiskError) -> Bool {
    try changing.withLock { (_) throws(DiskError) in
      guard id != standard.id else { return false }
      let workspace = snapshot.withLock { $0.byID[id] }
      if let workspace {
        close(workspace)
      } else if snapshot.withLock({ $0.failed.removeValue(forKey: id) }) == nil {
        return false
      }
      do throws(DiskError) {
        try removeFolder(of: id, gone)
      } catch {
        // Its folder has its name still.
        if let workspace { open(workspace.present) }
        throw error
      }
      surroundings.log.info("Workspace deleted", ["workspace": id])
      return true
    }
  }

  /// Takes over changed settings of one workspace; false where it is not served.
  package func reconfigure(one settings: WorkspaceSettings) -> Bool {
    changing.withLock { _ in
      guard let workspace = snapshot.withLock({ $0.byID[settings.id] }) else { return false }
      workspace.reconfigure(settings)
      return true
    }
  }

  /// Throws where the folder has its name still; what cannot be removed of it afterwards is told.
  private func removeFolder(of id: String, _ gone: () -> Void = {}) throws(DiskError) {
    let directory = layout.directory(of: id)
    let removed = layout.besides(id, WorkspaceSet.removedPrefix + "\(surroundings.clock.monotonicNanoseconds())-")
    try surroundings.disk.removeTree(removed)
    try surroundings.disk.rename(directory, to: removed)
    try surroundings.disk.syncDirectory(DiskPath.parent(directory))
    gone()
    guard let aside = surroundings.aside else { return removeQuietly(removed) }
    // It is nobody's any more: whoever has deleted a large workspace need not wait for its files.
    aside { [self] in removeQuietly(removed) }
  }

  /// Removes what a crash has left of workspaces that were being made or removed. Called with `changing` held.
  func removeRests() {
    let folder = layout.besides("", "")
    do throws(DiskError) {
      for name in try surroundings.disk.list(folder)
      where name.hasPrefix(WorkspaceSet.unfinishedPrefix) || name.hasPrefix(WorkspaceSet.removedPrefix) {
        removeQuietly(DiskPath.join(folder, name))
      }
    } catch {
      if !error.isNotFound { surroundings.log.error("The folder of workspaces cannot be listed", ["err": "\(error)"]) }
    }
  }

  private func removeQuietly(_ path: String) {
    do throws(DiskError) { try surroundings.disk.removeTree(path) } catch { tellRest(path, error) }
  }

  private func tellRest(_ path: String, _ error: DiskError) {
    surroundings.log.warn(
      "A folder that no workspace needs cannot be removed; the next reload tries again",
      ["directory": path, "err": "\(error)"])
  }
}
