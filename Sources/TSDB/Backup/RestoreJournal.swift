import Format
import Platform

/// The moment at which a restore is done, `apus.restore`: the list of blocks that lie complete and durable in the directory
/// under their temporary names. Before it is written a server takes nothing of the restore for data; once it is, whoever
/// opens the directory next gives the blocks their names, so that it is everything. Removed when they have them.
///
/// A sealed file, one ULID a line. The directory's lock is held by whoever calls. Stateless.
struct RestoreJournal {
  struct Outcome: Equatable {
    /// Blocks that have their own names now, whether this call or an earlier one gave them.
    var finished: [ULID] = []
    /// Blocks found neither under their names nor under the temporary ones.
    var lost: [ULID] = []
    /// The reason why the list cannot be used; it is still there.
    var damage: String?
  }

  private let root: String
  private let disk: any Disk
  private let folder: BlockFolder

  init(_ root: String, on disk: any Disk) {
    self.root = root
    self.disk = disk
    folder = BlockFolder(root: root, disk: disk)
  }

  private var file: SealedFile { SealedFile(DatabaseLayout(root: root).restore, name: "restore", format: 1, on: disk) }

  func write(_ ulids: [ULID]) throws(DiskError) {
    try file.write(Array(ulids.map { "\($0)\n" }.joined().utf8), keepsPresent: false)
  }

  /// Gives the blocks of a restore that was written down their names; nil if there is none. May be repeated.
  func finish() throws(DiskError) -> Outcome? {
    let reading = file.read { RestoreJournal.ulids($0.body) == nil ? "it holds no list of blocks" : nil }
    var outcome = Outcome(damage: reading.damage)
    guard let ulids = reading.contents.flatMap({ RestoreJournal.ulids($0.body) }) else {
      return reading.damage == nil ? nil : outcome
    }
    for ulid in ulids {
      do throws(DiskError) {
        try disk.rename(folder.path(ulid) + BlockFolder.creationSuffix, to: folder.path(ulid))
        outcome.finished.append(ulid)
      } catch {
        if !error.isNotFound { throw error }
        let isThere = (try? disk.status(folder.path(ulid))) != nil
        if isThere { outcome.finished.append(ulid) } else { outcome.lost.append(ulid) }
      }
    }
    try disk.syncDirectory(root)
    try discard()
    return outcome
  }

  func discard() throws(DiskError) {
    try disk.removeFile(file.path)
    try disk.syncDirectory(root)
  }

  private static func ulids(_ body: [UInt8]) -> [ULID]? {
    let lines = String(decoding: body, as: UTF8.self).split(separator: "\n")
    let ulids = lines.compactMap { ULID($0) }
    return ulids.count == lines.count && !ulids.isEmpty ? ulids : nil
  }
}
