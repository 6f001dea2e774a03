import Platform
import Synchronization

/// The upkeep of a database, a round at a time when its owner says so, in place of its two threads: for worlds in which
/// nothing may happen by itself. One owner; the database must be restored, and not started; it is ready from here on.
package struct DatabaseRounds: Sendable {
  private let database: Database
  private var maintenance: Maintenance.State
  private var compaction = CompactionTask.State()

  package init(_ database: Database) {
    self.database = database
    maintenance = Maintenance.State(database)
    database.beginAnswering()
  }

  /// Runs one round of the maintenance: syncs, chunks to their files, shorter logs, a snapshot of the head.
  package mutating func maintain() { Maintenance.round(database, &maintenance) }

  /// True if a power loss now would lose nothing that was committed.
  package var isDurable: Bool {
    !maintenance.mustWriteSnapshot && database.head.files.wal.isSynced && database.head.files.wbl.isSynced
  }

  /// Runs one round of the other thread: blocks of what the head gives away, retention, compaction.
  package mutating func compact() { CompactionTask.round(database, &compaction) }
}
