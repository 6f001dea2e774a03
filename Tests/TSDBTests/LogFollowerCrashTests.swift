import Format
import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import TSDB

@Suite struct LogFollowerCrashTests {
  @Test(
    "through cuts, checkpoints, failed writes and kills a follower with a stored position reads every committed sample once, in order",
    arguments: 0..<4)
  func kills(_ part: Int) throws {
    var random = RandomSource(for: "a follower through kills \(part)")
    for _ in 0..<25 { try LogStory(random.next(), .interval).run() }
  }

  @Test(
    "under `always` a follower whose stored position was synced reads every committed sample once, in order, through power losses",
    arguments: 0..<4)
  func powerLosses(_ part: Int) throws {
    var random = RandomSource(for: "a follower through power losses \(part)")
    for _ in 0..<25 { try LogStory(random.next(), .always).run() }
  }
}

/// A log that is written to, shortened, and torn down at random, beside its follower.
private final class LogStory {
  private static let name = "story"
  private let disk = SimulatedDisk()
  private var setup: WALSetup
  private var random: RandomSource
  private var log: WriteAheadLog
  private var committed: [Sample] = []
  /// Samples of commits that threw, or were on their way at a crash. Once the log has been opened anew they may be in it.
  private var failed: Set<Sample> = []
  private var openedAfter: Set<Sample> = []
  /// Those that are written to; those that are not any more, with the last segment that has samples of theirs; those whose name
  /// a commit has brought into the log; and all names.
  private var live: [UInt64] = []
  private var ended: [(ref: UInt64, segment: Int)] = []
  private var logged: Set<UInt64> = []
  private var names: [UInt64: Labels] = [:]
  private var lastTime: Int64 = 0
  private var followed = Followed()
  /// The first sample that the present follower has given.
  private var namedFrom = 0
  private var stored: (position: WALPosition, count: Int)

  init(_ seed: UInt64, _ sync: WALSync) throws {
    random = RandomSource(seed: seed)
    setup = WALSetup(disk, root: "/data")
    setup.options.sync = sync
    setup.options.segmentBytes = 2 * WALPage.pageBytes
    log = try setup.open()
    stored = (log.position, 0)
    log.hold(LogStory.name, from: 0)
  }

  func run() throws {
    var follower = LogFollower(log, from: stored.position)
    for _ in 0..<150 {
      do {
        try step(&follower)
      } catch {
        guard disk.isStopped else { throw error }
        follower = try restart()
      }
      disk.removeFaults()
    }
    try follower.read(into: &followed)
    let found = followed.samples.filter { !openedAfter.contains($0) }
    #expect(found == committed, "seed \(random.seed): \(found.count) of \(committed.count)")
    // A power loss may damage what nobody was told is stored.
    #expect(followed.losses.isEmpty || setup.options.sync == .always, "seed \(random.seed)")
    #expect(Set(followed.samples).count == followed.samples.count, "seed \(random.seed)")
    // A crash may leave samples of a commit that threw without the names in it.
    let unnamed = followed.samples[namedFrom...].filter {
      !openedAfter.contains($0) && (names[$0.ref] == nil || followed.series[$0.ref] != names[$0.ref])
    }
    #expect(unnamed.isEmpty, "seed \(random.seed): \(Set(unnamed.map(\.ref)).sorted())")
  }

  private func step(_ follower: inout LogFollower) throws {
    switch random.below(14) {
    case 0...4: try commit()
    case 5:
      disk.inject(
        SimulatedFault(code: 5, times: 1, writtenBytes: random.below(500)) { call, _ in call == .write })
      if random.below(2) == 0 { disk.inject(SimulatedFault(code: 5, times: 1) { call, _ in call == .truncate }) }
      do { try commit() } catch { if disk.isStopped { throw error } }
    case 6: try log.cutSegment()
    case 7, 8: try shorten()
    case 9...10: try follower.read(into: &followed, rowsMax: 1 + random.below(300), timesMax: random.below(6))
    case 11:
      let position = follower.position
      try log.sync()
      stored = (position, followed.samples.count)
      log.hold(LogStory.name, from: position.segment)
    case 12: disk.stop(afterOperation: disk.operationCount + random.below(12))
    default:
      guard !live.isEmpty && random.below(2) == 0 else { return }
      ended.append((live.remove(at: random.below(live.count)), log.position.segment))
    }
  }

  private func commit() throws {
    lastTime += 1
    var body = WALBody(compression: random.below(2) == 0 ? .none : .snappy)
    if live.isEmpty || random.below(4) == 0 {
      let reference = UInt64(names.count + 1)
      live.append(reference)
      names[reference] = Labels([("__name__", "m\(reference)")])
    }
    let count = 1 + random.below(random.below(10) == 0 ? 4000 : 200)
    let samples = (0..<count).map { _ in
      Sample(live[random.below(live.count)], lastTime, Double(random.below(1 << 30)))
    }
    let unique = Array(Set(samples))
    let new = Set(unique.map(\.ref)).subtracting(logged)
    body.addSeries(new.compactMap { ref in names[ref].map { (ref, $0) } })
    body.addSamples(unique)
    do {
      try log.commit(body)
      committed += unique
      logged.formUnion(new)
    } catch {
      failed.formUnion(unique)
      throw error
    }
  }

  private func shorten() throws {
    let present = try log.cutSegment()
    guard present > 0 else { return }
    let last = present - 1 - random.below(min(3, present))
    // As the database chooses.
    let held = stored.position.segment
    let named = Set(live + ended.filter { $0.segment >= held }.map(\.ref))
    _ = try log.checkpoint(
      through: last,
      .init(minTime: .max) { [firstSegment = log.firstSegment] in held < firstSegment || named.contains($0) },
      damage: .passedOver, quarantine: setup.quarantine)
    try log.truncate(before: last + 1)
  }

  /// The server is started anew, and follows from the position that was stored.
  private func restart() throws -> LogFollower {
    if setup.options.sync == .always { disk.crash(seed: random.next()) } else { disk.crash(.processOnly) }
    log = try setup.open()
    log.hold(LogStory.name, from: stored.position.segment)
    _ = try setup.replay(before: log.firstSegment)
    openedAfter = failed
    followed.samples.removeLast(followed.samples.count - stored.count)
    namedFrom = stored.count
    followed.series = try Followed.names(of: log, before: stored.position)
    return LogFollower(log, from: stored.position)
  }
}
