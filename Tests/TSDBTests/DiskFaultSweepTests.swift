import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import TSDB

// A day of load, told again and again, and the disk fails at each of its calls in turn.
@Suite struct DiskFaultSweepTests {
  /// What a full disk refuses.
  private static let needSpace: Set<DiskOperation> = [.create, .write, .makeDirectory, .rename, .link]
  private static let neverFail: Set<DiskOperation> = [.close, .freeSpace, .list, .status]
  /// Calls that fail one after the other, where the disk is bad for a while.
  private static let stretch = 40

  enum Kind: String, CaseIterable { case fullOnce, fullForAWhile, brokenOnce, brokenForAWhile }

  private static func hits(_ kind: Kind, _ operation: DiskOperation) -> Bool {
    switch kind {
    case .fullOnce, .fullForAWhile: needSpace.contains(operation)
    case .brokenOnce, .brokenForAWhile: !neverFail.contains(operation)
    }
  }

  private static func fault(_ kind: Kind, from number: Int) -> SimulatedFault {
    let isFull = kind == .fullOnce || kind == .fullForAWhile
    let isShort = kind == .fullOnce || kind == .brokenOnce
    return SimulatedFault(
      code: isFull ? 28 : 5, times: isShort ? 1 : stretch, writtenBytes: number % 3 * 50
    ) { $0.number >= number && hits(kind, $0.operation) }
  }

  /// Tells the day with one fault and looks for what was acknowledged: once the fault is over, behind the next border of
  /// a flush, after a clean end and after a kill. Nil where all is there.
  private func loss(_ kind: Kind, at number: Int, killed: Bool) throws -> String? {
    let day = try FaultyDay()
    day.setup.disk.inject(DiskFaultSweepTests.fault(kind, from: number))
    while day.setup.disk.callCount < number && day.step < FaultyDay.steps { try day.tick() }
    for _ in 0..<12 where !day.setup.disk.faultsAreOver { try day.tick() }
    day.setup.disk.removeFaults()
    if killed { try day.reopen(cleanly: false) }
    if let fault = try day.fault(killed ? "killed at once" : "after the fault") { return fault }
    try day.run(steps: 42)
    if !day.pending.isEmpty { return "after the fault, step \(day.step): writes are still refused" }
    if let fault = try day.fault("behind the border") { return fault }
    try day.reopen(cleanly: true)
    if let fault = try day.fault("after a clean end") { return fault }
    try day.run(steps: 3)
    try day.reopen(cleanly: false)
    return try day.fault("after a kill")
  }

  /// Some calls of the day in each run of the tests; `APUS_DISK_SWEEP=3/8` takes the third eighth of all, `1/1` all of them.
  private static let parts: (number: Int, count: Int)? = environmentVariable("APUS_DISK_SWEEP").flatMap { text in
    let numbers = text.split(separator: "/").compactMap { Int($0) }
    return numbers.count == 2 && numbers[0] >= 1 && numbers[0] <= numbers[1] ? (numbers[0], numbers[1]) : nil
  }

  @Test(
    "a disk that is full or broken at any call of a day of load, once or for a while, loses nothing acknowledged",
    arguments: Kind.allCases)
  func sweep(kind: Kind) throws {
    let calls = try FaultyDay.calls()
    let parts = DiskFaultSweepTests.parts
    let all = (1...calls.count).filter { DiskFaultSweepTests.hits(kind, calls[$0 - 1]) }
    var random = RandomSource(for: "the sampled calls of the disk sweep, \(kind)")
    let chosen =
      parts.map { parts in all.filter { $0 % parts.count == parts.number - 1 } }
      ?? (0..<2).map { _ in all[random.below(all.count)] }
    var losses = 0
    for (place, number) in chosen.enumerated() {
      // Killed at once or not, by turns.
      guard let loss = try loss(kind, at: number, killed: place % 2 == 0) else { continue }
      losses += 1
      if losses < 20 { Issue.record("\(kind) at call \(number) (\(calls[number - 1])): \(loss)") }
    }
    if parts != nil {
      print("disk sweep, \(kind): \(chosen.count) of \(all.count) calls of a day, \(losses) with losses")
    }
    #expect(losses == 0, "\(losses) of \(chosen.count)")
  }
}
