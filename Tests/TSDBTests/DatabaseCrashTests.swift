import Format
import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import TSDB

// The story is told again and again, and the disk stops after each of its operations in turn.
@Suite struct DatabaseCrashTests {
  /// After a crash: opens, compares, writes on, is killed, compares again. Nil where all is well.
  private func faultAfterCrash(_ setup: DatabaseSetup, _ told: DatabaseScript.Told) throws -> String? {
    var told = told
    let database = try setup.open()
    database.head.checkInvariants()
    if let fault = DatabaseScript.fault(told, try database.everything()) { return "restored: " + fault }
    if let fault = try DatabaseScript.exemplarFault(told, database.head) { return "restored: " + fault }
    let writer = HeadWriter()
    for step in 1...3 as ClosedRange<Int64> {
      let body = (0..<4).map { SentSeries("m", $0, [(told.time + step * 15_000, Double(step))]) }
      try writer.write(body, to: database.head, now: told.time + 60_000)
      told.note(body, acknowledged: true)
    }
    let again = try setup.open()
    again.head.checkInvariants()
    if let fault = try DatabaseScript.exemplarFault(told, again.head) { return "restored twice: " + fault }
    return DatabaseScript.fault(told, try again.everything()).map { "restored twice: " + $0 }
  }

  /// What is left after each crash follows from this; `APUS_SEED` draws anew.
  private let seedBase = environmentVariable("APUS_SEED").flatMap { UInt64($0) } ?? 0

  /// Stops after each operation; `kinds` by turns decide what is left.
  private func run(_ steps: [DatabaseScript.Step], _ sync: WALSync, _ kinds: [SimulatedCrash]) throws {
    let script = DatabaseScript(steps: steps)
    let whole = DatabaseSetup(sync: sync)
    var all = DatabaseScript.Told()
    try script.tell(whole, &all)
    let operations = whole.disk.operationCount
    #expect(all.sent == all.acknowledged && operations > 10)
    // Long stories are stopped at some of their operations, others with each seed.
    let step = max(1, operations / 70)
    for stop in stride(from: Int(seedBase % UInt64(step)), through: operations, by: step) {
      for (number, kind) in kinds.enumerated() {
        let setup = DatabaseSetup(sync: sync)
        var told = DatabaseScript.Told()
        setup.disk.stop(afterOperation: stop)
        try script.tell(setup, &told)
        let seed = UInt64(stop * 31 + number) &+ seedBase &* 1_000_003
        setup.disk.crash(kind, seed: seed)
        let fault = try faultAfterCrash(setup, told)
        #expect(fault == nil, "\(kind) after operation \(stop) of \(operations), seed \(seed)")
        if fault != nil {
          for line in setup.kept.lines.suffix(12) { print("   \(line)") }
          return
        }
      }
    }
  }

  private static let scripts: [(String, [DatabaseScript.Step])] = [
    ("writes", DatabaseScript.ordinary), ("chunk files", DatabaseScript.withChunks),
    ("shortened logs", DatabaseScript.withLog), ("snapshots", DatabaseScript.withSnapshot),
    ("ends and kills", DatabaseScript.withEnds), ("blocks", DatabaseScript.withFlush),
  ]

  @Test("a kill after any disk operation loses nothing acknowledged", arguments: 0..<6)
  func kill(script: Int) throws {
    try run(DatabaseCrashTests.scripts[script].1, .interval, [.processOnly])
  }

  @Test("a power loss after any disk operation loses nothing acknowledged, with every write synced", arguments: 0..<6)
  func powerLoss(script: Int) throws {
    try run(DatabaseCrashTests.scripts[script].1, .always, [.allLost, .prefixKept, .torn, .scattered])
  }

  @Test("a long story of all of that, killed anywhere")
  func everythingKilled() throws {
    try run(DatabaseScript.everything, .interval, [.processOnly])
  }

