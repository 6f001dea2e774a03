import Ingest
import Model
import Platform
import Rules
import Synchronization
import TSDB

/// One database with all that belongs to it: limits, retention, replicas, rules for labels, metadata. Amazon Managed
/// Prometheus calls it a workspace, too. Any thread.
package final class Workspace: Sendable {
  package let id: String
  package let database: Database
  package let receiver: Receiver
  /// Translates what OpenTelemetry pushes and hands it to the intake.
  package let otlp: OTLPReceiver
  package let rules: WorkspaceRules
  /// Samples, queries and stored bytes by hours.
  package let usage: WorkspaceUsage
  let logs: WorkspaceLogs
  /// The metrics of this workspace alone.
  let registry: MetricsRegistry
  let log: Log
  let clock: any Clock
  private let settings: Mutex<WorkspaceSettings>
  /// Held while the folder is in use; nil for the default workspace, whose directory the server holds.
  private let lock: DirectoryLock?

  package var present: WorkspaceSettings { settings.withLock { $0 } }

  private init(
    _ settings: WorkspaceSettings, _ database: Database, _ receiver: Receiver, _ surroundings: Surroundings,
    _ lock: DirectoryLock?
  ) {
    id = settings.id
    self.lock = lock
    self.database = database
    self.receiver = receiver
    otlp = OTLPReceiver(receiver.intake)
    let logs = WorkspaceLogs(database.layout, on: surroundings.disk, log: surroundings.log)
    self.logs = logs
    let originalLog = surroundings.log
    var surroundings = surroundings
    surroundings.log = originalLog.copying(to: logs.noteRules)
    rules = WorkspaceRules(settings, database, receiver.intake, surroundings)
    usage = WorkspaceUsage(
      database, receiver.intake, on: surroundings.disk, clock: surroundings.clock, registry: surroundings.registry)
    registry = surroundings.registry
    log = originalLog
    clock = surroundings.clock
    self.settings = Mutex(settings)
  }
}

extension Workspace {
  /// The surroundings of a workspace: disk, clock, log, and the like, most of them shared.
  package struct Surroundings: Sendable {
    package var disk: any Disk
    package var clock: any Clock
    package var log: Log
    package var registry: MetricsRegistry
    /// The memory that the rings of all workspaces share.
    package let ringBudget = RingBudget()
    /// Takes the folder of a workspace other than the default one for this process; nil: nobody else can have it.
    package var takeFolder: (@Sendable (_ directory: String) throws(DirectoryLockError) -> DirectoryLock)?
    /// Nil: no rules are evaluated.
    package var rules: SharedRules?
    /// Runs work that nobody waits for, such as removing many files; nil: it is done at once.
    package var aside: (@Sendable (@escaping @Sendable () -> Void) -> Void)?

    package init(disk: any Disk, clock: any Clock, log: Log, registry: MetricsRegistry) {
      self.disk = disk
      self.clock = clock
      self.log = log
      self.registry = registry
    }
  }

  /// Opens the files; on an error nothing has been changed. Then comes `restore`, then `start`.
  package static func open(
    _ settings: WorkspaceSettings, in surroundings: Surroundings, lock: DirectoryLock? = nil
  ) throws(DatabaseError) -> Workspace {
    let (disk, clock, log) = (surroundings.disk, surroundings.clock, surroundings.log)
    let registry = surroundings.registry
    let database = try Database.open(settings.database, disk: disk, clock: clock, log: log, registry: registry)
    let replicas = HATracker(
      settings.ha, path: database.layout.haLeaders, disk: disk, clock: clock, log: log, damaged: database.damaged,
      registry: registry, ringBudget: surroundings.ringBudget)
    let intake = Intake(
      Appender(database), limits: settings.ingest, clock: clock, log: log, metrics: ReceiverMetrics(registry),
      replicas: replicas)
    intake.metadata.open(
      database.layout.metadata, on: disk, damaged: database.damaged, sync: settings.database.walSync,
      now: clock.nowMilliseconds())
    database.everySecond { [metadata = intake.metadata, refusals = intake.refusals] in
      metadata.syncIfDue()
      refusals.writeDue()
      replicas.expireKept()
    }
    let workspace = Workspace(settings, database, Receiver(intake), surroundings, lock)
    database.everySecond { [usage = workspace.usage] in usage.lookIfDue() }
    workspace.otlp.reconfigure(settings.otlp)
    workspace.takeOver(settings.rules)
    workspace.rules.reconfigure(settings)
    workspace.logs.reconfigure(settings.logging, database.metrics.queries, clock)
    return workspace
  }

  /// Begins the upkeep; from here on the workspace takes and gives samples.
  package func start(on work: SharedWork) throws(DatabaseError) {
    try database.start(on: work)
    rules.start()
  }

  /// Takes over what a reload may change; where the data lies it may not.
  package func reconfigure(_ settings: WorkspaceSettings) {
    let directory = present.database.directory
    self.settings.withLock {
      $0 = settings
      $0.database.directory = directory
    }
    database.reconfigure { options in
      options = settings.database
      options.directory = directory
    }
    receiver.intake.reconfigure(settings.ingest)
    receiver.intake.replicas.reconfigure(settings.ha)
    otlp.reconfigure(settings.otlp)
    takeOver(settings.rules)
    rules.reconfigure(settings)
    logs.reconfigure(settings.logging, database.metrics.queries, clock)
  }

  /// The expressions were compiled once, when the configuration was checked.
  private func takeOver(_ rules: IngestRules) {
    do throws(RegexError) {
      try receiver.intake.reconfigure(rules)
    } catch {
      log.error("The rules for received series were not taken over", ["workspace": id, "err": "\(error)"])
    }
  }

  /// Ends cleanly. Writes that are under way are not acknowledged from here on.
  package func close() {
    rules.stop(within: RuleManager.stopMillisecondsMax)
    receiver.intake.refusals.flush()
    receiver.intake.replicas.close()
    receiver.intake.metadata.close(now: clock.nowMilliseconds())
    usage.close()
    database.close()
    lock?.release()
  }
}
