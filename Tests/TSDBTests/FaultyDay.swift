import Format
import Model
import Platform
import PlatformSimulation
import Synchronization
import TestKit

@testable import TSDB

/// A day of load on a simulated disk, told in steps of five minutes: a sender that keeps each body until it is
/// acknowledged, and the upkeep that a server does by itself. Everything follows from the seed and the faults.
final class FaultyDay {
  static let stepMilliseconds: Int64 = 300_000
  static let steps = 288

  let setup: DatabaseSetup
  private(set) var database: Database
  private(set) var told = DatabaseScript.Told()
  private(set) var step = 0
  /// Bodies that are not acknowledged yet, oldest first.
  private(set) var pending: [[SentSeries]] = []
  private(set) var failedWrites = 0
  private let writer = HeadWriter()
  private var maintenance: Maintenance.State
  private var compaction = CompactionTask.State()

  init(sync: WALSync = .interval) throws {
    setup = DatabaseSetup(sync: sync)
    setup.options.logBytesPerSnapshotMin = 6 << 10
    database = try setup.open()
    maintenance = Maintenance.State(database)
  }

  /// Five minutes: a body, what was not acknowledged before, and the upkeep.
  func tick() throws {
    step += 1
    setup.clock.advance(milliseconds: FaultyDay.stepMilliseconds - 2000)
    told.time += FaultyDay.stepMilliseconds
    pending.append(body())
    sendPending()
    // Every fifth time complete chunks are written.
    for _ in 0..<2 {
      Maintenance.round(database, &maintenance)
      setup.clock.advance(milliseconds: 1000)
    }
    CompactionTask.round(database, &compaction)
  }

  private func body() -> [SentSeries] {
    let time = told.time
    var body = (0..<5).map { number in
      SentSeries("m", number, [(time, number == 0 ? 5 : Double(step * (number + 7) % 31) * 0.37)])
    }
    // One that ends now and then, and late ones.
    body.append(SentSeries("short", step / 60, [(time, Double(step))]))
    if step % 3 == 0 { body.append(SentSeries("late", step / 3 % 2, [(time - 1_500_000 - Int64(step), Double(step))])) }
    return body
  }

  private func sendPending() {
    while let body = pending.first {
      do {
        let outcomes = try writer.write(writeRequest(body), to: database, now: told.time)
        var stored = body
        for (row, outcomes) in outcomes.enumerated() where outcomes.contains(where: { $0?.isStored != true }) {
          stored[row].samples = []
        }
        told.note(body, acknowledged: false)
        told.note(stored, acknowledged: true)
        pending.removeFirst()
      } catch {
        told.note(body, acknowledged: false)
        failedWrites += 1
        return
      }
    }
  }

  func run(steps: Int) throws { for _ in 0..<steps { try tick() } }

  /// Everything acknowledged is there, and nothing that was never sent.
  func fault(_ moment: String) throws -> String? {
    try DatabaseScript.fault(told, database.everything()).map { "\(moment), step \(step): \($0)" }
  }

  func reopen(cleanly: Bool) throws {
    if cleanly { try setup.close(database) } else { setup.disk.crash(.processOnly) }
    database = try setup.open()
    database.head.checkInvariants()
    maintenance = Maintenance.State(database)
    compaction = CompactionTask.State()
  }

  /// The operations of a day without faults, one for each call.
  static func calls() throws -> [DiskOperation] {
    let calls = Mutex<[DiskOperation]>([])
    let day = try FaultyDay()
    let before = day.setup.disk.callCount
    day.setup.disk.inject(
      SimulatedFault(code: 0) { call in
        calls.withLock { $0.append(call.operation) }
        return false
      })
    try day.run(steps: steps)
    precondition(day.failedWrites == 0 && day.setup.disk.callCount == before + calls.withLock { $0.count })
    return Array(repeating: .close, count: before) + calls.withLock { $0 }
  }
}
