import Platform

/// Every name on disk, in one place. Prometheus uses those of the first group too, and ignores the others.
package struct DatabaseLayout: Sendable {
  package let root: String

  package init(root: String) { self.root = root }

  package var wal: String { root + "/wal" }
  package var wbl: String { root + "/wbl" }
  package var headChunks: String { root + "/chunks_head" }

  /// The version of the files that only Apus knows (`DataVersion`).
  package var version: String { root + "/apus.version" }
  /// The head as it was at some position of the log.
  package var snapshot: String { root + "/apus.head" }
  /// The time up to which the head has been flushed.
  package var flushMark: String { root + "/apus.flushed" }
  /// The deleted times of series in the head, as tombstones.
  package var deletions: String { root + "/apus.deleted" }
  /// The leading replica of each cluster.
  package var haLeaders: String { root + "/apus.ha-leaders" }
  /// The state of receivers of alerts; of the default workspace's directory alone.
  package var notify: String { root + "/apus.notify" }
  /// The states of alerts.
  package var alertStates: String { root + "/apus.alerts" }
  /// The type, unit and help of metrics, as senders gave them.
  package var metadata: String { root + "/apus.metadata" }
  /// The rule groups that came over the API.
  package var rules: String { root + "/apus.rules" }
  /// The usage of the workspace by hours.
  package var usage: String { root + "/apus.usage" }
  /// Logs of the workspace alone: rules, and queries.
  package var logs: String { root + "/logs" }
  /// Tags, alias, settings and definitions that the management API has stored.
  package var managed: String { root + "/apus.managed" }
  /// Blocks that a restore has brought and that are to get their names.
  package var restore: String { root + "/apus.restore" }
  /// Copies made on request.
  package var snapshots: String { root + "/snapshots" }
  /// Files that could not be read, kept for people.
  package var quarantine: String { root + "/quarantine" }

  /// The names under which damaged files are counted.
  static let damagedNames = [
    "apus.version", "apus.alerts", "apus.head", "apus.flushed", "apus.deleted", "apus.ha-leaders", "apus.managed",
    "apus.metadata", "apus.notify", "apus.restore", "apus.rules", "apus.usage", HeadChunkRepair.damagedName, "wal",
    BlockDeletions.fileName,
    BlockDescription.fileName,
  ]
}
