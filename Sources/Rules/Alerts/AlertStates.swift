import Model
import Platform
import Synchronization

/// The states of all alerts of a workspace, kept for a restart. Groups hand in theirs after a round, as bytes; the upkeep of the
/// database writes them to one file, within a second of a change and at least each minute while an alert is pending or fires,
/// so that a start knows how long the server was down. A workspace that never had an alert has no file. Any thread.
package final class AlertStates: Sendable {
  /// Of all groups together; the file may be no larger than a sealed file is.
  package static let bytesMax = 48 << 20
  /// Time after which the file is written also where only time has passed, or where the last write failed.
  package static let heartbeatMilliseconds: Int64 = 60_000

  private struct State {
    var groups: [String: AlertStateFile.Entry] = [:]
    var bytes = 0
    /// Groups whose states found no room.
    var left: Set<String> = []
    var isChanged = false
    var hasPassed = false
    var writtenAt: Int64?
    var hasFailed = false
  }

  /// Held while the file is written; the upkeep and the end of the server do that.
  private let writing = Mutex<Void>(())
  private let state: Mutex<State>
  private let file: SealedFile
  private let log: Log
  private let failures: Counter
  private let bytesMax: Int

  /// Reads the file. A damaged one is told; the generation before counts, or nothing.
  package init(
    _ path: String, on disk: any Disk, damaged: DamagedFiles, registry: MetricsRegistry,
    bytesMax: Int = AlertStates.bytesMax
  ) {
    file = AlertStateFile.file(path, on: disk)
    log = damaged.log
    self.bytesMax = bytesMax
    failures = registry.counter(
      "apus_alert_state_write_failures_total", "Attempts to write the states of alerts to apus.alerts that failed.")
    let reading = file.read { AlertStateFile.decode($0.body) == nil ? "it holds no states of alerts" : nil }
    if let damage = reading.damage {
      damaged.report(
        path, as: "apus.alerts", damage: damage,
        instead: reading.isPrevious ? "the states before the last change" : "the series ALERTS_FOR_STATE",
        meaning: reading.isPrevious
          ? "alerts that changed lately may be told again, or fire a little later"
          : "alerts that fired begin to fire anew, those with a for go on from where their series say they were")
    }
    let groups = reading.contents.flatMap { AlertStateFile.decode($0.body) } ?? [:]
    var first = State(groups: groups, bytes: groups.values.reduce(0) { $0 + $1.rules.count })
    first.isChanged = reading.damage != nil && !groups.isEmpty
    state = Mutex(first)
  }

  // MARK: groups

  /// The alerts that a group had at its last round. They stay saved until the group hands in its own.
  package func saved(_ key: String) -> SavedGroup? {
    guard let entry = state.withLock({ $0.groups[key] }), let rules = AlertStateFile.decodeRules(entry.rules) else {
      return nil
    }
    return SavedGroup(lastRoundAt: entry.lastRoundAt, rules: rules)
  }

  /// Keeps the alerts of a group as they are after a round: of its rules, in order, those that have any.
  package func keep(_ rules: [SavedRule], of key: String, at time: Int64) {
    if rules.isEmpty { return drop(key) }
    let bytes = AlertStateFile.encode(rules)
    let finds = state.withLock { state -> Bool in
      let larger = bytes.count - (state.groups[key]?.rules.count ?? 0)
      state.isChanged = true
      guard state.bytes + larger <= bytesMax else {
        state.bytes -= state.groups[key]?.rules.count ?? 0
        state.groups[key] = nil
        return !state.left.insert(key).inserted
      }
      state.bytes += larger
      state.groups[key] = AlertStateFile.Entry(lastRoundAt: time, rules: bytes)
      state.left.remove(key)
      return true
    }
    if finds { return }
    log.warn(
      "The states of a group's alerts are not kept for a restart: all states together would be too large",
      [
        "group": key, "bytes": "\(bytes.count)", "bytes_max": "\(bytesMax)",
        "meaning": "after a restart they begin anew, or go on from where their series say they were",
      ])
  }

  /// Notes that a group had a round that changed no state.
  package func pass(_ key: String, at time: Int64) {
    state.withLock { state in
      guard let last = state.groups[key]?.lastRoundAt, last != time else { return }
      state.groups[key]?.lastRoundAt = time
      state.hasPassed = true
    }
  }

  /// Forgets a group that has no alerts, or is taken away.
  package func drop(_ key: String) {
    state.withLock { state in
      state.left.remove(key)
      guard let entry = state.groups.removeValue(forKey: key) else { return }
      state.bytes -= entry.rules.count
      state.isChanged = true
    }
  }

  /// Takes out the groups that are not among these: they were removed while the server was down.
  package func takeOthers(than keys: Set<String>) -> [SavedGroup] {
    let others = state.withLock { $0.groups.keys.filter { !keys.contains($0) }.sorted() }
    return others.compactMap { key in
      defer { drop(key) }
      return saved(key)
    }
  }

  // MARK: the file

  /// Writes the file where states have changed, or where it is time to note that they have not. Called each second.
  package func writeIfDue(at time: Int64) {
    let isDue = state.withLock { state -> Bool in
      let isOld = state.writtenAt.map { abs(time - $0) >= AlertStates.heartbeatMilliseconds } ?? true
      if state.hasFailed { return isOld }
      return state.isChanged || state.hasPassed && isOld
    }
    if isDue { write(at: time) }
  }

  /// Writes the file where it does not say what is known: the last act of a workspace whose groups have ended.
  package func write(at time: Int64) {
    writing.withLock { _ in
      let (groups, isNews) = state.withLock { state -> ([String: AlertStateFile.Entry], Bool) in
        defer {
          state.isChanged = false
          state.hasPassed = false
          state.writtenAt = time
        }
        return (state.groups, state.isChanged || state.hasPassed || state.hasFailed)
      }
      if !isNews { return }
      do throws(DiskError) {
        try file.write(AlertStateFile.encode(groups))
        state.withLock { $0.hasFailed = false }
      } catch {
        failures.add()
        let isFirst = state.withLock { state in
          defer { state.hasFailed = true }
          return !state.hasFailed
        }
        if isFirst {
          log.warn(
            "The states of alerts could not be written; it is tried again each minute",
            ["file": file.path, "err": "\(error)", "meaning": "a restart would go on from older ones"])
        }
      }
    }
  }
}
