import Format
import Model
import Platform

/// A block on disk, its files mapped. Immutable; any thread. What is mapped stays readable after the files are removed.
package final class Block: Sendable {
  package let directory: String
  package let meta: BlockMeta
  package let tombstones: Tombstones
  /// The damage of the description when the block was opened, whose copy was read instead; nil: none.
  let foundDescriptionDamage: String?
  /// The list of deletions as the block's files had it when it was opened.
  let foundDeletions: BlockDeletions
  package let index: IndexFile
  let segments: [MappedFile]
  /// Bytes of index and chunks.
  package let sizeBytes: Int
  let report: BlockReport
  /// Shared by a block and what it becomes when something is deleted from it.
  let damage: BlockDamage

  /// - Parameter report: counts and logs whatever cannot be read.
  package init(_ directory: String, on disk: any Disk, report: BlockReport = BlockReport()) throws(BlockError) {
    self.directory = directory
    self.report = report
    damage = BlockDamage()
    let description = try BlockDescription(directory, disk)
    meta = description.meta
    foundDescriptionDamage = description.damage
    foundDeletions = try BlockDeletions(directory, disk, count: meta.stats.tombstones)
    tombstones = foundDeletions.tombstones
    let mapped = try Block.map(directory + "/index", disk)
    do throws(IndexDamage) {
      index = try IndexFile(mapped.bytes, owner: mapped)
    } catch {
      throw .corrupt(path: mapped.path, reason: "\(error)")
    }
    segments = try Block.segments(directory + "/chunks", disk)
    sizeBytes = segments.reduce(mapped.bytes.count) { $0 + $1.bytes.count }
  }

  private init(_ block: Block, _ meta: BlockMeta, _ tombstones: Tombstones) {
    directory = block.directory
    self.meta = meta
    self.tombstones = tombstones
    foundDescriptionDamage = block.foundDescriptionDamage
    foundDeletions = block.foundDeletions
    index = block.index
    segments = block.segments
    sizeBytes = block.sizeBytes
    report = block.report
    damage = block.damage
  }

  /// This block with other deletions and description; it shares the mapped files.
  package func with(meta: BlockMeta, tombstones: Tombstones) -> Block { Block(self, meta, tombstones) }

  private static func map(_ path: String, _ disk: any Disk) throws(BlockError) -> MappedFile {
    try BlockError.wrap { () throws(DiskError) in try disk.map(path) }
  }

  private static func segments(_ directory: String, _ disk: any Disk) throws(BlockError) -> [MappedFile] {
    let names = try BlockError.wrap { () throws(DiskError) in try disk.list(directory) }
      .filter { !$0.isEmpty && $0.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }
    var segments: [MappedFile] = []
    for (number, name) in names.enumerated() {
      let path = DiskPath.join(directory, name)
      guard name == ChunkSegment.fileName(number) else {
        throw .corrupt(path: path, reason: "chunk files are missing before it")
      }
      let file = try map(path, disk)
      guard ChunkSegment.hasHeader(file.bytes) else { throw .corrupt(path: path, reason: "not a file of chunks") }
      segments.append(file)
    }
    return segments
  }
}
