/// What a database is told at its start. `head` and the retention can be changed while it runs.
package struct DatabaseOptions: Sendable {
  package var directory: String
  package var walSync = WALSync.interval
  package var head = HeadOptions()
  /// Samples older than this leave; 0: none do.
  package var retentionMilliseconds: Int64 = 15 * 86_400_000
  /// The log is shortened this often...
  package var truncationIntervalMilliseconds: Int64 = 2 * 3_600_000
  /// ...and when it has grown by this much since.
  package var logBytesPerTruncationMax = 512 << 20
  /// A snapshot is written when the log has grown by this much since the last, and twice the last one's size.
  package var logBytesPerSnapshotMin = 128 << 20

  package init(directory: String) { self.directory = directory }
}
