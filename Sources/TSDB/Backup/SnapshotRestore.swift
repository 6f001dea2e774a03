import Format
import Platform

/// Brings the blocks of a snapshot into a data directory whose lock the caller holds: everything or, whenever it ends,
/// nothing that a server would take for data.
///
/// The snapshot is read whole first. Then each block is copied under a temporary name and read whole there. Only when all
/// are durable is the list of them written (`RestoreJournal`), and they get their names. One thread.
package struct SnapshotRestore {
  package struct Options: Sendable, Equatable {
    /// True if the restore may add to what is in the directory.
    package var merges = false
    package var way = BlockCopy.Way.bytes
    /// True if the restore takes from a damaged snapshot what a server can open, damaged blocks among them.
    package var takesDamaged = false

    package init() {}
  }

  package struct Report: Sendable {
    /// Blocks in the directory now, those that were there already among them.
    package var blocks: [HeldBlock] = []
    package var present = 0
    package var seriesCount = 0
    /// Blocks restored although damaged: a server serves their intact parts.
    package var damaged: [SnapshotCheck.DamagedBlock] = []
    /// Blocks that cannot be opened, and so are not restored.
    package var leftOut: [SnapshotCheck.DamagedBlock] = []
    /// Blocks restored under another name, since a block of that name, or one made of it, is there.
    package var renamed: [(from: ULID, to: ULID)] = []
  }

  private struct Planned {
    var source: String
    var meta: BlockMeta
    /// The block's description under its new name; nil: it comes as it is.
    var newMeta: BlockMeta?
    var held: HeldBlock
    var isDamaged: Bool

    var ulid: ULID { (newMeta ?? meta).ulid }
  }

  private let source: String
  private let root: String
  private let options: Options
  private let disk: any Disk
  private let clock: any Clock
  private let tell: (String) -> Void
  private var report = Report()

  /// - Parameter tell: called with a line for each step that takes long.
  package init(
    from source: String, into root: String, _ options: Options, on disk: any Disk, clock: any Clock,
    tell: @escaping (String) -> Void = { _ in }
  ) {
    self.source = source
    self.root = root
    self.options = options
    self.disk = disk
    self.clock = clock
    self.tell = tell
  }

  package consuming func run() throws(BackupError) -> Report {
    try finishEarlier()
    let blocks = try BlockSource(source, on: disk)
    if blocks.hasLog && !options.takesDamaged {
      throw .refused(
        "\(source) is a data directory, not a snapshot: its log holds samples that are in no block and would be left "
          + "behind. Copy the whole directory (cp -a) and start a server on the copy, or say --anyway to take the blocks alone"
      )
    }
    var target = RestoreTarget(root, disk)
    try target.checkEmptiness(merges: options.merges, blocks)
    let check = try SnapshotCheck(blocks, on: disk)
    try refuseDamage(check)
    let planned = try plan(check, &target)
    try checkSpace(planned)
    do throws(BackupError) {
      try copy(planned)
      if options.merges {
        try BackupError.disk { () throws(DiskError) in try FlushMark.pin(root, on: disk, now: clock.nowMilliseconds()) }
      }
    } catch {
      // What cannot be removed now is removed by the next restore, and by the start of a server.
      for block in planned { try? disk.removeTree(temporary(block.ulid)) }
      throw error
    }
    try commit(planned)
    report.blocks += planned.map(\.held)
    report.seriesCount = check.seriesCount
    return report
  }

  /// Finishes a restore that an earlier run wrote down and did not finish.
  private func finishEarlier() throws(BackupError) {
    let journal = RestoreJournal(root, on: disk)
    let earlier = try BackupError.disk { () throws(DiskError) in
      let outcome = try journal.finish()
      if outcome?.damage != nil { try journal.discard() }
      return outcome
    }
    guard let earlier else { return }
    tell(
      earlier.damage == nil
        ? "finished an earlier restore that was interrupted"
        : "an earlier restore was interrupted, and its list cannot be used: it begins anew")
  }

  private mutating func refuseDamage(_ check: SnapshotCheck) throws(BackupError) {
    report.damaged = check.damaged.filter { $0.meta != nil }
    report.leftOut = check.damaged.filter { $0.meta == nil }
    guard let first = check.damaged.first, !options.takesDamaged else { return }
    let more = check.damaged.count == 1 ? "" : ", and so are \(check.damaged.count - 1) other blocks"
    throw .refused(
      "\(source) is damaged: \(first.findings.first ?? first.folder)\(more). Nothing was restored. Restore an older "
        + "snapshot, or say --anyway to take what is whole (apus tsdb verify \(source) lists the damage)")
  }

  /// Decides which blocks come, and under which names.
  private mutating func plan(
    _ check: SnapshotCheck, _ target: inout RestoreTarget
  ) throws(BackupError) -> [Planned] {
    var planned: [Planned] = []
    for block in check.whole {
      let place = try target.place(for: block.meta, tombstones: block.tombstones)
      if place.isPresent {
        report.present += 1
        report.blocks.append(block.held)
        continue
      }
      if let meta = place.meta { report.renamed.append((from: block.meta.ulid, to: meta.ulid)) }
      planned.append(
        Planned(source: block.folder, meta: block.meta, newMeta: place.meta, held: block.held, isDamaged: false))
    }
    for block in check.damaged {
      guard let meta = block.meta, let held = block.held, !target.holds(meta.ulid) else { continue }
      planned.append(Planned(source: block.folder, meta: meta, newMeta: nil, held: held, isDamaged: true))
    }
    if planned.isEmpty && report.present == 0 {
      throw .refused("no block of \(source) can be opened: nothing was restored")
    }
    return planned
  }

  private func checkSpace(_ planned: [Planned]) throws(BackupError) {
    if options.way == .links { return }
    let needed = planned.reduce(0) { $0 + $1.held.bytes }
    let free = try BackupError.disk { () throws(DiskError) in try disk.freeSpace(root).freeBytes }
    if free < needed {
      throw .refused(
        "\(source) has \(needed) bytes, but only \(free) are free in \(root): nothing was restored. Make room, or say "
          + "--link where both are on one file system")
    }
  }

  private func temporary(_ ulid: ULID) -> String {
    BlockFolder(root: root, disk: disk).path(ulid) + BlockFolder.creationSuffix
  }

  private func copy(_ planned: [Planned]) throws(BackupError) {
    for (place, block) in planned.enumerated() {
      let folder = temporary(block.ulid)
      do throws(DiskError) {
        try BlockCopy.copy(from: block.source, to: folder, by: options.way, describedAs: block.newMeta, on: disk)
      } catch {
        if error.code == DiskError.otherFileSystemCode && options.way == .links {
          throw .refused("\(source) and \(root) are on different file systems: leave --link out")
        }
        throw .disk(error)
      }
      // A damaged block cannot be whole where it is copied to.
      if !block.isDamaged { try block.held.check(copy: folder, of: block.source, on: disk) }
      tell(
        "\(block.ulid) \(options.way == .links ? "linked" : "copied") and verified (\(place + 1) of \(planned.count))")
    }
    try BackupError.disk { () throws(DiskError) in try disk.syncDirectory(root) }
  }

  private func commit(_ planned: [Planned]) throws(BackupError) {
    do throws(DiskError) {
      // Empty: promtool does not dump a directory without it.
      try disk.makeDirectories(DatabaseLayout(root: root).wal)
      if planned.isEmpty { return }
      let journal = RestoreJournal(root, on: disk)
      try journal.write(planned.map(\.ulid))
      _ = try journal.finish()
    } catch {
      throw .refused(
        "\(error). The restore is not finished: run the same command again, or start the server, which finishes it "
          + "where it was written down")
    }
  }
}
