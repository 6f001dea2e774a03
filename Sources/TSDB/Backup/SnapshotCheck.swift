import Format
import Model
import Platform

/// The result of reading a whole snapshot, every checksum and every invariant of each block: its contents, and what is
/// damaged.
package struct SnapshotCheck: Sendable {
  package struct WholeBlock: Sendable {
    package var folder: String
    package var meta: BlockMeta
    package var held: HeldBlock
    package var tombstones: Tombstones
  }

  package struct DamagedBlock: Sendable {
    package var folder: String
    /// The block's description; nil if the block cannot be opened.
    package var meta: BlockMeta?
    /// Its contents by its own description; nil if it cannot be opened.
    package var held: HeldBlock?
    package var findings: [String]
    /// The number of all findings; `findings` has the first.
    package var findingCount: Int
  }

  package private(set) var whole: [WholeBlock] = []
  package private(set) var damaged: [DamagedBlock] = []
  /// The number of series in the intact blocks; one that is in several counts once.
  package private(set) var seriesCount = 0

  package var blocks: [HeldBlock] { whole.map(\.held) }

  package init(_ source: BlockSource, on disk: any Disk) throws(BackupError) {
    var series = DistinctSeries()
    for folder in source.folders {
      let isNamed = folder != source.root
      try check(folder, isNamed: isNamed, &series, isOnly: source.folders.count == 1, disk)
    }
    // What a compaction has replaced and not removed yet is in its child.
    let parents = Set(whole.flatMap { $0.meta.compaction.parents.map(\.ulid) })
    whole.removeAll { parents.contains($0.meta.ulid) || $0.meta.compaction.isDeletable }
    damaged.removeAll { $0.meta.map { parents.contains($0.ulid) } ?? false }
    seriesCount = source.folders.count == 1 ? Int(whole.first?.held.stats.series ?? 0) : series.count
  }

  private mutating func check(
    _ folder: String, isNamed: Bool, _ series: inout DistinctSeries, isOnly: Bool, _ disk: any Disk
  ) throws(BackupError) {
    do throws(DiskError) {
      // In a mapped file a sector that the disk cannot read would be the end of the process.
      for name in try BlockCopy.files(of: folder, on: disk) { try disk.checkReadable(DiskPath.join(folder, name)) }
    } catch {
      return addUnopened(folder, "\(error)")
    }
    let block: Block
    do throws(BlockError) {
      block = try Block(folder, on: disk)
    } catch {
      return addUnopened(folder, "\(error)")
    }
    if let resolution = SnapshotCheck.downsampledMilliseconds(folder, disk) {
      return addUnopened(
        folder, "\(folder) was downsampled by Thanos to one in \(resolution) ms: it holds aggregates, not samples")
    }
    if isNamed && "\(block.meta.ulid)" != DiskPath.name(folder) {
      return addUnopened(folder, "\(folder)/meta.json: describes another block, \(block.meta.ulid)")
    }
    let verdict = try BackupError.block { () throws(BlockError) in try BlockVerification(folder, on: disk) }
    let bytes = try BackupError.disk { () throws(DiskError) in try BlockCopy.bytes(of: folder, on: disk) }
    let held = HeldBlock(block.meta, stats: verdict.stats, bytes: bytes)
    if !verdict.isWhole {
      damaged.append(
        DamagedBlock(
          folder: folder, meta: block.meta, held: HeldBlock(block.meta, bytes: bytes),
          findings: verdict.findings.map(\.description), findingCount: verdict.findingCount))
      return
    }
    whole.append(WholeBlock(folder: folder, meta: block.meta, held: held, tombstones: block.tombstones))
    if !isOnly { try BackupError.block { () throws(BlockError) in try series.add(block) } }
  }

  private mutating func addUnopened(_ folder: String, _ finding: String) {
    damaged.append(DamagedBlock(folder: folder, meta: nil, held: nil, findings: [finding], findingCount: 1))
  }

  /// The resolution to which Thanos has downsampled the block, as `meta.json` notes it; nil for ordinary blocks.
  private static func downsampledMilliseconds(_ folder: String, _ disk: any Disk) -> Int64? {
    guard let bytes = try? disk.readFile(folder + "/meta.json") else { return nil }
    let document = bytes.lend { JSONDocument($0) }
    guard let resolution = document?["thanos"]?["downsample"]?["resolution"]?.integer, resolution > 0 else {
      return nil
    }
    return resolution
  }
}

/// Counts series over several blocks, each once. 16 bytes and more for each.
private struct DistinctSeries {
  private var hashes: Set<KeyedHash128> = []

  var count: Int { hashes.count }

  mutating func add(_ block: Block) throws(BlockError) {
    for reference in try block.allSeries() {
      let labels = try block.labels(of: reference)
      hashes.insert(labels.packed.lend { KeyedHash.stable.hash128($0.raw) })
    }
  }
}
