import Model
import Platform
import Synchronization

/// Runs the discoveries of all jobs, each different one once, and tells the groups of each job whenever they have
/// changed, bundled. Any thread. `stop` has to be called before the last reference goes.
package final class DiscoverySet: Sendable {
  /// A discovery that runs, or whose targets are fixed.
  struct Provider: Sendable {
    let options: DiscoveryOptions
    /// Nil where its targets are fixed.
    let discoverer: (any Discoverer)?
    var jobs: [String]
    var found = FoundGroups()
    /// True once it has told its groups.
    var hasAnswered = false
  }

  struct Job: Sendable {
    var name: String
    var providers: [Int]
    /// Targets of the last round.
    var targetCount = 0
    var toldMilliseconds: Int64?
  }

  struct State: Sendable {
    var providers: [Int: Provider] = [:]
    var providersMade = 0
    var jobs: [String: Job] = [:]
    /// Jobs to tell of in the next round.
    var changed: Set<String> = []
    /// Jobs to tell of in the round after it: some of their discoveries have only just begun.
    var waiting: Set<String> = []
    var isTriggered = false
    var pace = UpdatePace()
    var isStopping = false
  }

  let surroundings: DiscoverySurroundings
  let state: Monitor<State>
  let metrics: DiscoveryMetrics
  let refreshing: RefreshSchedule
  let refreshMetrics: RefreshMetrics
  private let onChange: @Sendable ([String: [TargetGroup]]) -> Void
  /// Held while a configuration is taken over or all ends.
  let changing = Mutex<NamedThread?>(nil)

  /// `name`: `scrape` or `notify`, in metrics. `onChange` gets the groups of the jobs that have changed; one call at a time.
  package init(
    name: String, _ surroundings: DiscoverySurroundings, onChange: @escaping @Sendable ([String: [TargetGroup]]) -> Void
  ) {
    refreshing = RefreshSchedule(clock: surroundings.clock, log: surroundings.log)
    var own = surroundings
    own.schedule = refreshing
    self.surroundings = own
    self.onChange = onChange
    let state = Monitor(State())
    self.state = state
    metrics = DiscoveryMetrics(surroundings.registry, name: name) {
      state.withLock { $0.jobs.values.map { ($0.name, $0.targetCount, $0.toldMilliseconds) } }.sorted { $0.0 < $1.0 }
    }
    refreshMetrics = RefreshMetrics(surroundings.registry, clock: surroundings.clock)
    // There from the start, as zeros.
    _ = FileDiscoveryMetrics(surroundings)
    _ = KubernetesMetrics(surroundings.registry)
    _ = ConsulMetrics(surroundings)
    _ = HTTPDiscovery.failures(surroundings.registry)
    _ = DNSDiscoveryMetrics(surroundings.registry)
  }

  /// Ends all discoveries. No change is told after this; waits for the one that is being told.
  package func stop() {
    let (thread, discoverers) = changing.withLock { thread in
      let discoverers = state.withLock { state in
        state.isStopping = true
        defer {
          state.providers.removeAll()
          state.jobs.removeAll()
        }
        return state.providers.values.compactMap(\.discoverer)
      }
      defer { thread = nil }
      return (thread, discoverers)
    }
    state.wakeAll()
    for discoverer in discoverers { discoverer.stop() }
    refreshing.stop()
    thread?.join()
  }

  // MARK: Changes in

  /// The place where a discovery tells its groups.
  func sink(of id: Int) -> DiscoverySink {
    DiscoverySink { [weak self] change in self?.take(change, of: id) }
  }

  private func take(_ change: DiscoverySink.Change, of id: Int) {
    let isKnown = state.withLock { state in
      // One that was stopped meanwhile has nothing to say.
      guard state.providers[id] != nil else { return false }
      let isChanged = state.providers[id]?.found.take(change) ?? false
      let isFirst = state.providers[id]?.hasAnswered == false
      state.providers[id]?.hasAnswered = true
      if isChanged || isFirst { state.changed.formUnion(state.providers[id]?.jobs ?? []) }
      state.isTriggered = true
      return true
    }
    if !isKnown { return }
    metrics.received.add()
    state.wakeAll()
  }

  // MARK: Changes out

  /// Starts the thread that tells the changes.
  func startTelling() throws(ThreadError) -> NamedThread {
    try NamedThread(name: "sd-changes") { [self] in
      var sleepsUntil: Int64?
      while true {
        let deadline = sleepsUntil.map(deadline) ?? .never
        switch state.wait(until: deadline, { self.order(&$0, sleepsUntil) }) {
        case .stop: return
        case .sleep(let moment): sleepsUntil = moment
        case .tell(let groups):
          sleepsUntil = nil
          if !groups.isEmpty { onChange(groups) }
          if isLate() { metrics.delayed.add() }
        case nil: sleepsUntil = nil
        }
      }
    }
  }

  private enum Order {
    case stop
    case sleep(Int64)
    case tell([String: [TargetGroup]])
  }

  private func deadline(_ nanoseconds: Int64) -> Deadline {
    let rest = max(0, nanoseconds - surroundings.clock.monotonicNanoseconds())
    return Deadline(milliseconds: (rest + 999_999) / 1_000_000, of: surroundings.clock)
  }

  /// The next thing for the telling thread to do; nil: go on sleeping.
  private func order(_ state: inout State, _ sleepsUntil: Int64?) -> Order? {
    if state.isStopping { return .stop }
    guard state.isTriggered else { return nil }
    let now = surroundings.clock.monotonicNanoseconds()
    let next = state.pace.nextNanoseconds
    if now < next { return sleepsUntil == next ? nil : .sleep(next) }
    state.pace.told(at: now)
    state.isTriggered = !state.waiting.isEmpty
    metrics.sent.add()
    let groups = Dictionary(
      uniqueKeysWithValues: state.changed.compactMap { name in
        state.jobs[name].map { job in (name, job.providers.flatMap { state.providers[$0]?.found.groups ?? [] }) }
      })
    state.changed = state.waiting
    state.waiting = []
    let milliseconds = surroundings.clock.nowMilliseconds()
    for name in state.jobs.keys {
      let count = state.jobs[name]?.providers.reduce(0) { $0 + (state.providers[$1]?.found.targetCount ?? 0) }
      state.jobs[name]?.targetCount = count ?? 0
      state.jobs[name]?.toldMilliseconds = milliseconds
    }
    return .tell(groups)
  }

  /// True if changes have come that could have been told while others still were.
  private func isLate() -> Bool {
    let now = surroundings.clock.monotonicNanoseconds()
    return state.withLock { $0.isTriggered && $0.pace.nextNanoseconds <= now }
  }
}
