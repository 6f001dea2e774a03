import Format
import Model
import Platform
import PlatformSimulation
import TSDB
import Testing

private let noSpace: Int32 = 28
private let ioError: Int32 = 5

@Suite struct WALFailureTests {
  private func body(_ time: Int, _ count: Int = 500) -> [Sample] {
    (0..<count).map { Sample(UInt64($0), Int64(time), Double($0) * 0.7) }
  }

  @Test("a write that fails is not acknowledged, leaves nothing behind, and later commits are valid")
  func failedWrite() throws {
    for left in [0, 1, 5, 1000, 100_000] {
      let disk = SimulatedDisk()
      let setup = WALSetup(disk, root: "/data")
      let log = try setup.open()
      var scratch = WALBody()
      var acknowledged: [Sample] = []
      for time in 0..<30 {
        scratch.removeAll()
        scratch.addSamples(body(time))
        if time % 7 == 3 {
          disk.inject(
            SimulatedFault(code: noSpace, times: 1, writtenBytes: left) { operation, _ in operation == .write })
          let before = log.position
          #expect(throws: WALError.self) { try log.commit(scratch) }
          #expect(log.position == before)
        } else {
          try log.commit(scratch)
          acknowledged += body(time)
        }
      }
      #expect(setup.metrics.writesFailed.value == 4)
      let replayed = try setup.replay()
      #expect(replayed.samples == acknowledged)
      #expect(replayed.numbers.damages == 0 && replayed.numbers.tornTails == 0)
    }
  }

  @Test("where the failed write cannot be taken back, the segment is abandoned and the next commit is in a new one")
  func abandonedSegment() throws {
    let disk = SimulatedDisk()
    let setup = WALSetup(disk, root: "/data")
    let log = try setup.open()
    var scratch = WALBody()
    scratch.addSamples(body(0))
    try log.commit(scratch)
    disk.inject(SimulatedFault(code: ioError, times: 1, writtenBytes: 77) { operation, _ in operation == .write })
    disk.inject(SimulatedFault(code: ioError, times: 1) { operation, _ in operation == .truncate })
    #expect(throws: WALError.self) { try log.commit(scratch) }
    #expect(log.position == WALPosition(segment: 1, offset: 0))
    scratch.removeAll()
    scratch.addSamples(body(1))
    #expect(try log.commit(scratch).segment == 1)
    try log.sync()
    let replayed = try setup.replay()
    #expect(replayed.samples == body(0) + body(1))
    #expect(replayed.numbers.tornTails == 1 && replayed.numbers.damages == 0)
  }

  @Test("a full disk refuses commits for as long as it is full")
  func fullDisk() throws {
    let disk = SimulatedDisk()
    var setup = WALSetup(disk, root: "/data")
    setup.options.segmentBytes = 2 * WALPage.pageBytes
    let log = try setup.open()
    var scratch = WALBody()
    var acknowledged: [Sample] = []
    for time in 0..<100 {
      if time == 20 { disk.setFreeBytes(10_000) }
      if time == 60 { disk.setFreeBytes(1 << 30) }
      scratch.removeAll()
      scratch.addSamples(body(time))
      do {
        try log.commit(scratch)
        acknowledged += body(time)
      } catch {
        #expect(time >= 20 && time < 60)
      }
    }
    #expect(setup.metrics.writesFailed.value > 30)
    try log.close()
    #expect(try setup.replay().samples == acknowledged)
  }

  @Test("under `always` a failed fsync fails the commit; what is committed after it survives a power loss")
  func failedSync() throws {
    let disk = SimulatedDisk()
    var setup = WALSetup(disk, root: "/data")
    setup.options.sync = .always
    let log = try setup.open()
    var scratch = WALBody()
    for time in 0..<10 {
      scratch.removeAll()
      scratch.addSamples(body(time))
      if time == 4 {
        disk.inject(SimulatedFault(code: ioError, times: 1) { operation, _ in operation == .sync })
        #expect(throws: WALError.self) { try log.commit(scratch) }
      } else {
        try log.commit(scratch)
      }
    }
    disk.crash(.allLost)
    let replayed = try setup.replay()
    let times = Set(replayed.samples.map(\.timestamp))
    #expect(times.isSuperset(of: Set(0..<10).subtracting([4]).map(Int64.init)))
    #expect(try setup.directory.segments() == [0, 1])
  }

