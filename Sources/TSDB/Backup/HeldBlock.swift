import Format
import Platform

/// The contents of one block of a snapshot, a backup or a data directory: counts, as its description has them or as they
/// were
/// counted anew.
package struct HeldBlock: Equatable, Sendable {
  package var ulid: ULID
  package var minTime: Int64
  /// The first time behind the last sample.
  package var maxTime: Int64
  package var stats: BlockMeta.Stats
  /// Bytes of all its files.
  package var bytes: Int

  package init(_ meta: BlockMeta, stats: BlockMeta.Stats? = nil, bytes: Int) {
    ulid = meta.ulid
    minTime = meta.minTime
    maxTime = meta.maxTime
    self.stats = stats ?? meta.stats
    self.bytes = bytes
  }
}

extension HeldBlock {
  /// Reads all of a copy of this block, and throws if it is damaged or does not hold the same.
  func check(copy folder: String, of source: String, on disk: any Disk) throws(BackupError) {
    let copy = try BackupError.block { () throws(BlockError) in try BlockVerification(folder, on: disk) }
    if let finding = copy.findings.first { throw .block(.corrupt(path: finding.path, reason: finding.reason)) }
    if copy.stats != stats { throw .refused("\(folder) does not hold what \(source) holds: the copy is not used") }
  }
}

extension [HeldBlock] {
  /// Stored samples. A sample that is in two blocks counts twice, and so does one that is deleted but not cleaned away.
  package var sampleCount: Int64 { reduce(0) { $0 + $1.stats.samples } }
  package var histogramCount: Int64 { reduce(0) { $0 + $1.stats.histogramSamples } }
  /// Deletions that its blocks carry.
  package var tombstoneCount: Int64 { reduce(0) { $0 + $1.stats.tombstones } }
  package var byteCount: Int { reduce(0) { $0 + $1.bytes } }
  /// The times from the first that a block covers to the last; nil if there is no block.
  package var times: ClosedRange<Int64>? {
    guard let first = map(\.minTime).min(), let last = map(\.maxTime).max() else { return nil }
    return first...Swift.max(first, last - 1)
  }
}
