import Ingest
import Model
import Platform
import PlatformSimulation
import TSDB
import TestKit

/// A world of one server, its disk, its clock and its senders, all of it following from one seed. Time passes in steps of
/// fifteen seconds; in each, senders scrape and send, the server does its upkeep, and sometimes something goes wrong.
/// One thread's. A broken promise is thrown as `Finding`.
package final class World {
  package struct Finding: Error, CustomStringConvertible { package var description: String }

  static let epoch: Int64 = 7_200_000 * 236_000
  static let stepMilliseconds: Int64 = 15_000
  static let retentionMilliseconds: Int64 = 36 * 3_600_000
  /// The last events, for the report of a finding.
  static let eventsKept = 50

  package let seed: UInt64
  let clock = SimulatedClock(nowMilliseconds: World.epoch)
  let disk: SimulatedDisk
  package let log: SimulatedLog
  var numbers: RandomSource
  /// Those of the readers, so that what is read changes nothing of what happens.
  var readerNumbers: RandomSource
  var model = WorldModel()
  var senders: [SimulatedSender]
  var pairs: [SimulatedPair] = []
  var pairModels: [PairModel] = []
  /// Who of each pair has written without a pause.
  var pairWriters: [Set<String>] = []
  var pairNumbers: RandomSource
  /// The file of the leaders says what the server knows.
  var isTableWritten = true
  var server: SimulatedServer?
  let isEverythingSynced: Bool
  /// What does not go wrong here: for the search of one cause.
  let absent: Set<Hazard>
  package private(set) var events: [String] = []
  private var counted = Statistics()
  package var statistics: Statistics {
    var statistics = counted
    statistics.diskOperations = disk.operationCount
    return statistics
  }
  /// True time since the beginning: the clock without its steps.
  private(set) var elapsed: Int64 = 0
  var trouble = Trouble()

  package struct Statistics: Sendable {
    package var worlds = 0
    package var diskOperations = 0
    package var steps = 0
    package var starts = 0
    package var kills = 0
    package var powerLosses = 0
    package var faults = 0
    package var fullDisks = 0
    package var damages = 0
    package var checks = 0
    package var samplesCompared = 0
    package var reads = 0
    package var snapshots = 0
    package var refusedBodies = 0
    package var deletions = 0

    package init() {}
  }

  /// What may go wrong beyond deaths, power losses and senders.
  package enum Hazard: String, CaseIterable, Sendable { case damage, errors, fullDisks, clockSteps }

  /// What goes on for more than a step.
  struct Trouble {
    var diskFullUntil: Int64 = -1
    var errorsUntil: Int64 = -1
    var clockStep: Int64 = 0
    var clockStepUntil: Int64 = -1
    /// Lines that told of damage when files were damaged first that no check has followed on; nil: nothing was ever damaged.
    var damagedAt: Int?
    var wantsCheck = false
    /// The server has started, and nothing was read since.
    var wantsAllReaders = false
  }

  package init(seed: UInt64, without absent: Set<Hazard> = [], printsAll: Bool = false) {
    self.absent = absent
    log = SimulatedLog(printsAll: printsAll)
    self.seed = seed
    numbers = RandomSource(seed: seed)
    readerNumbers = RandomSource(seed: ~seed)
    pairNumbers = RandomSource(seed: seed &* 3 &+ 1)
    disk = SimulatedDisk(clock: clock)
    isEverythingSynced = numbers.below(2) == 0
    senders = (0..<3).map { SimulatedSender(name: "s\($0)", seriesCount: 3 + $0) }
    senders.append(SimulatedSender(name: "h0", seriesCount: 2, kind: .histograms))
    senders.append(SimulatedSender(name: "o0", seriesCount: 3, kind: .pushes))
    pairs = ["c0", "c1"].map { SimulatedPair(cluster: $0, &pairNumbers) }
    pairModels = pairs.map { _ in PairModel() }
    pairWriters = pairs.map { _ in [] }
  }

  var trueTime: Int64 { World.epoch + elapsed }

  var options: DatabaseOptions {
    var options = DatabaseOptions(directory: SimulatedServer.root)
    options.walSync = isEverythingSynced ? .always : .interval
    options.retentionMilliseconds = World.retentionMilliseconds
    options.random = RandomNumbers(seed: seed &+ UInt64(counted.starts))
    // Small, so that logs are shortened and snapshots are written many times a day.
    options.truncationIntervalMilliseconds = 1_800_000
    options.logBytesPerSnapshotMin = 64 << 10
    return options
  }

  func note(_ event: String) {
    events.append("\(elapsed / 1000)s: \(event)")
    log.note("== \(elapsed / 1000)s: \(event)")
    if events.count > World.eventsKept { events.removeFirst() }
  }

  func count(_ change: (inout Statistics) -> Void) { change(&counted) }

  package var diskOperations: Int { disk.operationCount }

  // MARK: running

  /// Lets so many hours pass; throws at the first broken promise.
  package func run(hours: Int) throws {
    let steps = hours * 3600 / Int(World.stepMilliseconds / 1000)
    for step in 0..<steps {
      elapsed += World.stepMilliseconds
      clock.advance(milliseconds: World.stepMilliseconds)
      counted.steps += 1
      if server == nil { start() }
      if trouble.wantsCheck && server != nil && trouble.errorsUntil < elapsed { try checkAfterDamage() }
      if trouble.wantsAllReaders && !trouble.wantsCheck { try check(from: trueTime - 3 * 3_600_000) }
      endTroubles()
      for place in senders.indices { try act(place) }
      try actReplicas()
      let deletions = counted.deletions
      try maybeHappen()
      // Before the upkeep cleans up what was deleted.
      if counted.deletions > deletions {
        trouble.wantsAllReaders = true
        try check(from: trueTime - World.retentionMilliseconds + 7_200_000)
      }
      server?.upkeep()
      if disk.isStopped { crash() }
      if server?.isDurable == true { makeDurable() }
      if step % 240 == 239 { try check(from: trueTime - 3 * 3_600_000) }
      if step % 2_880 == 2_879 {
        try check(from: trueTime - World.retentionMilliseconds + 7_200_000)
        model.forget(before: trueTime - World.retentionMilliseconds + 7_200_000)
        for place in pairModels.indices {
          pairModels[place].samples.forget(before: trueTime - World.retentionMilliseconds + 7_200_000)
        }
      }
    }
    counted.worlds = 1
    healEverything()
    trouble.wantsAllReaders = true
    try check(from: trueTime - World.retentionMilliseconds + 7_200_000)
  }

  func makeDurable() {
    model.makeDurable()
    for place in pairModels.indices { pairModels[place].samples.makeDurable() }
  }

  func start() {
    counted.starts += 1
    do {
      server = try SimulatedServer(options, disk: disk, clock: clock, log: log.log)
      trouble.wantsAllReaders = true
      startReplicas()
      note("the server is up")
    } catch {
      note("the server does not start: \(error)")
      if disk.isStopped { crash() }
    }
  }

  private func act(_ place: Int) throws {
    senders[place].scrape(at: trueTime, &numbers)
    guard senders[place].isOnline else { return }
    // A backlog goes out over several steps, a hundred bodies in each at most.
    for _ in 0..<100 {
      guard let server, let next = senders[place].next() else { return }
      let outcome = server.receive(next.body)
      let isStored: Bool
      switch outcome {
      case .stored: isStored = true
      case .unavailable, .limited:
        keep(next.body, false)
        return
      default:
        isStored = false
        counted.refusedBodies += 1
        if trouble.clockStep == 0 && senders[place].clockError == 0 {
          throw Finding(description: "an honest body was refused: \(outcome)")
        }
      }
      keep(next.body, isStored)
      // Now and then the answer is lost on its way: the same comes again.
      if numbers.below(40) == 0 { return }
      senders[place].queue.removeFirst(next.scrapes)
    }
  }

  private func keep(_ body: SimulatedSender.Body, _ isAcknowledged: Bool) {
    // What a dying disk acknowledged was not acknowledged.
    let counts = isAcknowledged && !disk.isStopped
    for series in body.series { model.note(series.labels, series.samples, acknowledged: counts) }
  }

  // MARK: checking

  /// Holds what the server answers against what was acknowledged.
  func check(from first: Int64) throws {
    guard let server, trouble.errorsUntil < elapsed else { return }
    counted.checks += 1
    let last = trueTime + 2 * 86_400_000
    guard let found = try steadily({ try server.everything(from: first, through: last) }) else { return }
    let differences = model.differences(found, from: first, through: last)
    counted.samplesCompared += model.acknowledgedCount
    if let wrong = differences.wrong { throw Finding(description: wrong) }
    try judge(differences, "")
    let readers =
      trouble.wantsAllReaders ? Reader.allCases : [Reader.allCases[readerNumbers.below(Reader.allCases.count)]]
    trouble.wantsAllReaders = false
    try read(readers, found, from: first)
    try checkReplicas(from: first)
  }

  /// What is read without an error of the disk in the middle of it, which the next reading does not meet again; nil where the
  /// process has died over it.
  func steadily<Result>(_ read: () throws -> Result) rethrows -> Result? {
    for _ in 0..<3 {
      let errors = log.unreadableCount
      let result = try read()
      if disk.isStopped { return nil }
      if log.unreadableCount == errors { return result }
    }
    return try read()
  }

  /// What damage has cost shows at once; what is missing later needs another word.
  private func checkAfterDamage() throws {
    try check(from: trueTime - World.retentionMilliseconds + 7_200_000)
    trouble.wantsCheck = false
    trouble.damagedAt = log.damageCount
  }

  func judge(_ differences: WorldModel.Differences, _ place: String) throws {
    let missing = differences.missing
    // Damage may cost samples, or bring deleted ones back; it may not do so in silence.
    if let before = trouble.damagedAt, log.damageCount > before {
      if !missing.isEmpty { note("\(missing.count) samples given up after reported damage\(place)") }
      if differences.returned != nil { model.giveUpDeletions() }
      return model.giveUp(missing)
    }
    if let returned = differences.returned { throw Finding(description: returned + place) }
    guard let one = missing.first else { return }
    throw Finding(
      description: "\(missing.count) acknowledged samples are missing\(place), the first of \(one.series) at "
        + "\((one.time - World.epoch) / 1000)s")
  }
}
