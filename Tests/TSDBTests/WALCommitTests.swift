import Format
import Model
import Platform
import PlatformSimulation
import TSDB
import Testing

@Suite struct WALCommitTests {
  @Test("what was committed is replayed, in order, with every compression", arguments: WALCompression.allCases)
  func roundTrip(_ compression: WALCompression) throws {
    let folder = try WALFolder()
    let setup = WALSetup(LinuxDisk(), root: folder.path)
    let log = try setup.open()
    var body = WALBody(compression: compression)
    var expected: [Sample] = []
    for round in 0..<50 {
      body.removeAll()
      if round == 0 { body.addSeries((1...100).map { ($0, Labels([("__name__", "m\($0)")])) }) }
      let samples = (1...100).map { Sample($0, Int64(round) * 15_000, Double(round) * 0.1) }
      expected += samples
      body.addSamples(samples)
      try log.commit(body)
    }
    let end = log.position
    try log.close()
    let replayed = try setup.replay()
    #expect(replayed.samples == expected)
    #expect(replayed.series.count == 100)
    #expect(replayed.series[7] == Labels([("__name__", "m7")]))
    #expect(replayed.end == end)
    #expect(replayed.numbers.damages == 0 && replayed.numbers.tornTails == 0)
    let size = try setup.disk.status(setup.directory.segmentPath(0)).size
    #expect(size % WALPage.pageBytes == 0, "a closed segment ends with a whole page")
  }

  @Test("each open begins a new segment, unless the last one is empty")
  func newSegmentPerOpen() throws {
    let folder = try WALFolder()
    let setup = WALSetup(LinuxDisk(), root: folder.path)
    var body = WALBody()
    body.addSamples([Sample(1, 1, 1)])
    for run in 0..<3 {
      let empty = try setup.open()
      #expect(empty.firstSegment == run)
      try empty.close()
      let log = try setup.open()
      #expect(log.firstSegment == run)
      try log.commit(body)
      try log.close()
    }
    #expect(try setup.directory.segments() == [0, 1, 2])
    #expect(try setup.replay().samples.count == 3)
    #expect(try setup.replay(before: 2).samples.count == 2)
  }

  @Test("a body goes into one segment, and a full segment is finished with a whole page")
  func segmentsAreCut() throws {
    let folder = try WALFolder()
    var setup = WALSetup(LinuxDisk(), root: folder.path)
    setup.options.segmentBytes = 4 * WALPage.pageBytes
    let log = try setup.open()
    var body = WALBody(compression: .none)
    var expected: [Sample] = []
    for round in 0..<40 {
      body.removeAll()
      // The last one is larger than a segment: it has one of its own.
      let count = round == 39 ? 20_000 : 1000
      let samples = (0..<count).map { Sample(UInt64($0), Int64(round), Double(round)) }
      expected += samples
      body.addSamples(samples)
      let position = try log.commit(body)
      #expect(position == log.position)
      try log.syncIfDue()
    }
    try log.close()
    let segments = try setup.directory.segments()
    #expect(segments == Array(0..<segments.count) && segments.count > 4)
    for segment in segments {
      #expect(try setup.disk.status(setup.directory.segmentPath(segment)).size % WALPage.pageBytes == 0)
    }
    #expect(try setup.replay().samples == expected)
    #expect(setup.metrics.segmentCurrent.value == Double(segments.last ?? -1))
  }

  @Test("a replay from a position gives what was committed after it, and nothing before")
  func replayFromPosition() throws {
    let folder = try WALFolder()
    var setup = WALSetup(LinuxDisk(), root: folder.path)
    setup.options.segmentBytes = 2 * WALPage.pageBytes
    let log = try setup.open()
    var body = WALBody(compression: .none)
    var positions = [log.position]
    for round in 0..<60 {
      body.removeAll()
      body.addSamples((0..<300).map { Sample(UInt64($0), Int64(round), 1) })
      positions.append(try log.commit(body))
    }
    try log.close()
    for (round, position) in positions.enumerated() {
      let replayed = try setup.replay(from: position)
      #expect(replayed.samples.count == 300 * (60 - round))
      #expect(replayed.samples.first?.timestamp == (round < 60 ? Int64(round) : nil))
    }
  }

  @Test("commits of many threads under `always` all arrive, and share their fsyncs")
  func groupCommit() throws {
    let folder = try WALFolder()
    var setup = WALSetup(LinuxDisk(), root: folder.path)
    setup.options.sync = .always
    setup.options.segmentBytes = 4 * WALPage.pageBytes
    let log = try setup.open()
    let failures = KeptLog()
    let threads = try (0..<8).map { thread in
      try NamedThread(name: "committer") {
        var body = WALBody()
        for round in 0..<50 {
          body.removeAll()
          body.addSamples((0..<50).map { Sample(UInt64(thread), Int64(round * 50 + $0), Double($0)) })
          do { try log.commit(body) } catch { failures.log.error("\(error)") }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(failures.lines.isEmpty)
    try log.close()
    let replayed = try setup.replay()
    for thread in 0..<8 {
      let mine = replayed.samples.filter { $0.ref == UInt64(thread) }.map(\.timestamp)
      #expect(mine == Array(0..<2500), "a thread's own commits keep their order")
    }
    let (counts, _) = setup.metrics.fsyncDurationSeconds.snapshot()
    #expect((counts.last ?? 0) <= 401)
  }

  @Test("the interval mode syncs when its second has passed, and not before")
  func interval() throws {
    let folder = try WALFolder()
    let clock = SimulatedClock()
    let setup = WALSetup(LinuxDisk(), root: folder.path, clock: clock)
    let log = try setup.open()
    var body = WALBody()
    body.addSamples([Sample(1, 1, 1)])
    try log.commit(body)
    clock.advance(milliseconds: 999)
    try log.syncIfDue()
    #expect(setup.metrics.fsyncDurationSeconds.snapshot().cumulative.last == 0)
    clock.advance(milliseconds: 1)
    try log.syncIfDue()
    #expect(setup.metrics.fsyncDurationSeconds.snapshot().cumulative.last == 1)
    clock.advance(milliseconds: 5000)
    try log.syncIfDue()
    #expect(setup.metrics.fsyncDurationSeconds.snapshot().cumulative.last == 1, "nothing was written")
  }

  @Test("a closed log refuses commits, and closing twice is fine")
  func closed() throws {
    let folder = try WALFolder()
    let setup = WALSetup(LinuxDisk(), root: folder.path)
    let log = try setup.open()
    try log.close()
    try log.close()
    var body = WALBody()
    body.addSamples([Sample(1, 1, 1)])
    #expect(throws: WALError.closed) { try log.commit(body) }
    #expect(throws: WALError.closed) { try log.cutSegment() }
  }
}
