import Platform
import Synchronization

/// `prometheus_sd_file_*`.
struct FileDiscoveryMetrics: Sendable {
  let readErrors: Counter
  let watcherErrors: Counter
  let scanSeconds: SummaryMetric

  init(_ surroundings: DiscoverySurroundings) {
    let registry = surroundings.registry
    readErrors = registry.counter("prometheus_sd_file_read_errors_total", "The number of File-SD read errors.")
    watcherErrors = registry.counter(
      "prometheus_sd_file_watcher_errors_total",
      "The number of File-SD errors caused by filesystem watch failures.")
    scanSeconds = registry.summary(
      "prometheus_sd_file_scan_duration_seconds", "The duration of the File-SD scan in seconds.",
      clock: surroundings.clock)
  }
}

/// When the files that were read were changed last, by discovery.
final class FileTimes: Sendable {
  private struct State: Sendable {
    var seconds: [Int: [String: Int64]] = [:]
    var added = 0
  }

  private let state = Mutex(State())

  init(_ registry: MetricsRegistry) {
    registry.collect(
      "prometheus_sd_file_mtime_seconds",
      "Timestamp (mtime) of files read by FileSD. Timestamp is set at read time.", .gauge
    ) { [weak self] in
      let all = self?.state.withLock { state in
        state.seconds.values.reduce(into: [:]) { all, one in all.merge(one) { max($0, $1) } }
      }
      return (all ?? [:]).sorted { $0.key < $1.key }.map { ([("filename", $0.key)], Double($0.value)) }
    }
  }

  func add() -> Int {
    state.withLock { state in
      state.added += 1
      return state.added
    }
  }

  func set(_ seconds: [String: Int64], of id: Int) { state.withLock { $0.seconds[id] = seconds } }
  func remove(_ id: Int) { state.withLock { _ = $0.seconds.removeValue(forKey: id) } }
}