  @Test(
    "after a power loss without synced writes, what is acknowledged later survives a kill",
    arguments: [WALSync.interval, .os])
  func laterWrites(sync: WALSync) throws {
    let script = DatabaseScript(steps: DatabaseScript.withSnapshot)
    let whole = DatabaseSetup(sync: sync)
    var all = DatabaseScript.Told()
    try script.tell(whole, &all)
    let step = max(1, whole.disk.operationCount / 40)
    for stop in stride(from: Int(seedBase % UInt64(step)), through: whole.disk.operationCount, by: step) {
      for kind in [SimulatedCrash.allLost, .scattered] {
        let setup = DatabaseSetup(sync: sync)
        var told = DatabaseScript.Told()
        setup.disk.stop(afterOperation: stop)
        try script.tell(setup, &told)
        setup.disk.crash(kind, seed: UInt64(stop) &+ seedBase &* 1_000_003)
        // What came before may be gone; what is there was sent.
        told.acknowledged = [:]
        told.acknowledgedExemplars = [:]
        let fault = try faultAfterCrash(setup, told)
        #expect(fault == nil, "\(kind) \(sync) after operation \(stop)")
        if fault != nil { return }
      }
    }
  }

  /// A long story on a disk of which some operations fail; everything in it follows from the seed.
  private func failingStory(_ seed: UInt64, key: UInt64? = nil, traced: Bool = false) throws -> (
    DatabaseSetup, DatabaseScript.Told, [Int]
  ) {
    var random = RandomSource(seed: seed)
    let setup = DatabaseSetup(sync: seed % 2 == 0 ? .always : .interval, seed: key ?? seed)
    if traced { setup.disk.beginTrace() }
    // Each operation fails with some probability, for a while.
    let faults = (0..<(3 + random.below(10))).map { _ in 5 + random.below(250) }
    for number in faults {
      setup.disk.inject(
        SimulatedFault(code: random.below(2) == 0 ? 28 : 5, operation: number, writtenBytes: random.below(300)))
    }
    var told = DatabaseScript.Told()
    try DatabaseScript(steps: DatabaseScript.everything).tell(setup, &told)
    return (setup, told, faults.sorted())
  }

  @Test("full disks and failing writes: nothing is acknowledged that is not there, and all goes on afterwards")
  func failingWrites() throws {
    for seed in (seedBase + 1)...(seedBase + 30) {
      let (setup, told, faults) = try failingStory(seed)
      setup.disk.removeFaults()
      setup.disk.crash(.processOnly)
      let fault = try faultAfterCrash(setup, told)
      #expect(fault == nil, "seed \(seed), faults at \(faults)")
    }
  }

  @Test("the story whose log was given up in an empty segment, with other hash keys", arguments: [3, 15, 16, 21])
  func failingStoryWithKeys(key: UInt64) throws {
    let (setup, told, _) = try failingStory(29, key: key)
    setup.disk.removeFaults()
    setup.disk.crash(.processOnly)
    let fault = try faultAfterCrash(setup, told)
    #expect(fault == nil)
  }

  @Test("what a seed did to the disk it does again, operation by operation and byte by byte", arguments: [3, 8, 29])
  func replays(seed: UInt64) throws {
    let (first, toldFirst, _) = try failingStory(seed, traced: true)
    let (second, toldSecond, _) = try failingStory(seed, traced: true)
    let difference = zip(first.disk.trace, second.disk.trace).enumerated().first { $1.0 != $1.1 }
    #expect(difference == nil, "operation \((difference?.offset ?? 0) + 1)")
    #expect(first.disk.trace.count == second.disk.trace.count && first.disk.trace.count > 200)
    #expect(first.disk.trace.contains { $0.contains(" error ") })
    #expect(toldFirst.acknowledged == toldSecond.acknowledged)
    let other = try failingStory(seed + 1, traced: true).0
    #expect(other.disk.trace != first.disk.trace, "the trace tells one run from another")
  }
}
