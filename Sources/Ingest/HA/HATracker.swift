import Model
import Platform
import Synchronization
import TSDB

/// The replicas of one workspace: the leader of each cluster, the bodies that followers sent lately, and the number
/// under which the head's spellings know each replica. Any thread; one mutex, under which nobody touches a file or
/// copies a body.
package final class HATracker: Sendable {
  /// The time between two sweeps. A sweep forgets what is too old, and looks for series whose own labels would name a
  /// replica today.
  static let sweepMilliseconds: Int64 = 60_000
  /// Numbers are not given twice, so that a name that is remembered too long leads to nobody. When they run out, the labels
  /// of new replicas' series are read each time.
  private static let numberMax = UInt16.max - 1
  /// Warnings about labels, each once.
  static let warningsMax = 1000
  /// The time between two lines about clusters that made room.
  static let evictedLineMilliseconds: Int64 = 10_000

  struct Known: Sendable {
    var pair: HAPair
    var used: Int64
  }

  struct State: Sendable {
    var options: HAOptions
    var election: HAElection
    var ring: FollowerRing
    var known: [UInt16: Known] = [:]
    var numbers: [HAPair: UInt16] = [:]
    var nextNumber: UInt16 = 1
    /// Clusters whose new leader's kept bodies are being stored just now.
    var replaying: Set<String> = []
    /// Leaders whose kept bodies are still to be stored.
    var pending: Set<HAPair> = []
    var warned: Set<String> = []
    var nextSweep = Int64.min
    var hasDistrusted = false
    /// The number of evicted clusters that the log has told, and the time before which it tells no more.
    var evictedTold = 0
    var nextEvictedLine = Int64.min
    /// True if leaders come from an earlier run and have no newest sample yet.
    var isFromFile = false
    /// The number of changes of the leaders.
    var version = 0
    /// The number of changes of the options that decide which labels name a replica.
    var generation = 0
  }

  let state: Mutex<State>
  let metrics: HAMetrics
  let writtenVersion = Mutex(0)
  let file: SealedFile
  let clock: any Clock
  let log: Log

  /// Reads the leaders of an earlier run from `path`. Kept bodies of followers count against `ringBudget`.
  package init(
    _ options: HAOptions, path: String, disk: any Disk, clock: any Clock, log: Log, damaged: DamagedFiles,
    registry: MetricsRegistry, ringBudget: RingBudget = RingBudget()
  ) {
    file = LeaderTable.file(path, on: disk)
    self.clock = clock
    self.log = log
    metrics = HAMetrics(registry)
    var state = State(
      options: options, election: HAElection(options.election),
      ring: FollowerRing(bytesMax: options.ringBytes, ringBudget))
    if options.isEnabled {
      for leader in HATracker.read(file, damaged) {
        state.election.restore(leader, newestSample: .min, now: clock.monotonicMilliseconds)
        state.isFromFile = true
      }
    }
    self.state = Mutex(state)
    metrics.collect(from: self, registry)
  }

  package func reconfigure(_ options: HAOptions) {
    state.withLock { state in
      let namesAlike = options.namesAlike(state.options)
      state.options = options
      state.election.settings = options.election
      state.ring.bytesMax = options.ringBytes
      if namesAlike {
        if options.ringBytes == 0 { state.ring.removeAll() }
        return
      }
      state.election = HAElection(options.election)
      state.ring.removeAll()
      state.known = [:]
      state.numbers = [:]
      state.pending = []
      state.nextSweep = .min
      state.version += 1
      state.generation += 1
    }
  }

  // MARK: a body

  /// The options for one body. Sweeps first where that is due.
  func begin(_ head: Head, now: Int64) -> HATerms {
    let due = state.withLock { state -> HATerms? in
      if state.isFromFile { HATracker.settle(&state, head, now: now) }
      if now < state.nextSweep { return HATerms(options: state.options, generation: state.generation) }
      state.nextSweep = now + HATracker.sweepMilliseconds
      return nil
    }
    return due ?? sweep(head, now: now)
  }

  /// Completes the leaders of an earlier run: the newest sample of the head stands for theirs, and they count as heard
  /// just now. Resting ones stay as they are.
  private static func settle(_ state: inout State, _ head: Head, now: Int64) {
    state.isFromFile = false
    let newest = head.timeRange?.upperBound ?? .min
    for leader in state.election.leaders where leader.restingNewestSample == nil {
      state.election.restore(leader, newestSample: newest, now: now)
    }
  }

  func name(of number: UInt16) -> HAPair? { state.withLock { $0.known[number]?.pair } }

  enum Answer: Equatable {
    case judged
    /// The kept bodies of a leader are being stored, or labels do not mean any more what they meant when the body's were
    /// read: it must come again.
    case busy
  }

  /// Decides about every pair of a body.
  func judge(_ pairs: inout BodyPairs, _ terms: HATerms, now: Int64) -> Answer {
    defer { tellEvicted(now: now) }
    let wall = clock.nowMilliseconds()
    return state.withLock { state in
      if terms.generation != state.generation { return .busy }
      for entry in pairs.entries where state.replaying.contains(entry.pair.cluster) {
        if state.election.clusters[entry.pair.cluster]?.leader == entry.pair.replica { return .busy }
      }
      let (evicted, established) = (state.election.evicted, state.election.established)
      let woken = state.election.woken
      state.election.beginBody()
      for place in pairs.entries.indices { HATracker.judge(&pairs[place], &state, now: now, wall: wall) }
      // The table tells who wrote once, and who rests.
      if state.election.established != established || state.election.woken != woken { state.version += 1 }
      metrics.clustersEvicted.add(state.election.evicted - evicted)
      return .judged
    }
  }

  private static func judge(_ entry: inout BodyPairs.Entry, _ state: inout State, now: Int64, wall: Int64) {
    let pair = entry.pair
    if pair.cluster.isEmpty {
      entry.fate = .accepted
    } else {
      let verdict = state.election.judge(
        cluster: pair.cluster, replica: pair.replica, newest: entry.newest, now: now, wall: wall)
      switch verdict {
      case .accepted: entry.fate = .accepted
      case .elected(let previous):
        state.version += 1
        entry.fate = .accepted
        state.pending = state.pending.filter { $0.cluster != pair.cluster }
        if previous != nil { entry.fate = .takesOver(previous: previous) }
      case .refused(let leader): entry.fate = .refused(leader: leader)
      case .tooManyClusters(let limit): entry.fate = .tooManyClusters(limit: limit)
      }
    }
    if entry.fate == .accepted && state.pending.contains(pair) { entry.fate = .takesOver(previous: nil) }
    if case .takesOver = entry.fate { state.replaying.insert(pair.cluster) }
    if case .tooManyClusters = entry.fate { return }
    entry.supersededThrough = state.election.clusters[pair.cluster]?.supersededThrough ?? .min
    entry.number = state.election.isWorthANumber(pair.cluster) ? number(of: pair, &state, now: now) : 0
  }

  private static func number(of pair: HAPair, _ state: inout State, now: Int64) -> UInt16 {
    if let number = state.numbers[pair] {
      state.known[number]?.used = now
      return number
    }
    guard state.nextNumber <= numberMax else { return 0 }
    let number = state.nextNumber
    state.nextNumber += 1
    state.numbers[pair] = number
    state.known[number] = Known(pair: pair, used: now)
    return number
  }

  /// Keeps a body for the pairs refused in it. False where one of them has been elected meanwhile: then the body has to be
  /// judged again, since nobody will look for it in the ring any more.
  func keep(_ body: FollowerRing.Body) -> Bool {
    state.withLock { state in
      for pair in body.pairs where state.election.clusters[pair.cluster]?.leader == pair.replica { return false }
      let time = state.options.failoverMilliseconds + FollowerRing.scrapeMilliseconds
      state.ring.keep(body, arrivedSince: body.arrived - time)
      return true
    }
  }

  func keptBodies(of pair: HAPair) -> [FollowerRing.Body] { state.withLock { $0.ring.bodies(of: pair) } }

  /// The kept bodies of a leader have been stored; or not all, and the next body tries it again.
  func finishReplay(of pair: HAPair, isComplete: Bool) {
    state.withLock { state in
      state.replaying.remove(pair.cluster)
      if isComplete {
        state.pending.remove(pair)
        state.ring.forget { $0 == pair }
      } else {
        state.pending.insert(pair)
      }
    }
  }
}

/// The options that hold for one body, and their generation.
struct HATerms: Sendable {
  var options = HAOptions()
  var generation = 0
}