  @Test("under `always` every acknowledged commit survives a power loss at any moment", arguments: 0..<5)
  func powerLoss(_ part: Int) throws {
    var acknowledgedInAll = 0
    for round in 0..<8 {
      let seed = UInt64(part * 8 + round)
      let disk = SimulatedDisk()
      var setup = WALSetup(disk, root: "/data")
      setup.options.sync = .always
      setup.options.segmentBytes = WALPage.pageBytes
      var acknowledged: Set<Sample> = []
      var attempted: Set<Sample> = []
      var time = 0
      var numbers = SeededNumbers(seed: seed)
      for _ in 0..<3 {
        disk.stop(afterOperation: disk.operationCount + Int.random(in: 0..<40, using: &numbers))
        do {
          let log = try setup.open()
          var scratch = WALBody(compression: .none)
          while true {
            time += 1
            scratch.removeAll()
            let samples = body(time, Int.random(in: 1..<300, using: &numbers))
            scratch.addSamples(samples)
            attempted.formUnion(samples)
            try log.commit(scratch)
            acknowledged.formUnion(samples)
          }
        } catch { #expect(disk.isStopped, "seed \(seed): \(error)") }
        let kind = disk.crash(seed: numbers.next())
        let replayed = try setup.replay()
        let found = Set(replayed.samples)
        #expect(found.isSuperset(of: acknowledged), "seed \(seed), \(kind)")
        #expect(attempted.isSuperset(of: found), "seed \(seed), \(kind)")
      }
      acknowledgedInAll += acknowledged.count
    }
    #expect(acknowledgedInAll > 4000)
  }

  @Test(
    "under `interval` what was committed before a sync survives a power loss, and so does a position taken before it")
  func syncedSurvives() throws {
    for seed in 0..<20 as Range<UInt64> {
      let disk = SimulatedDisk()
      var setup = WALSetup(disk, root: "/data")
      setup.options.segmentBytes = WALPage.pageBytes
      let log = try setup.open()
      var scratch = WALBody(compression: .none)
      var numbers = SeededNumbers(seed: seed)
      let synced = Int.random(in: 1..<25, using: &numbers)
      var position = log.position
      for time in 0..<30 {
        scratch.removeAll()
        scratch.addSamples(body(time))
        try log.commit(scratch)
        if time == synced {
          position = log.position
          try log.sync()
        }
      }
      let kind = disk.crash(seed: seed)
      let replayed = try setup.replay()
      #expect(replayed.samples.starts(with: (0...synced).flatMap { body($0) }), "seed \(seed) \(kind)")
      let next = try setup.open()
      #expect(WALPosition(segment: next.firstSegment, offset: 0) >= position, "seed \(seed) \(kind)")
      #expect(try setup.replay(from: position).samples.count == replayed.samples.count - (synced + 1) * 500)
    }
  }

  @Test("a killed process loses nothing acknowledged, in every mode", arguments: WALSync.allCases)
  func killedProcess(_ sync: WALSync) throws {
    let disk = SimulatedDisk()
    var setup = WALSetup(disk, root: "/data")
    setup.options.sync = sync
    setup.options.segmentBytes = WALPage.pageBytes
    var expected: [Sample] = []
    for life in 0..<4 {
      let log = try setup.open()
      #expect(try setup.replay(before: log.firstSegment).samples == expected)
      var scratch = WALBody()
      for time in 0..<20 {
        scratch.removeAll()
        scratch.addSamples(body(life * 20 + time))
        expected += body(life * 20 + time)
        try log.commit(scratch)
      }
      disk.crash(.processOnly)
    }
    #expect(try setup.replay().samples == expected)
  }
}
