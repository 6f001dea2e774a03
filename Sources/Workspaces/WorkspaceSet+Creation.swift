import Platform

// Workspaces that come into being by a write (`apus.create_workspaces_on_write`).

extension WorkspaceSet {
  /// After one that failed: what keeps a new folder from being made is no matter of its name.
  private static let creationPauseMilliseconds: Int64 = 10_000

  /// Finds the workspace of a request that brings samples; makes it where the configuration says so.
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
    // A connection's thread does not wait for a reload, which may take long.
    return changing.withLockIfAvailable { _ in make(settings) }
      ?? notMade(id, .busy, "other workspaces are being opened or closed")
  }

  /// Called with `changing` held.
  private func make(_ settings: WorkspaceSettings) -> Lookup {
    let id = settings.id
    let (present, count, isClosed) = snapshot.withLock { ($0.byID[id], $0.byID.count, $0.isClosed) }
    if let present { return .found(present) }
    if isClosed { return .unavailable("the server is stopping") }
    if count >= bound.countMax { return notMade(id, .limit, "there are \(count) already, \(bound.text)") }
    if !standard.database.isWritable { return notMade(id, .failed, "the disk is full") }
    let now = surroundings.clock.monotonicNanoseconds() / 1_000_000
    if let last = creationFault.withLock({ $0 }), now < last.until {
      return notMade(id, .failed, "an attempt has failed just now: \(last.text)")
    }
    // What fails leaves no folder behind, or a flood of names would fill the disk with them.
    let isNew = isFree(layout.directory(of: id))
    do throws(WorkspaceOpenError) {
      return .found(try opened(settings))
    } catch {
      if isNew { removeRest(of: id) }
      creationFault.withLock { $0 = (until: now + WorkspaceSet.creationPauseMilliseconds, "\(error)") }
      return notMade(id, .failed, "\(error)")
    }
  }

  private func isFree(_ path: String) -> Bool {
    do throws(DiskError) {
      _ = try surroundings.disk.status(path)
      return false
    } catch {
      return error.isNotFound
    }
  }

  private func removeRest(of id: String) {
    do throws(DiskError) {
      try surroundings.disk.removeTree(layout.directory(of: id))
    } catch {
      surroundings.log.warn(
        "The folder of a workspace that was not made cannot be removed", ["workspace": id, "err": "\(error)"])
    }
  }

  /// The sender keeps what it has and tries again.
  private func notMade(_ id: String, _ reason: WorkspaceMetrics.Refusal, _ text: String) -> Lookup {
    metrics.count(reason)
    if reason != .busy, refusals.isWorthALine(now: surroundings.clock.monotonicNanoseconds() / 1_000_000) {
      surroundings.log.warn(
        "A write did not make its workspace and was answered with 503 (apus.create_workspaces_on_write)",
        ["workspace": id, "err": text])
    }
    return .unavailable("the workspace \(id) was not made: \(text)")
  }
}
