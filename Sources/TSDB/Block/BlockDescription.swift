import Format
import Model
import Platform

/// A block's description as it lies on disk: `meta.json` as Prometheus knows it, with a checksum, and a copy of our own beside it.
/// Were the description alone damaged, the block would have other times than its samples, or could not be served. A value.
struct BlockDescription {
  static let fileName = "meta.json"
  static let copyName = "apus.meta"

  let meta: BlockMeta
  /// The damage of the file, and `meta` is what the copy says; nil: none.
  let damage: String?

  private enum Found {
    case missing(DiskError), damaged(String), meta(BlockMeta)
  }

  init(_ directory: String, _ disk: any Disk) throws(BlockError) {
    let path = DiskPath.join(directory, BlockDescription.fileName)
    let found = try BlockDescription.read(path, disk)
    if case .meta(let meta) = found {
      self.meta = meta
      damage = nil
      return
    }
    let copy = try? BlockDescription.read(DiskPath.join(directory, BlockDescription.copyName), disk)
    switch (found, copy) {
    case (.damaged(let reason), .meta(let copy)?): (meta, damage) = (copy, reason)
    case (.missing, .meta(let copy)?): (meta, damage) = (copy, "it is missing")
    case (.damaged(let reason), _): throw .corrupt(path: path, reason: reason)
    case (.missing(let error), _): throw .disk(error)
    case (.meta(let meta), _): (self.meta, damage) = (meta, nil)
    }
  }

  private static func read(_ path: String, _ disk: any Disk) throws(BlockError) -> Found {
    do throws(DiskError) {
      let mapped = try disk.map(path)
      return withExtendedLifetime(mapped) {
        let bytes = LentBytes(mapped.bytes)
        guard let meta = BlockMeta(json: bytes) else { return .damaged("not the description of a block") }
        return BlockMeta.seal(of: bytes) == .broken ? .damaged("its checksum is wrong") : .meta(meta)
      }
    } catch {
      if error.isNotFound { return .missing(error) }
      throw .disk(error)
    }
  }

  /// Replaces both files; durable where it returns.
  static func write(_ meta: BlockMeta, into directory: String, on disk: any Disk) throws(DiskError) {
    try AtomicReplace.write(meta.json, to: DiskPath.join(directory, copyName), on: disk)
    try AtomicReplace.write(meta.json, to: DiskPath.join(directory, fileName), on: disk)
  }
}
