import Platform
import Synchronization

/// The threads that keep databases in order, however many there are: one that keeps the time, some for the rounds of the
/// maintenance and some for those of flushes and compactions, which may take long. Any thread.
///
/// Invariant: at most one round of each kind runs for a database, and none after `remove` has returned. A round that waits for a
/// disk which does not answer holds one thread; the other databases go on with the rest.
package final class SharedWork: Sendable {
  /// Threads for each kind of round.
  private static let threadsMax = 2
  private static let tickMilliseconds: Int64 = 1000

  private let members = Mutex<[Member]>([])
  private let maintenance: WorkerPool
  private let compaction: WorkerPool
  private let ticks: Mutex<PeriodicTask?>
  private let clock: any Clock
  private let retention = Mutex(RetentionState())

  /// - Parameter databasesMax: how many there may be; bounds the queues.
  package init(clock: any Clock, databasesMax: Int = 1) throws(ThreadError) {
    self.clock = clock
    let threads = min(max(databasesMax, 1), SharedWork.threadsMax)
    maintenance = try WorkerPool(name: "maintenance", threadCount: threads, queueLimit: max(databasesMax, 1))
    compaction = try WorkerPool(name: "compaction", threadCount: threads, queueLimit: max(databasesMax, 1))
    ticks = Mutex(nil)
    let task = try PeriodicTask(name: "upkeep", intervalMilliseconds: SharedWork.tickMilliseconds, clock: clock) {
      [weak self] in self?.tick()
    }
    ticks.withLock { $0 = task }
  }

  func add(_ database: Database) {
    members.withLock { $0.append(Member(database)) }
  }

  /// Waits for the rounds that run, of which long ones break off where the database is stopping.
  func remove(_ database: Database) {
    let removed = members.withLock { members -> [Member] in
      let removed = members.filter { $0.database === database }
      members.removeAll { $0.database === database }
      return removed
    }
    for member in removed { member.end() }
  }

  /// Ends the threads. Databases that have not been removed stay as they are.
  package func stop() {
    ticks.withLock { $0.take() }?.stop()
    maintenance.stop()
    compaction.stop()
  }

  private func tick() {
    enforceTotalRetention()
    for member in members.withLock({ $0 }) {
      member.submit(to: maintenance, \.isMaintaining) { member.maintain() }
      member.submit(to: compaction, \.isCompacting) { member.compact() }
    }
  }
}

// The retention over all databases.
extension SharedWork {
  /// Rounds of the databases look at their files once a minute.
  private static let retentionMilliseconds: Int64 = 60_000

  private struct RetentionState: Sendable {
    var limits = TotalRetention()
    /// Takes the line that the limit cannot be kept.
    var log: Log?
    /// The monotonic time of the last plan; nil: one is due.
    var plannedAt: Int64?
    /// Bytes of all databases at the last plan.
    var bytes = 0
    var isUnreachable = false
  }

  /// Takes over limits; they are kept within a minute or two.
  package func reconfigure(_ limits: TotalRetention, log: Log) {
    retention.withLock { state in
      if state.limits != limits { (state.isUnreachable, state.plannedAt) = (false, nil) }
      (state.limits, state.log) = (limits, log)
    }
  }

  /// The limit on what all databases take together (0: none), and what they took at the last plan.
  package var totalRetention: (bytesMax: Int, bytes: Int) { retention.withLock { ($0.limits.sizeBytes, $0.bytes) } }

  /// Tells each database which of its blocks are to go, where all take too much. Touches no file.
  func enforceTotalRetention() {
    let now = clock.monotonicMilliseconds
    let limits = retention.withLock { state -> TotalRetention? in
      if let last = state.plannedAt, now - last < SharedWork.retentionMilliseconds { return nil }
      state.plannedAt = now
      return state.limits
    }
    guard let limits else { return }
    let databases = members.withLock { $0.map(\.database) }
    let found = databases.map { $0.retentionMember() }
    let plan = TotalRetentionPlan.make(found.map(\.member), limits)
    for ((database, found), dropped) in zip(zip(databases, found), plan.dropped) {
      database.setDoomed(Set(dropped.map { found.blocks[$0].meta.ulid }))
    }
    let isUnreachable = limits.sizeBytes > 0 && plan.bytesLeft > limits.sizeBytes
    let log = retention.withLock { state -> Log? in
      state.bytes = plan.bytes
      defer { state.isUnreachable = isUnreachable }
      return isUnreachable && !state.isUnreachable ? state.log : nil
    }
    log?.warn(
      "The workspaces take more than apus.total_retention.size and have no more blocks that may go",
      ["bytes": "\(plan.bytesLeft)", "bytes_max": "\(limits.sizeBytes)", "spared_size": "\(limits.sparedBytes)"])
  }
}

extension SharedWork {
  /// A database and the state of its rounds.
  private final class Member: Sendable {
    let database: Database
    /// The state that rounds of the maintenance keep; nil once no round may begin.
    private let maintenance: Mutex<Maintenance.State?>
    private let compaction: Mutex<CompactionTask.State?>
    /// True while a round waits for a thread, or runs.
    let isMaintaining = Flag()
    let isCompacting = Flag()

    init(_ database: Database) {
      self.database = database
      maintenance = Mutex(Maintenance.State(database))
      compaction = Mutex(CompactionTask.State())
    }

    /// Hands a round to the pool, unless one still waits or runs. If the pool has no room, the round comes with the
    /// next second.
    func submit(to pool: WorkerPool, _ path: KeyPath<Member, Flag>, _ round: @escaping @Sendable () -> Void) {
      let flag = self[keyPath: path]
      if flag.isSet.exchange(true, ordering: .acquiringAndReleasing) { return }
      let isTaken = pool.submit {
        round()
        flag.isSet.store(false, ordering: .releasing)
      }
      if !isTaken { flag.isSet.store(false, ordering: .releasing) }
    }

    func maintain() {
      maintenance.withLock { state in
        guard var present = state.take() else { return }
        Maintenance.round(database, &present)
        state = present
      }
    }

    func compact() {
      compaction.withLock { state in
        guard var present = state.take() else { return }
        CompactionTask.round(database, &present)
        state = present
      }
    }

    func end() {
      compaction.withLock { $0 = nil }
      maintenance.withLock { $0 = nil }
    }
  }

  private final class Flag: Sendable {
    let isSet = Atomic<Bool>(false)
  }
}
