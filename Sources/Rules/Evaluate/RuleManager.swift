import Model
import Platform
import Synchronization

/// The rules of one workspace: the groups that are configured, each with its rounds. Any thread. Without groups it costs no
/// thread and next to no memory.
package final class RuleManager: Sendable {
  private struct State: Sendable {
    /// By `RuleGroupDefinition.key`.
    var runs: [String: RuleGroupRun] = [:]
    var isStopped = false
    /// Groups of the first configuration whose alerts go on from before the restart, until their first round.
    var resuming: Set<String> = []
    var isFirst = true
  }

  private let database: any RuleDatabase
  private let work: RuleWork
  private let surroundings: RuleSurroundings
  private let states: AlertStates?
  private let state = Mutex(State())
  /// One change of the configuration at a time.
  private let change = Monitor(())

  /// - Parameters:
  ///   - states: keeps alerts for a restart; its owner calls `writeIfDue` each second.
  ///   - send: takes the alerts that are to be told; it neither waits nor fails.
  package init(
    workspace: String, database: any RuleDatabase, work: RuleWork, registry: MetricsRegistry, clock: any Clock,
    log: Log,
    states: AlertStates? = nil, send: @escaping @Sendable ([AlertNotice]) -> Void
  ) {
    self.database = database
    self.work = work
    self.states = states
    var surroundings = RuleSurroundings()
    surroundings.clock = clock
    surroundings.log = log.adding("workspace", workspace)
    surroundings.metrics = RuleMetrics(registry, clock: clock)
    surroundings.send = send
    surroundings.isCanceled = work.isCanceled
    surroundings.runAside = { [work] in work.runAside($0) }
    surroundings.slots = work.slots
    self.surroundings = surroundings
    registry.collectFamilies { [weak self] in self?.families() ?? [] }
  }

  // MARK: Changes

  /// Takes over the groups of a configuration: what has not changed runs on, what has goes on where its last round ended.
  package func reconfigure(_ groups: [RuleGroupDefinition], options: RuleOptions) {
    change.withLock { _ in
      let (before, isStopped) = state.withLock { ($0.runs, $0.isStopped) }
      if isStopped { return }
      if state.withLock({ $0.isFirst }) { beginResuming(groups, options) }
      var runs: [String: RuleGroupRun] = [:]
      for definition in groups {
        let old = before[definition.key]
        runs[definition.key] =
          old.flatMap { $0.group.staysUnder(definition, options) ? $0 : nil }
          ?? run(definition, options, after: old)
      }
      state.withLock { $0.runs = runs }
      for (key, old) in before where runs[key] !== old { retire(old, for: runs[key]) }
      for (key, run) in runs where before[key] == nil { run.begin() }
      if !groups.isEmpty { startThreads() }
    }
  }

  /// The first configuration: its groups go on from before the restart, and those that are gone since are told as over.
  private func beginResuming(_ groups: [RuleGroupDefinition], _ options: RuleOptions) {
    let keys = Set(groups.map(\.key))
    state.withLock { state in
      state.isFirst = false
      state.resuming = keys
    }
    let now = work.clock.nowMilliseconds()
    let gone = (states?.takeOthers(than: keys) ?? []).flatMap { $0.resolutions(at: now, options: options) }
    if !gone.isEmpty { surroundings.send(gone) }
  }

  private func evaluate(_ group: RuleGroup, _ slot: RuleSchedule.Slot) {
    let time = slot.milliseconds
    let resumes = state.withLock { state in
      state.resuming.isEmpty ? false : state.resuming.remove(group.definition.key) != nil
    }
    if resumes { group.resume(from: states, at: time) }
    // Where groups wait for threads, more work would make it worse.
    if slot.missedCount > 0 && !work.isBehind { group.recover(slot) }
    group.evaluate(at: time)
    if let states { group.save(to: states, at: time) }
  }

  private func run(
    _ definition: RuleGroupDefinition, _ options: RuleOptions, after old: RuleGroupRun?
  ) -> RuleGroupRun {
    let group = RuleGroup(
      definition, options: options, database: database, surroundings, old?.group.counters ?? RuleGroupCounters())
    return RuleGroupRun(group, work) { [weak self] group, slot in self?.evaluate(group, slot) }
  }

  private func retire(_ old: RuleGroupRun, for next: RuleGroupRun?) {
    old.retire { [self] in
      if let next {
        next.group.adopt(old.group)
        next.begin()
      } else {
        end(old.group)
      }
    }
  }

  /// A group that is gone: its alerts end at once, its series after two intervals, in case that another one has taken them over,
  /// whose samples then are newer.
  private func end(_ group: RuleGroup) {
    if state.withLock({ $0.isStopped }) { return }
    states?.drop(group.definition.key)
    group.tellEnd()
    let now = RuleSchedule.Reading(work.clock)
    let wait = min(2 * group.intervalMilliseconds, Self.endMillisecondsMax)
    work.wheel.set(work.wheel.place(), at: now.monotonicNanoseconds + wait * 1_000_000) { [weak self, work] in
      work.run { [weak self] in
        guard let self, !self.state.withLock({ $0.isStopped }) else { return }
        group.endSeries(at: now.wallMilliseconds)
      }
    }
  }

  /// The longest that the series of a group that is gone wait for their end.
  private static let endMillisecondsMax: Int64 = 24 * 3_600_000

  private func startThreads() {
    do throws(ThreadError) {
      try work.start()
    } catch {
      surroundings.log.error("Rules are not evaluated: the system gave no thread", ["err": "\(error)"])
    }
  }

  /// No round begins after this. Waits for those that run, for so long at most. Series are left as they are: after a restart
  /// they go on.
  package func stop(within milliseconds: Int64 = RuleManager.stopMillisecondsMax) {
    state.withLock { $0.isStopped = true }
    // A change that has begun ends, so that none of its groups is overlooked.
    change.withLock { _ in }
    let runs = state.withLock { Array($0.runs.values) }
    for run in runs { run.retire {} }
    let deadline = Deadline(milliseconds: milliseconds, of: work.clock)
    for run in runs { run.waitForRound(until: deadline) }
    states?.write(at: work.clock.nowMilliseconds())
  }

  package static let stopMillisecondsMax: Int64 = 5_000

  // MARK: For the API

  /// The groups by file and name. Made when asked for.
  package var shown: [RuleGroupView] { runs.map(\.group.shown) }

  private var runs: [RuleGroupRun] {
    state.withLock { $0.runs }.values.sorted {
      let (one, two) = ($0.group.definition, $1.group.definition)
      return one.file == two.file ? one.name < two.name : one.file < two.file
    }
  }

  private func families() -> [MetricFamily] {
    RuleGroupFamilies.read(runs.map { ($0.group, $0.group.counters) })
  }
}
