import Format
import Model
import Platform
import Synchronization

/// The blocks of a database. Readers take `current` and keep it as long as they like; changes make a new snapshot and swap
/// it in, one at a time (`changeLock`). Any thread.
/// Invariant: a block's folder is removed only after no new reader can see it; what a snapshot has mapped stays readable.
package final class BlockSet: Sendable {
  package let changeLock = BlockChangeLock()
  let folder: BlockFolder
  let quarantine: String
  let log: Log
  let metrics: BlockMetrics
  private let report: BlockReport
  private let state: Mutex<State>

  private struct State: Sendable {
    var snapshot = BlockSnapshot()
    /// Blocks that could not be opened, and that a later start may serve.
    var unopened: [MissingBlock] = []
    /// Blocks that are served no more and whose folders could not be removed yet.
    var unremoved: Set<ULID> = []
  }

  package init(_ root: String, quarantine: String, disk: any Disk, log: Log, registry: MetricsRegistry) {
    folder = BlockFolder(root: root, disk: disk)
    self.quarantine = quarantine
    self.log = log
    metrics = BlockMetrics(registry)
    report = BlockReport(log: log, unreadable: metrics.unreadable, unsupported: metrics.unsupported)
    state = Mutex(State())
    metrics.register(self, in: registry)
  }

  /// The blocks that are served now.
  package var current: BlockSnapshot { state.withLock { $0.snapshot } }

  var disk: any Disk { folder.disk }

  /// True if blocks that have been replaced are still on the disk. Then no compaction runs: a grandchild would not name
  /// them as its parents, and a restart would serve them again.
  var hasUnremoved: Bool { state.withLock { !$0.unremoved.isEmpty } }

  /// Opens the blocks of the directory, and removes what a crash has left. It sets blocks aside that cannot be read,
  /// and serves the rest. Called before anything else.
  package func load(_ damaged: DamagedFiles? = nil) throws(DiskError) {
    finishRestore(damaged)
    removeRubbish()
    var opened: [Block] = []
    var unopened: [(ulid: ULID, fault: BlockError)] = []
    for ulid in try folder.blocks() {
      do throws(BlockError) {
        opened.append(try open(ulid))
      } catch {
        unopened.append((ulid, error))
      }
    }
    // A crash between the birth of a block and the removal of its parents has left both. They go only for a child that is
    // whole.
    for (ulid, fault) in broken(opened) {
      opened.removeAll { $0.meta.ulid == ulid }
      unopened.append((ulid, fault))
    }
    let parents = Set(opened.flatMap { block in block.meta.compaction.parents.map(\.ulid) })
    let served = opened.filter { !parents.contains($0.meta.ulid) && !$0.meta.compaction.isDeletable }
    let lost = unopened.filter { !parents.contains($0.ulid) }
    let missing = lost.compactMap { gap($0.ulid, $0.fault, served) }
    publish(BlockSnapshot(served, missing: missing))
    state.withLock { $0.unopened = lost.filter { !$0.fault.isCorrupt }.map { describe($0.ulid, $0.fault).block } }
    let found = Set(opened.map(\.meta.ulid) + unopened.map(\.ulid))
    remove(found.intersection(parents).union(opened.filter(\.meta.compaction.isDeletable).map(\.meta.ulid)))
    for (ulid, fault) in lost { passOver(ulid, fault, isMissing: missing.contains { $0.ulid == ulid }) }
    metrics.reloads.add()
  }

  /// The blocks whose parents are still there and that are damaged themselves.
  private func broken(_ opened: [Block]) -> [(ulid: ULID, fault: BlockError)] {
    let present = Set(opened.map(\.meta.ulid))
    var broken: [(ulid: ULID, fault: BlockError)] = []
    for block in opened where block.meta.compaction.parents.contains(where: { present.contains($0.ulid) }) {
      do throws(BlockError) {
        guard let finding = try BlockVerification(block.directory, on: disk).findings.first else { continue }
        broken.append((block.meta.ulid, .corrupt(path: finding.path, reason: finding.reason)))
      } catch {
        broken.append((block.meta.ulid, error))
      }
    }
    return broken
  }

  /// The gap that a block which cannot be opened leaves; nil if its parents are served instead.
  private func gap(_ ulid: ULID, _ fault: BlockError, _ served: [Block]) -> MissingBlock? {
    let (block, parents) = describe(ulid, fault)
    return !parents.isEmpty && parents.isSubset(of: served.map(\.meta.ulid)) ? nil : block
  }

  /// A block that could not be opened, and its parents, as far as its folder says.
  private func describe(_ ulid: ULID, _ fault: BlockError) -> (block: MissingBlock, parents: Set<ULID>) {
    var reason = "\(fault)"
    if case .corrupt(let path, let what) = fault { reason = "\(DiskPath.name(path)): \(what)" }
    guard let meta = (try? BlockDescription(folder.path(ulid), disk))?.meta else {
      return (MissingBlock(ulid: ulid, times: nil, reason: reason), [])
    }
    let times = meta.minTime...max(meta.minTime, meta.maxTime - 1)
    return (MissingBlock(ulid: ulid, times: times, reason: reason), Set(meta.compaction.parents.map(\.ulid)))
  }

  /// Throws if a block lies in the directory that may have samples of the time and was not opened: a later start may
  /// serve it.
  func checkReached(_ range: ClosedRange<Int64>) throws(BlockError) {
    guard let block = state.withLock({ $0.unopened.first { $0.overlaps(range) } }) else { return }
    throw .unreached(block: "\(block.ulid)", reason: block.reason)
  }

  /// Forgets missing blocks that the retention would have removed.
  func forgetMissing(before time: Int64) {
    state.withLock { state in
      let kept = state.snapshot.missing.filter { ($0.times?.upperBound ?? .max) >= time }
      if kept.count < state.snapshot.missing.count {
        state.snapshot = BlockSnapshot(state.snapshot.blocks, missing: kept)
      }
    }
  }

  /// Finishes a restore that was written down and interrupted, before anything is read.
  private func finishRestore(_ damaged: DamagedFiles?) {
    let journal = RestoreJournal(folder.root, on: disk)
    do throws(DiskError) {
      guard let outcome = try journal.finish() else { return }
      if let damage = outcome.damage {
        damaged?.report(
          DatabaseLayout(root: folder.root).restore, as: "apus.restore", damage: damage,
          instead: "no list: what the interrupted restore had copied is removed",
          meaning: "the restore is not done: stop the server and run apus tsdb restore again")
        try journal.discard()
      } else if !outcome.lost.isEmpty {
        log.error(
          "Blocks of an interrupted restore are gone; stop the server and run apus tsdb restore again",
          ["blocks": outcome.lost.map { "\($0)" }.joined(separator: " ")])
      } else {
        log.info("Finished a restore that was interrupted", ["blocks": "\(outcome.finished.count)"])
      }
    } catch {
      log.error(
        "An interrupted restore could not be finished; what it brought may be there in part until the next start",
        ["err": "\(error)"])
    }
  }

  /// Removes half-made and half-removed blocks; those that stay are in nobody's way but take space.
  private func removeRubbish() {
    do throws(DiskError) {
      let count = try folder.removeRubbish()
      if count > 0 { log.info("Removed what unfinished blocks had left", ["folders": "\(count)"]) }
    } catch {
      metrics.removalsFailed.add()
      log.error("What unfinished blocks have left could not be removed", ["err": "\(error)"])
    }
  }

  private func open(_ ulid: ULID) throws(BlockError) -> Block {
    let path = folder.path(ulid)
    let block = try Block(path, on: disk, report: report)
    if block.meta.ulid != ulid {
      throw .corrupt(path: path + "/meta.json", reason: "describes another block, \(block.meta.ulid)")
    }
    return block
  }

  /// Serves a block that was written into the directory. Under the change lock.
  @discardableResult
  package func add(_ ulid: ULID) throws(BlockError) -> Block { try replace([], with: ulid) }

  /// Serves a new block instead of its parents, and removes those. Where the new one cannot be opened it is removed, and
  /// everything stays as it was.
  @discardableResult
  func replace(_ parents: [Block], with ulid: ULID) throws(BlockError) -> Block {
    let child: Block
    do throws(BlockError) {
      child = try open(ulid)
    } catch {
      metrics.reloadsFailed.add()
      remove([ulid])
      throw error
    }
    drop(parents, adding: [child])
    return child
  }

  /// Serves a block instead of a damaged one, which is moved out of sight. Where the new one cannot be opened it is removed,
  /// and everything stays as it was.
  func replace(damaged block: Block, with ulid: ULID) throws(BlockError) {
    let repaired: Block
    do throws(BlockError) {
      repaired = try open(ulid)
    } catch {
      metrics.reloadsFailed.add()
      remove([ulid])
      throw error
    }
    publish(current.replacing([block.meta.ulid], with: [repaired]))
    do throws(DiskError) {
      try folder.setAside(block.meta.ulid, into: quarantine)
    } catch {
      // The new block names it as what it was made of: it is not served again.
      _ = state.withLock { $0.unremoved.insert(block.meta.ulid) }
      log.error(
        "A damaged block that was repaired could not be set aside and is removed",
        ["block": "\(block.meta.ulid)", "err": "\(error)"])
    }
  }

  /// Stops serving blocks and removes them; serves `added` instead.
  func drop(_ blocks: [Block], adding added: [Block] = []) {
    let removed = Set(blocks.map(\.meta.ulid))
    publish(current.replacing(removed, with: added))
    remove(removed)
  }

  /// Serves these blocks instead of their earlier state.
  func update(_ blocks: [Block]) {
    publish(current.replacing(Set(blocks.map(\.meta.ulid)), with: blocks))
  }

  /// Tries again to remove the folders that could not be removed.
  func removeLeftOver() { remove(state.withLock { $0.unremoved }) }

  private func publish(_ snapshot: BlockSnapshot) {
    state.withLock { $0.snapshot = snapshot }
    metrics.bytes.set(snapshot.sizeBytes)
  }

  private func remove(_ ulids: Set<ULID>) {
    for ulid in ulids.sorted() {
      do throws(DiskError) {
        try folder.remove(ulid)
        _ = state.withLock { $0.unremoved.remove(ulid) }
        log.info("Block removed", ["block": "\(ulid)"])
      } catch {
        _ = state.withLock { $0.unremoved.insert(ulid) }
        metrics.removalsFailed.add()
        log.error("A block that is served no more could not be removed", ["block": "\(ulid)", "err": "\(error)"])
      }
    }
  }

  private func passOver(_ ulid: ULID, _ fault: BlockError, isMissing: Bool) {
    let consequence = isMissing ? "its samples are missing" : "the blocks it was made of are served instead"
    guard case .corrupt = fault else {
      metrics.reloadsFailed.add()
      log.error(
        "A block cannot be opened; it stays where it is until a start can open it",
        ["block": "\(ulid)", "err": "\(fault)", "consequence": consequence])
      return
    }
    metrics.setAside.add()
    do throws(DiskError) {
      try folder.setAside(ulid, into: quarantine)
      log.error(
        "A block is damaged; it was set aside",
        ["block": "\(ulid)", "err": "\(fault)", "consequence": consequence, "moved_to": quarantine])
    } catch {
      log.error(
        "A block is damaged and cannot be set aside",
        ["block": "\(ulid)", "err": "\(fault)", "consequence": consequence, "move_err": "\(error)"])
    }
  }
}
