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

  /// - Parameter databasesMax: how many there may be; bounds the queues.
  package init(clock: any Clock, databasesMax: Int = 1) throws(ThreadError) {
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
    for member in members.withLock({ $0 }) {
      member.submit(to: maintenance, \.isMaintaining) { member.maintain() }
      member.submit(to: compaction, \.isCompacting) { member.compact() }
    }
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
