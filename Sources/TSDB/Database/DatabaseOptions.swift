import Platform

/// The settings of a database, given at its start. `head` and the retention can be changed while it runs.
package struct DatabaseOptions: Sendable {
  package var directory: String
  package var walSync = WALSync.interval
  package var head = HeadOptions()
  /// The database drops samples older than this; 0: it keeps all.
  package var retentionMilliseconds: Int64 = 15 * 86_400_000
  /// Bytes that blocks, logs and head chunks may take together; 0: no bound.
  package var retentionBytes = 0
  /// The same bound as a percentage of the disk; if set, it takes the place of `retentionBytes`.
  package var retentionDiskPercentage: Double = 0
  /// Series with a retention of their own.
  package var retentionRules: [RetentionRules.Rule] = []
  /// With fewer free bytes than this the database refuses writes; 0: it never does.
  package var freeBytesMin = 0
  /// The database shortens the log this often...
  package var truncationIntervalMilliseconds: Int64 = 2 * 3_600_000
  /// ...and when it has grown by this much since.
  package var logBytesPerTruncationMax = 512 << 20
  /// The database writes a snapshot of the head when the log has grown by this much since the last one, and by twice
  /// the last one's size.
  package var logBytesPerSnapshotMin = 128 << 20

  /// The database keeps this much of each log, at most, beyond what it needs, for those who still read it
  /// (`WriteAheadLog.hold`); never more than half of `retentionBytes`, and nothing once the disk is nearly full.
  package var heldLogBytesMax = 8 << 30

  var compaction: CompactionOptions {
    var options = CompactionOptions()
    options.limits = RetentionLimits(
      timeMilliseconds: retentionMilliseconds, sizeBytes: retentionBytes, diskPercentage: retentionDiskPercentage)
    options.rules = RetentionRules(retentionRules, otherMilliseconds: retentionMilliseconds)
    return options
  }

  /// The source of block names and of the keys of hash tables; with a seed a run can be repeated.
  package var random = RandomNumbers()

  package init(directory: String) { self.directory = directory }
}
