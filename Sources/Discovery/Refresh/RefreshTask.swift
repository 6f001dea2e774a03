import Platform
import Synchronization

/// A source that is asked again and again, as a discoverer: at once, then once per interval. A failed refresh keeps the
/// groups of the last one.
final class RefreshTask: Discoverer {
  private struct State: Sendable {
    var id: Int?
    /// The job that its series in metrics are counted for.
    var config: String
  }

  private let source: any Refreshable
  private let schedule: RefreshSchedule
  private let metrics: RefreshMetrics
  private let log: Log
  private let state: Mutex<State>

  init(
    _ source: any Refreshable, _ schedule: RefreshSchedule, _ metrics: RefreshMetrics, _ log: Log, config: String
  ) {
    self.source = source
    self.schedule = schedule
    self.metrics = metrics
    self.log = log
    state = Mutex(State(config: config))
    metrics.begin(RefreshMetrics.Key(mechanism: source.mechanism, config: config))
  }

  func start(_ sink: DiscoverySink) {
    let id = schedule.newID()
    state.withLock { $0.id = id }
    schedule.add(id, intervalMilliseconds: source.intervalMilliseconds) { [self] flag in refresh(sink, flag) }
  }

  func stop() {
    if let id = state.withLock({ $0.id }) { schedule.remove(id) }
  }

  /// Counts for one of these jobs: the one so far where it is still among them. Returns the key of its series.
  func countFor(_ jobs: [String]) -> RefreshMetrics.Key {
    let config = state.withLock { state in
      if !jobs.contains(state.config), let first = jobs.first { state.config = first }
      return state.config
    }
    let key = RefreshMetrics.Key(mechanism: source.mechanism, config: config)
    metrics.begin(key)
    return key
  }

  private func refresh(_ sink: DiscoverySink, _ flag: CancelFlag) {
    let start = schedule.clock.monotonicNanoseconds()
    var groups: [TargetGroup]?
    var failure: DiscoveryError?
    do throws(DiscoveryError) { groups = try source.refresh(isCancelled: { flag.isCancelled }) } catch {
      failure = error
      groups = error.groups
    }
    if flag.isCancelled { return }
    let seconds = Double(schedule.clock.monotonicNanoseconds() - start) / 1e9
    let key = RefreshMetrics.Key(mechanism: source.mechanism, config: state.withLock { $0.config })
    metrics.count(key, seconds: seconds, isFailed: failure != nil)
    if let failure { log.error("Unable to refresh target groups", ["err": "\(failure)"]) }
    if let groups { sink.replaceAll(by: groups) }
  }
}
