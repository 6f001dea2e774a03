import Platform

/// The settings of a database, given at its start. `head` and the retention can be changed while it runs.
package struct DatabaseOptions: Sendable {
  package var directory: String
  package var walSync = WALSync.interval
  package var head = HeadOptions()
  /// Samples older than this leave; 0: none do.
  package var retentionMilliseconds: Int64 = 15 * 86_400_000
  /// Bytes that blocks, logs and head chunks may take together; 0: no bound.
  package var retentionBytes = 0
  /// The same as a part of the disk; comes before `retentionBytes`.
  package var retentionDiskPercentage: Double = 0
  /// Series with a retention of their own.
  package var retentionRules: [RetentionRules.Rule] = []
  /// Below so many free bytes nothing is written any more; 0: always.
  package var freeBytesMin = 0
  /// The log is shortened this often...
  package var truncationIntervalMilliseconds: Int64 = 2 * 3_600_000
  /// ...and when it has grown by this much since.
  package var logBytesPerTruncationMax = 512 << 20
  /// A snapshot is written when the log has grown by this much since the last, and twice the last one's size.
  package var logBytesPerSnapshotMin = 128 << 20

  var compaction: CompactionOptions {
    var options = CompactionOptions()
    options.limits = RetentionLimits(
      timeMilliseconds: retentionMilliseconds, sizeBytes: retentionBytes, diskPercentage: retentionDiskPercentage)
    options.rules = RetentionRules(retentionRules, otherMilliseconds: retentionMilliseconds)
    return options
  }

  /// Names of blocks and the keys of hash tables; a seed repeats a run.
  package var random = RandomNumbers()

  package init(directory: String) { self.directory = directory }
}
