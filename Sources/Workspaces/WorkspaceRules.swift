import Ingest
import Model
import Platform
import Query
import Rules
import Synchronization
import TSDB

/// The means by which rules of all workspaces are evaluated. A value.
package struct SharedRules: Sendable {
  package var queries: QueryService
  /// The threads of all rules.
  package var work: RuleWork
  /// Takes the alerts of a workspace that are to be told; it neither waits nor fails.
  package var send: @Sendable (_ workspace: String, _ notices: [AlertNotice]) -> Void

  package init(
    queries: QueryService, work: RuleWork,
    send: @escaping @Sendable (_ workspace: String, _ notices: [AlertNotice]) -> Void
  ) {
    self.queries = queries
    self.work = work
    self.send = send
  }
}

/// The rules of one workspace: the groups of the configuration and those that came over the API, evaluated together. Any
/// thread.
package final class WorkspaceRules: Sendable {
  private struct State: Sendable {
    var groups: [RuleGroupDefinition] = []
    var options = RuleOptions()
    /// True once the database gives and takes samples.
    var isStarted = false
  }

  /// The groups that came over the API.
  package let store: RuleStore
  /// Nil where nothing evaluates rules.
  private let manager: RuleManager?
  private let alerts: AlertStates?
  private let clock: any Clock
  private let state = Mutex(State())
  /// One change at a time.
  private let change = Monitor(())

  init(
    _ settings: WorkspaceSettings, _ database: Database, _ intake: Intake, _ surroundings: Workspace.Surroundings
  ) {
    let id = settings.id
    store = RuleStore(
      database.layout.rules, on: surroundings.disk, options: settings.ruleFileOptions, clock: surroundings.clock,
      log: surroundings.log, damaged: database.damaged)
    clock = surroundings.clock
    guard let shared = surroundings.rules else {
      manager = nil
      alerts = nil
      return
    }
    let states = AlertStates(
      database.layout.alertStates, on: surroundings.disk, damaged: database.damaged, registry: surroundings.registry)
    alerts = states
    database.everySecond { [clock = surroundings.clock] in states.writeIfDue(at: clock.nowMilliseconds()) }
    manager = RuleManager(
      workspace: id,
      database: WorkspaceRuleDatabase(querier: shared.queries.querier(over: database), intake: intake),
      work: shared.work, registry: surroundings.registry, clock: surroundings.clock, log: surroundings.log,
      states: states, send: { notices in shared.send(id, notices) })
    store.onChange { [weak self] _ in self?.apply() }
  }

  /// Takes over what the configuration says; evaluation begins with `start`.
  func reconfigure(_ settings: WorkspaceSettings) {
    state.withLock { state in
      state.groups = settings.ruleGroups
      state.options = settings.ruleOptions
    }
    store.reconfigure(settings.ruleFileOptions)
    apply()
  }

  /// Begins to evaluate: the database has its data back.
  package func start() {
    state.withLock { $0.isStarted = true }
    apply()
  }

  private func apply() {
    change.withLock { _ in
      let present = state.withLock { $0 }
      if !present.isStarted { return }
      // A namespace may be called as a file is: of two groups of one identity that of the file is evaluated.
      let keys = Set(present.groups.map(\.key))
      manager?.reconfigure(
        present.groups + store.groups.filter { !keys.contains($0.key) }, options: present.options)
    }
  }

  /// The groups by file and name.
  package var shown: [RuleGroupView] { manager?.shown ?? [] }

  /// No round begins after this; those that run have so long to end.
  func stop(within milliseconds: Int64) {
    manager?.stop(within: milliseconds)
    alerts?.write(at: clock.nowMilliseconds())
  }
}
