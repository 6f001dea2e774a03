import Format
import Model
import Platform

/// A block's list of deletions as it lies on disk: `tombstones` as Prometheus knows it, and, where something is deleted, a
/// copy of our own. Where the list alone were damaged or gone, what was deleted would be back. A value.
struct BlockDeletions {
  static let fileName = "tombstones"
  static let copyName = "apus.tombstones"
  /// Either may be absent where nothing is deleted.
  static let fileNames = [fileName, copyName]

  private(set) var tombstones = Tombstones()
  /// The damage of the file; nil: none.
  private(set) var damage: String?
  /// True if nobody knows any more what was deleted.
  private(set) var isLost = false

  private enum Found {
    case missing, damaged, list(Tombstones)
  }

  /// - Parameter count: the number of deletions that the block's description states.
  init(_ directory: String, _ disk: any Disk, count: Int64) throws(BlockError) {
    let found = try BlockDeletions.read(DiskPath.join(directory, BlockDeletions.fileName), disk)
    switch found {
    case .list(let list):
      tombstones = list
      return
    case .missing: damage = "it is missing"
    case .damaged: damage = "it is not a list of deletions, or damaged"
    }
    // The copy is written before the list, which is written before it is counted.
    switch (try? BlockDeletions.read(DiskPath.join(directory, BlockDeletions.copyName), disk)) ?? .damaged {
    case .list(let copy): tombstones = copy
    case .damaged: isLost = true
    case .missing:
      isLost = count > 0
      if case .missing = found, !isLost { damage = nil }
    }
  }

  private static func read(_ path: String, _ disk: any Disk) throws(BlockError) -> Found {
    do throws(DiskError) {
      let mapped = try disk.map(path)
      return withExtendedLifetime(mapped) { Tombstones(file: LentBytes(mapped.bytes)).map { .list($0) } ?? .damaged }
    } catch {
      if error.isNotFound { return .missing }
      throw .disk(error)
    }
  }

  /// Replaces both files; durable where it returns.
  static func write(_ tombstones: Tombstones, into directory: String, on disk: any Disk) throws(DiskError) {
    let bytes = tombstones.file
    try AtomicReplace.write(bytes, to: DiskPath.join(directory, copyName), on: disk)
    try AtomicReplace.write(bytes, to: DiskPath.join(directory, fileName), on: disk)
  }
}

extension Tombstones {
  /// The bytes of a file of them.
  var file: [UInt8] {
    var file = ByteBuffer(capacity: 64)
    encode(into: &file)
    return Array(file.bytes)
  }
}
