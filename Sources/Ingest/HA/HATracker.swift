import Model
import Platform
import Synchronization
import TSDB

/// The replicas of one workspace: who leads, what the others sent lately, and by which number each is known to the head's
/// names. Any thread; one mutex, under which no file is touched and no body copied.
package final class HATracker: Sendable {
  /// Between two looks for what is too old, and for series whose own labels would name a replica today.
  private static let sweepMilliseconds: Int64 = 60_000
  /// Numbers are not given twice, so that a name that is remembered too long leads to nobody. When they run out, the labels
  /// of new replicas' series are read each time.
  private static let numberMax = UInt16.max - 1
  /// Warnings about labels, each once.
  private static let warningsMax = 1000

  fileprivate struct Known: Sendable {
    var pair: HAPair
    var used: Int64
  }

  struct State: Sendable {
    var options: HAOptions
    var election: HAElection
    var ring: FollowerRing
    fileprivate var known: [UInt16: Known] = [:]
    fileprivate var numbers: [HAPair: UInt16] = [:]
    fileprivate var nextNumber: UInt16 = 1
    /// Clusters whose new leader's kept bodies are being stored just now.
    fileprivate var replaying: Set<String> = []
    /// Leaders whose kept bodies are still to be stored.
    fileprivate var pending: Set<HAPair> = []
    fileprivate var warned: Set<String> = []
    fileprivate var nextSweep = Int64.min
    fileprivate var hasDistrusted = false
    /// Leaders of an earlier run do not know yet how new the samples are that they brought.
    fileprivate var isFromFile = false
    fileprivate var version = 0
  }

  let state: Mutex<State>
  let metrics: HAMetrics
  private let writtenVersion = Mutex(0)
  private let path: String
  private let disk: any Disk
  private let clock: any Clock
  private let log: Log

  /// Reads the leaders of an earlier run from `path`.
  package init(
    _ options: HAOptions, path: String, disk: any Disk, clock: any Clock, log: Log, registry: MetricsRegistry
  ) {
    self.path = path
    self.disk = disk
    self.clock = clock
    self.log = log
    metrics = HAMetrics(registry)
    var state = State(
      options: options, election: HAElection(options.election), ring: FollowerRing(bytesMax: options.ringBytes))
    if options.isEnabled {
      for leader in HATracker.read(path, disk, log) {
        state.election.restore(leader, newestSample: .min, now: clock.monotonicMilliseconds)
        state.isFromFile = true
      }
    }
    self.state = Mutex(state)
    metrics.collect(from: self, registry)
  }

  private static func read(_ path: String, _ disk: any Disk, _ log: Log) -> [LeaderTable.Leader] {
    do throws(DiskError) {
      if let leaders = LeaderTable.decode(try disk.readFile(path)) { return leaders }
      log.warn("The table of HA leaders is damaged; who writes first leads", ["file": path])
    } catch {
      if !error.isNotFound {
        log.warn("The table of HA leaders cannot be read; who writes first leads", ["err": "\(error)"])
      }
    }
    return []
  }

  package func reconfigure(_ options: HAOptions) {
    state.withLock { state in
      let namesAlike = options.namesAlike(state.options)
      state.options = options
      state.election.settings = options.election
      state.ring.bytesMax = options.ringBytes
      if namesAlike {
        if options.ringBytes == 0 { state.ring = FollowerRing(bytesMax: 0) }
        return
      }
      state.election = HAElection(options.election)
      state.ring = FollowerRing(bytesMax: options.ringBytes)
      state.known = [:]
      state.numbers = [:]
      state.pending = []
      state.nextSweep = .min
      state.version += 1
    }
  }

  // MARK: a body

  /// The options for one body; now and then, forgets what is too old first.
  func begin(_ head: Head, now: Int64) -> HAOptions {
    let due = state.withLock { state -> HAOptions? in
      if state.isFromFile { HATracker.settle(&state, head, now: now, wall: clock.nowMilliseconds()) }
      if now < state.nextSweep { return state.options }
      state.nextSweep = now + HATracker.sweepMilliseconds
      return nil
    }
    return due ?? sweep(head, now: now)
  }

  /// What the leaders of an earlier run brought is not newer than all that is stored; and they were heard just now.
  private static func settle(_ state: inout State, _ head: Head, now: Int64, wall: Int64) {
    state.isFromFile = false
    let newest = head.timeRange.map { min($0.upperBound, wall) } ?? .min
    for leader in state.election.leaders { state.election.restore(leader, newestSample: newest, now: now) }
  }

  func name(of number: UInt16) -> HAPair? { state.withLock { $0.known[number]?.pair } }

  enum Answer: Equatable {
    case judged
    /// The kept bodies of a leader are being stored: the body must come again.
    case busy
  }

  /// Decides about every pair of a body.
  func judge(_ pairs: inout BodyPairs, now: Int64) -> Answer {
    let wall = clock.nowMilliseconds()
    return state.withLock { state in
      for entry in pairs.entries where state.replaying.contains(entry.pair.cluster) {
        if state.election.clusters[entry.pair.cluster]?.leader == entry.pair.replica { return .busy }
      }
      for place in pairs.entries.indices { HATracker.judge(&pairs[place], &state, now: now, wall: wall) }
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
    entry.number = number(of: pair, &state, now: now)
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

  // MARK: what is not part of a body

  private func sweep(_ head: Head, now: Int64) -> HAOptions {
    let (options, hadDistrusted) = state.withLock { state -> (HAOptions, Bool) in
      let forgotten = state.election.forgetIdle(now: now)
      metrics.clustersForgotten.add(forgotten.count)
      if !forgotten.isEmpty { state.version += 1 }
      for (number, known) in state.known where now - known.used >= HAElection.idleMilliseconds {
        state.known[number] = nil
        state.numbers[known.pair] = nil
      }
      state.ring.expire(
        arrivedBefore: now - state.options.failoverMilliseconds - FollowerRing.scrapeMilliseconds)
      return (state.options, state.hasDistrusted)
    }
    let distrusted = options.isEnabled ? misnamed(options, head) : []
    if hadDistrusted || !distrusted.isEmpty { head.distrustNames(of: distrusted) }
    state.withLock { $0.hasDistrusted = !distrusted.isEmpty }
    save()
    return options
  }

  /// Series that were stored with labels that would be a replica's today: their names must not be a way past the verdict.
  private func misnamed(_ options: HAOptions, _ head: Head) -> [HeadSelection] {
    do {
      var matchers = [try CompiledMatcher(Matcher(.notEqual, options.replicaLabel, ""))]
      if !options.isLoneReplicaLabelStripped {
        matchers.append(try CompiledMatcher(Matcher(.notEqual, options.clusterLabel, "")))
      }
      return try head.select(matchers)
    } catch {
      log.error("Series with a replica label could not be looked up", ["err": "\(error)"])
      return []
    }
  }

  /// Writes the leaders to their file if they have changed.
  func save() {
    let (leaders, version) = state.withLock { ($0.election.leaders, $0.version) }
    if version == 0 { return }
    writtenVersion.withLock { written in
      if written >= version { return }
      do throws(DiskError) {
        try LeaderTable.write(leaders, to: path, on: disk)
        written = version
      } catch {
        metrics.tableFailures.add()
        log.warn("The table of HA leaders could not be written; it is tried again", ["err": "\(error)"])
      }
    }
  }

  /// A new series has only one of the two labels: that is counted, and told once for each value.
  func noteIncomplete(missing: IncompleteLabel, value: UnsafeRawBufferPointer) {
    let text = String(decoding: value.prefix(200), as: UTF8.self)
    let isNews = state.withLock { state -> Bool? in
      // A cluster label alone is ordinary, but where that cluster has replicas.
      if missing == .replica && state.election.clusters[text] == nil { return nil }
      if state.warned.count >= HATracker.warningsMax { return false }
      return state.warned.insert("\(missing.rawValue) \(text)").inserted
    }
    guard let isNews else { return }
    metrics.incomplete(missing).add()
    if !isNews { return }
    switch missing {
    case .cluster:
      log.warn(
        "Series have a replica label and no cluster label: they are stored once for each replica", ["replica": text])
    case .replica:
      log.warn(
        "Series have the label of a cluster with replicas and no replica label: they are stored", ["cluster": text])
    }
  }

  enum IncompleteLabel: String, CaseIterable { case cluster, replica }
}

extension Clock {
  var monotonicMilliseconds: Int64 { monotonicNanoseconds() / 1_000_000 }
}
