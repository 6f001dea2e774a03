/// Reports a file of the data directory that cannot be used as it is: keeps the original in the quarantine, counts it
/// under its name, and logs one line that says what is damaged, what the server uses instead and what that means. Any
/// thread.
package struct DamagedFiles: Sendable {
  package let quarantine: Quarantine
  private let counters: [String: Counter]
  private let others: Counter
  package let log: Log

  /// `names` are counted from the start, so that an alert has something to start from.
  package init(_ quarantine: Quarantine, names: [String], log: Log, registry: MetricsRegistry) {
    self.quarantine = quarantine
    self.log = log
    func counter(_ name: String) -> Counter {
      registry.counter(
        "apus_damaged_files_total", "Files of the data directory found damaged, unreadable or missing at a start.",
        labels: [("file", name)])
    }
    var counters: [String: Counter] = [:]
    for name in names { counters[name] = counter(name) }
    self.counters = counters
    others = counter("other")
  }

  /// `name` is what the file is counted under: its own name, or that of its folder.
  package func report(
    _ path: String, as name: String, damage: String, instead: String, meaning: String, keepsOriginal: Bool = true
  ) {
    (counters[name] ?? others).add()
    let kept = keepsOriginal ? quarantine.keep(path, as: DamagedFiles.keptName(path, name)) : nil
    log.error(
      "A file of the data directory is damaged",
      [
        "file": path, "damage": damage, "used_instead": instead, "meaning": meaning,
        "original_kept_as": kept ?? "nothing",
      ])
  }

  /// Files of folders are kept with the folder's name before theirs.
  private static func keptName(_ path: String, _ name: String) -> String {
    let own = DiskPath.name(path)
    return own.hasPrefix(name) ? own : "\(name)-\(own)"
  }
}
