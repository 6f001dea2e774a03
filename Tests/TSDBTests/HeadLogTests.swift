import Format
import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import TSDB

private let noSpace: Int32 = 28

// Single findings, each with the smallest story that shows it.
@Suite struct HeadLogTests {
  @Test("rows without samples do not shift the samples of others in the log")
  func emptyRows() throws {
    let setup = DatabaseSetup()
    let database = try setup.open()
    let writer = HeadWriter()
    let t = setup.now
    try writer.write([SentSeries("a", 1, [(t, 1)]), SentSeries("b", 2, [(t, 2)])], to: database.head, now: t)
    // As many samples as rows, but not one each.
    try writer.write(
      [SentSeries("a", 1, [(t + 1, 3), (t + 2, 4)]), SentSeries("b", 2, [])], to: database.head, now: t)
    let wanted = try database.head.everything()
    let again = try setup.open()
    #expect(difference(wanted: wanted, found: try again.head.everything()) == nil)
  }

  @Test("a late sample inside the open chunk's time that was made a chunk is still known: duplicate or conflict")
  func lateChunkInsideOpenChunk() throws {
    let setup = DatabaseSetup()
    let database = try setup.open()
    let writer = HeadWriter()
    let t = setup.now
    try writer.write([SentSeries("a", 1, [(t, 1), (t + 100_000, 2)])], to: database.head, now: t)
    try writer.write([SentSeries("a", 1, [(t + 50_000, 3)])], to: database.head, now: t)
    database.head.completeLateSamples()
    #expect(
      try writer.write([SentSeries("a", 1, [(t + 50_000, 3), (t + 50_000, 4)])], to: database.head, now: t)
        == [[.lateDuplicate, .conflict]])
    database.head.checkInvariants()
  }

  @Test("a late sample that was acknowledged at the second attempt survives, also behind chunks in files")
  func lateRetry() throws {
    let setup = DatabaseSetup()
    var database = try setup.open()
    let writer = HeadWriter()
    let t = setup.now
    var wanted: PlainSamples = [:]
    try writer.write([SentSeries("a", 1, [(t, 1), (t + 100_000, 2)])], to: database.head, now: t)
    let late = SentSeries("a", 1, [(t + 50_000, 3)])
    setup.disk.inject(SimulatedFault(code: noSpace, times: 1) { $0 == .write && $1.contains("/wbl/") })
    #expect(throws: WALError.self) { try writer.write([late], to: database.head, now: t) }
    #expect(try writer.write([late], to: database.head, now: t)[0][0]?.isStored == true)
    wanted[late.identity] = [t: 1.0.bitPattern, t + 50_000: 3.0.bitPattern, t + 100_000: 2.0.bitPattern]
    database.head.completeIdleChunks(lastBefore: .max)
    try database.head.writeCompletedChunks()
    database = try setup.open()
    #expect(difference(wanted: wanted, found: try database.head.everything()) == nil)
    database.head.checkInvariants()
  }

  @Test("a sample acquitted because it is in memory is in the log before it is acknowledged")
  func acquittedIsLogged() throws {
    let setup = DatabaseSetup()
    var database = try setup.open()
    let writer = HeadWriter()
    let t = setup.now
    try writer.write([SentSeries("a", 1, [(t, 1)]), SentSeries("b", 1, [(t, 1)])], to: database.head, now: t)
    let late = SentSeries("a", 1, [(t - 3_000_000, 3)])
    setup.disk.inject(SimulatedFault(code: noSpace, times: 1) { $0 == .write && $1.contains("/wbl/") })
    #expect(throws: WALError.self) { try writer.write([late], to: database.head, now: t) }
    // Time goes on, and the retry is behind the window.
    setup.clock.stepWall(milliseconds: 3_600_000)
    try writer.write([SentSeries("b", 1, [(setup.now, 1)])], to: database.head, now: setup.now)
    #expect(try writer.write([late], to: database.head, now: setup.now)[0][0]?.isStored == true)
    database = try setup.open()
    #expect(try database.head.everything()[late.identity]?[t - 3_000_000] == 3.0.bitPattern)
  }

  @Test("a series whose log record failed leaves the head like any other, and its name is free again")
  func unloggedSeriesLeaves() throws {
    let setup = DatabaseSetup()
    let database = try setup.open()
    let writer = HeadWriter()
    let t = setup.now
    setup.disk.inject(SimulatedFault(code: noSpace, times: 1) { operation, _ in operation == .write })
    #expect(throws: WALError.self) { try writer.write([SentSeries("a", 1, [(t, 1)])], to: database.head, now: t) }
    #expect(database.head.seriesCount == 1)
    #expect(database.head.truncate(before: t + 1).seriesRemoved == 1)
    #expect(database.head.seriesCount == 0)
    database.head.checkInvariants()
  }

  @Test("a series whose log record failed is logged by the next body, also after a snapshot and a restart")
  func unloggedSeriesInSnapshot() throws {
    let setup = DatabaseSetup()
    var database = try setup.open()
    let writer = HeadWriter()
    let t = setup.now
    setup.disk.inject(SimulatedFault(code: noSpace, times: 1) { operation, _ in operation == .write })
    let sent = SentSeries("a", 1, [(t, 1)])
    #expect(throws: WALError.self) { try writer.write([sent], to: database.head, now: t) }
    #expect(database.writeSnapshot() > 0)
    database = try setup.open()
    try writer.write([SentSeries("a", 1, [(t + 1, 2)])], to: database.head, now: t)
    try setup.disk.removeFile(database.layout.snapshot)
    database = try setup.open()
    #expect(try database.head.everything()[sent.identity]?[t + 1] == 2.0.bitPattern)
  }
}
