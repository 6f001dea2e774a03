import Format
import Model
import Platform
import PlatformSimulation
import Synchronization
import TestKit
import Testing

@testable import TSDB

@Suite struct LogFollowerTests {
  private func samples(_ time: Int, _ count: Int = 100) -> [Sample] {
    (0..<count).map { Sample(UInt64($0), Int64(time), Double($0) * 0.7 + Double(time)) }
  }

  @Test("a follower reads what is committed, and goes on where it was when more is")
  func goesOn() throws {
    let setup = WALSetup(SimulatedDisk(), root: "/data")
    let log = try setup.open()
    var follower = LogFollower(log, from: log.position)
    var followed = Followed()
    try follower.read(into: &followed)
    #expect(followed.samples.isEmpty)
    var committed: [Sample] = []
    for time in 0..<40 {
      try log.commit(samples(time))
      committed += samples(time)
      if time % 7 == 3 { try log.cutSegment() }
      if time % 5 == 0 { try follower.read(into: &followed, rowsMax: 150) }
      if time % 5 == 0 { #expect(followed.samples == committed && follower.position == log.position) }
    }
    try log.close()
    try follower.read(into: &followed)
    #expect(followed.samples == committed && followed.losses.isEmpty)
  }

  @Test(
    "a follower reads records that are larger than its window, with every compression",
    arguments: WALCompression.allCases)
  func largeRecords(_ compression: WALCompression) throws {
    let setup = WALSetup(SimulatedDisk(), root: "/data")
    let log = try setup.open()
    let large = (0..<150_000).map { Sample(UInt64($0), Int64($0) * 7919, Double($0) * 1.37) }
    try log.commit(samples(1), compression: compression)
    try log.commit(large, compression: compression)
    try log.commit(samples(2), compression: compression)
    var follower = LogFollower(log, from: WALPosition(segment: 0, offset: 0))
    var followed = Followed()
    try follower.read(into: &followed, rowsMax: 10)
    #expect(followed.samples == samples(1) + large + samples(2) && followed.losses.isEmpty)
  }

  @Test("what a failed write left in an abandoned segment is not read, and is no loss")
  func abandoned() throws {
    let disk = SimulatedDisk()
    let log = try WALSetup(disk, root: "/data").open()
    try log.commit(samples(0))
    var follower = LogFollower(log, from: WALPosition(segment: 0, offset: 0))
    var followed = Followed()
    try follower.read(into: &followed, timesMax: 1)
    // A whole record of a body, and a part of the next one.
    var body = WALBody(compression: .none)
    body.addSamples(samples(1))
    body.addSamples(samples(2))
    disk.inject(SimulatedFault(code: 5, times: 1, writtenBytes: body.storedBytes - 100) { call, _ in call == .write })
    disk.inject(SimulatedFault(code: 5, times: 1) { call, _ in call == .truncate })
    #expect(throws: WALError.self) { try log.commit(body) }
    try follower.read(into: &followed)
    #expect(followed.samples == samples(0))
    try log.commit(samples(3))
    try follower.read(into: &followed)
    #expect(followed.samples == samples(0) + samples(3) && followed.losses.isEmpty)
    #expect(follower.position == log.position && log.position.segment == 1)
    var second = Followed()
    var other = LogFollower(log, from: WALPosition(segment: 0, offset: 0))
    try other.read(into: &second)
    #expect(second.samples == samples(0) + samples(3) && second.losses.isEmpty)
  }

  @Test(
    "damage costs the records that it hit, is told with where reading goes on, and that is a position to start from")
  func damage() throws {
    let disk = SimulatedDisk()
    let log = try WALSetup(disk, root: "/data").open()
    var starts: [WALPosition] = []
    for time in 0..<30 {
      starts.append(log.position)
      try log.commit(samples(time, 50), compression: .none)
      if time == 19 { try log.cutSegment() }
    }
    let path = log.directory.segmentPath(0)
    let file = try disk.open(path, .readWrite)
    for broken in [5, 6, 12, 19] {
      // In the payload: its checksum is wrong.
      try [0xff, 0xfe, 0xfd].withUnsafeBytes { try file.write($0, at: starts[broken].offset + 20) }
    }
    try file.close()
    var follower = LogFollower(log, from: WALPosition(segment: 0, offset: 0))
    var followed = Followed()
    try follower.read(into: &followed, rowsMax: 120)
    let whole = (0..<30).filter { ![5, 6, 12, 19].contains($0) }
    #expect(followed.samples == whole.flatMap { samples($0, 50) })
    #expect(followed.losses == [starts[7], starts[13], WALPosition(segment: 1, offset: 0)])
    for loss in followed.losses {
      var behind = Followed()
      var other = LogFollower(log, from: loss)
      try other.read(into: &behind)
      let first = starts.firstIndex { $0 >= loss } ?? 0
      #expect(behind.samples == whole.filter { $0 >= first }.flatMap { samples($0, 50) })
    }
  }

  @Test(
    "a position in a segment that is gone, behind the end, or behind what a power loss left is told, and reading goes on"
  )
  func lostPositions() throws {
    let disk = SimulatedDisk()
    let log = try WALSetup(disk, root: "/data").open()
    for time in 0..<6 {
      try log.commit(samples(time))
      if time < 5 { try log.cutSegment() }
    }
    try log.truncate(before: 3)
    var followed = Followed()
    var follower = LogFollower(log, from: WALPosition(segment: 1, offset: 77))
    try follower.read(into: &followed)
    #expect(followed.losses == [WALPosition(segment: 3, offset: 0)])
    #expect(followed.samples == (3..<6).flatMap { samples($0) })
    // In the middle, as nobody but a user does it.
    try disk.removeFile(log.directory.segmentPath(4))
    followed = Followed()
    follower = LogFollower(log, from: WALPosition(segment: 3, offset: 0))
    try follower.read(into: &followed)
    #expect(followed.losses == [WALPosition(segment: 5, offset: 0)] && followed.samples == samples(3) + samples(5))
    for position in [WALPosition(segment: 5, offset: 1 << 20), WALPosition(segment: 9, offset: 0)] {
      followed = Followed()
      follower = LogFollower(log, from: position)
      try follower.read(into: &followed)
      #expect(followed.losses == [log.position] && followed.samples.isEmpty)
    }
    let end = try log.commit(samples(6))
    try follower.read(into: &followed)
    #expect(followed.samples == samples(6) && follower.position == end)
    followed = Followed()
    follower = LogFollower(log, from: WALPosition(segment: 3, offset: 1 << 20))
    try follower.read(into: &followed)
    #expect(followed.losses.first == WALPosition(segment: 4, offset: 0))
    #expect(followed.samples == samples(5) + samples(6))
  }

  @Test("a file that cannot be opened for now is an error, nothing is lost, and the next call goes on")
  func openFails() throws {
    let disk = SimulatedDisk()
    let log = try WALSetup(disk, root: "/data").open()
    try log.commit(samples(0))
    try log.cutSegment()
    try log.commit(samples(1))
    var follower = LogFollower(log, from: WALPosition(segment: 0, offset: 0))
    var followed = Followed()
    try follower.read(into: &followed, rowsMax: 1, timesMax: 1)
    disk.inject(SimulatedFault(code: 24, times: 1) { call, path in call == .open && path.hasSuffix("00000001") })
    #expect(throws: WALError.self) { try follower.read(into: &followed) }
    try follower.read(into: &followed)
    #expect(followed.samples == samples(0) + samples(1) && followed.losses.isEmpty)
  }

  @Test("of what the log repeats a follower is given the names alone, also among other records")
  func repetitions() throws {
    let log = try WALSetup(SimulatedDisk(), root: "/data").open()
    var repeated = WALBody()
    repeated.addSeries([(7, Labels([("__name__", "seven")]))])
    repeated.addSamples(samples(1))
    var expected: [Sample] = []
    for round in 0..<10 {
      try log.commit(samples(round))
      expected += samples(round)
      try log.commit(repeated, isRepetition: true)
      if round % 2 == 0 { try log.commit(repeated, isRepetition: true) }
      if round == 5 { try log.cutSegment() }
    }
    var follower = LogFollower(log, from: WALPosition(segment: 0, offset: 0))
    var followed = Followed()
    try follower.read(into: &followed, rowsMax: 50)
    #expect(followed.samples == expected && followed.losses.isEmpty && follower.position == log.position)
    #expect(followed.series == [7: Labels([("__name__", "seven")])])
  }

  @Test("while a thread commits and shortens the log, a follower on the real disk reads every sample once and in order")
  func concurrent() throws {
    let folder = try WALFolder()
    var setup = WALSetup(LinuxDisk(), root: folder.path)
    setup.options.segmentBytes = 16 * WALPage.pageBytes
    let log = try setup.open()
    log.hold("reader", from: 0)
    let rounds = 3000
    let writer = Writer(log: log, rounds: rounds, quarantine: setup.quarantine)
    startThread { writer.run() }
    var follower = LogFollower(log, from: WALPosition(segment: 0, offset: 0))
    var columns = RecordColumns()
    var next = 0
    var isAtEnd = false
    while !isAtEnd {
      let wasDone = writer.isDone.load(ordering: .acquiring)
      switch try follower.next(into: &columns, rowsMax: 5000) {
      case .records:
        let (refs, times) = (columns.samples.refs, columns.samples.timestamps)
        for i in 0..<columns.samples.count {
          if Int(times[i]) * 40 + Int(refs[i]) != next { Issue.record("\(times[i]) of \(refs[i]), not \(next)") }
          next += 1
        }
        log.hold("reader", from: follower.position.segment)
      case .lost(let through): Issue.record("lost through \(through)")
      case .atEnd: isAtEnd = wasDone
      }
    }
    #expect(next == rounds * 40)
    #expect(writer.failure.withLock { $0 } == nil)
    #expect(try log.directory.checkpoints().last ?? 0 > 2, "the log was shortened meanwhile")
    #expect(try log.directory.segments().first ?? 0 > 0)
  }

  /// Commits bodies of forty samples, whose time is their number, and shortens the log now and then. One thread.
  private final class Writer: Sendable {
    let isDone = Atomic<Bool>(false)
    let failure = Mutex<String?>(nil)
    private let log: WriteAheadLog
    private let rounds: Int
    private let quarantine: String

    init(log: WriteAheadLog, rounds: Int, quarantine: String) {
      self.log = log
      self.rounds = rounds
      self.quarantine = quarantine
    }

    func run() {
      do {
        for round in 0..<rounds {
          try log.commit((0..<40).map { Sample(UInt64($0), Int64(round), Double($0) * 0.3) })
          if round % 500 == 499 {
            let present = try log.cutSegment()
            _ = try log.checkpoint(through: present - 1, .init(minTime: .max) { _ in true }, quarantine: quarantine)
            try log.truncate(before: present)
          }
        }
      } catch {
        failure.withLock { $0 = "\(error)" }
      }
      isDone.store(true, ordering: .releasing)
    }
  }
}
