import Platform
import PlatformSimulation
import Synchronization
import TestKit
import Testing

@testable import Workspaces

@Suite("Workspaces.Usage") struct WorkspaceUsageTests {
  private static let path = "/d/apus.usage"
  private static let hour = UsageHour.milliseconds
  /// The beginning of an hour, by UTC.
  private static let start: Int64 = 472_222 * hour

  /// A workspace's counters, which a test moves, and what counts them. One test's own.
  private final class Bench {
    let disk: SimulatedDisk
    let clock: SimulatedClock
    let registry = MetricsRegistry()
    let lines = KeptLines()
    let readings: SharedReadings
    let usage: WorkspaceUsage

    init(_ disk: SimulatedDisk = SimulatedDisk(), _ clock: SimulatedClock = SimulatedClock(nowMilliseconds: start))
      throws
    {
      (self.disk, self.clock) = (disk, clock)
      try disk.makeDirectories("/d")
      let log = Log(level: .info, format: .logfmt) { [lines] in lines.keep($0) }
      let damaged = DamagedFiles(
        Quarantine(disk, "/d/quarantine", log: log), names: ["apus.usage"], log: log, registry: registry)
      let readings = SharedReadings()
      self.readings = readings
      usage = WorkspaceUsage(path, on: disk, clock: clock, damaged: damaged, registry: registry) { readings.present }
    }

    func ingest(_ count: Int) { readings.change { $0.counts.remoteWriteSamples += count } }
    func store(_ bytes: Int) { readings.change { $0.storedBytes = bytes } }

    /// Lets time pass, a second at a time, as the upkeep sees it.
    func pass(seconds: Int, _ each: () -> Void = {}) {
      for _ in 0..<seconds {
        each()
        clock.advance(milliseconds: 1000)
        usage.lookIfDue()
      }
    }

    /// The same disk and time after the process has gone.
    func restarted() throws -> Bench { try Bench(disk, clock) }

    var ingested: [Int64: Int] {
      Dictionary(uniqueKeysWithValues: usage.hours.map { ($0.number - start / hour, $0.counts.remoteWriteSamples) })
    }
    var total: UsageCounts { usage.hours.reduce(into: UsageCounts()) { $0.add($1.counts) } }
  }

  private final class SharedReadings: Sendable {
    private let readings = Mutex(WorkspaceUsage.Readings())
    var present: WorkspaceUsage.Readings { readings.withLock { $0 } }
    func change(_ body: (inout WorkspaceUsage.Readings) -> Void) { readings.withLock { body(&$0) } }
  }

  @Test("what comes belongs to the hour in which it came, to the second at which the upkeep looked")
  func hours() throws {
    let bench = try Bench()
    bench.pass(seconds: 3600) { bench.ingest(1) }
    bench.pass(seconds: 1800) { bench.ingest(2) }
    #expect(bench.ingested == [0: 3600, 1: 3600])
    bench.pass(seconds: 3600) {}
    #expect(bench.ingested == [0: 3600, 1: 3600])
  }

  @Test("all quantities keep their places over a restart, and the counters of a new process begin anew")
  func quantities() throws {
    let first = try Bench()
    first.readings.change { readings in
      for (place, path) in UsageCounts.sums.enumerated() where path != \UsageCounts.storedMilliseconds {
        readings.counts[keyPath: path] = 1000 + place
      }
      readings.counts.activeSeriesMax = 77
      readings.storedBytes = 1 << 40
    }
    first.pass(seconds: 120)
    let known = first.total
    first.usage.close()
    let second = try first.restarted()
    #expect(second.total == known)
    for (place, path) in UsageCounts.sums.enumerated() where path != \UsageCounts.storedMilliseconds {
      #expect(second.total[keyPath: path] == 1000 + place)
    }
    second.ingest(5)
    #expect(second.total.remoteWriteSamples == known.remoteWriteSamples + 5)
    #expect(second.total.activeSeriesMax == 77)
  }

  @Test("stored bytes are counted by time, also through a short stop, and not through a long one or a wrong clock")
  func storedBytes() throws {
    let first = try Bench()
    first.store(1000)
    first.pass(seconds: 60)
    first.pass(seconds: 600)
    #expect(first.total.storedByteSeconds == 600_000 && first.total.storedBytesMean == 1000)
    first.usage.close()
    first.clock.advance(milliseconds: 3000_000)
    let second = try first.restarted()
    #expect(second.total.storedByteSeconds == 3_600_000)
    #expect(second.usage.hours.map(\.counts.storedMilliseconds) == [3540_000, 60_000])
    second.store(1000)
    second.pass(seconds: 60)
    second.usage.close()
    let known = second.total.storedByteSeconds
    second.clock.advance(milliseconds: WorkspaceUsage.gapMillisecondsMax + 1)
    let third = try second.restarted()
    #expect(third.total.storedByteSeconds == known)
    third.usage.close()
    third.clock.stepWall(milliseconds: -1000 * Self.hour)
    #expect(try third.restarted().total.storedByteSeconds == known)
  }

  @Test("no step of the clock loses a count or counts one twice") func clockSteps() throws {
    var random = RandomSource(for: "usage under clock steps")
    var bench = try Bench()
    var expected = 0
    for _ in 0..<60 {
      bench.pass(seconds: Int.random(in: 1...200, using: &random)) {
        bench.ingest(3)
        expected += 3
      }
      switch Int.random(in: 0..<4, using: &random) {
      case 0: bench.clock.stepWall(milliseconds: Int64.random(in: -30 * Self.hour...30 * Self.hour, using: &random))
      case 1:
        bench.usage.close()
        bench = try bench.restarted()
      case 2: bench.clock.stepWall(milliseconds: Int64.random(in: -90_000...90_000, using: &random))
      default: bench.clock.advance(milliseconds: Int64.random(in: 0...2 * Self.hour, using: &random))
      }
      #expect(bench.total.remoteWriteSamples == expected, "seed \(random.seed)")
      let numbers = bench.usage.hours.map(\.number)
      #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count, "seed \(random.seed)")
    }
  }

  @Test("a clock that jumps ahead for a while moves no usage to another hour") func jump() throws {
    let bench = try Bench()
    bench.clock.stepWall(milliseconds: 1000 * Self.hour)
    bench.pass(seconds: 600) { bench.ingest(1) }
    bench.clock.stepWall(milliseconds: -1000 * Self.hour)
    bench.pass(seconds: 600) { bench.ingest(1) }
    #expect(bench.ingested == [0: 1200])
  }

  @Test("90 days of hours are kept in little memory, older ones go, and a wrong clock takes none away") func bounds()
    throws
  {
    var history = UsageHistory()
    var counts = UsageCounts()
    (counts.remoteWriteSamples, counts.activeSeriesMax, counts.storedByteSeconds) = (3_600_000, 10_000, 3.6e12)
    for number in 0..<Int64(UsageHistory.hoursMax + 100) { history.add(counts, to: number) }
    let hours = history.hours
    #expect((UsageHistory.hoursMax...UsageHistory.hoursMax + 48).contains(hours.count))
    #expect(hours.last?.number == Int64(UsageHistory.hoursMax + 99))
    history.add(counts, to: 1_000_000)
    #expect(history.hours.count == hours.count + 1)
    history.add(counts, to: hours[700].number)
    #expect(history.hours[700].counts.remoteWriteSamples == 7_200_000)
    var contents = UsageFile.Contents()
    contents.history = history
    #expect(UsageFile.encode(contents).count < 64 << 10)
    let decoded = try #require(UsageFile.decode(UsageFile.encode(contents)))
    #expect(decoded.history.hours == history.hours.suffix(UsageHistory.hoursMax))
  }

  @Test("a workspace that nobody uses has no file, and one that only keeps what it has is written once an hour")
  func idle() throws {
    let bench = try Bench()
    bench.pass(seconds: 4000)
    bench.usage.close()
    #expect(try bench.disk.list("/d").isEmpty)
    #expect(bench.usage.hours.isEmpty)
    bench.store(5000)
    bench.pass(seconds: 60)
    #expect(try bench.disk.list("/d") == ["apus.usage"])
    bench.pass(seconds: 60)
    let before = bench.disk.operationCount
    bench.pass(seconds: 3400)
    #expect(bench.disk.operationCount == before)
    bench.pass(seconds: 200)
    #expect(bench.disk.operationCount > before)
  }

  @Test("who asks often keeps the file from nothing") func asked() throws {
    let bench = try Bench()
    bench.pass(seconds: 61) {
      bench.ingest(1)
      _ = bench.usage.hours
    }
    #expect(try bench.restarted().total.remoteWriteSamples >= 59)
  }

  @Test("a crash at any step costs at most a minute, and counts nothing twice") func crashes() throws {
    var step = 0
    var isFinished = false
    while !isFinished {
      let bench = try Bench()
      bench.ingest(100)
      bench.store(1 << 20)
      bench.pass(seconds: 60)
      bench.ingest(10)
      bench.pass(seconds: 60)
      bench.ingest(1)
      bench.disk.stop(afterOperation: bench.disk.operationCount + step)
      bench.pass(seconds: 60)
      isFinished = !bench.disk.isStopped
      bench.disk.crash(seed: UInt64(step))
      let after = try bench.restarted()
      let found = after.total.remoteWriteSamples
      #expect(found == 110 || found == 111, "step \(step): \(found)")
      #expect(!after.lines.contain("is damaged", "no usage before"), "step \(step)")
      step += 1
    }
    #expect(step > 4)
  }

  @Test("a damaged file is told and kept; the generation before counts, or the history begins anew") func damage()
    throws
  {
    let first = try Bench()
    for _ in 0..<2 {
      first.ingest(10)
      first.pass(seconds: 60)
    }
    var bytes = try first.disk.readFile(Self.path)
    bytes[bytes.count / 2] ^= 1
    try AtomicReplace.write(bytes, to: Self.path, on: first.disk)
    let second = try first.restarted()
    #expect(second.total.remoteWriteSamples == 10)
    #expect(second.lines.contain("A file of the data directory is damaged", "the usage before the last write"))
    try AtomicReplace.write(bytes, to: Self.path, on: first.disk)
    try first.disk.removeFile(Self.path + SealedFile.previousSuffix)
    let third = try first.restarted()
    #expect(third.usage.hours.isEmpty)
    #expect(third.lines.contain("no usage before this start"))
    #expect(try !third.disk.list("/d/quarantine").isEmpty)
    third.ingest(1)
    third.pass(seconds: 60)
    #expect(try third.restarted().total.remoteWriteSamples == 1)
  }

  @Test("a write that fails is told once, counted, tried again, and loses nothing") func fails() throws {
    let bench = try Bench()
    bench.ingest(7)
    bench.disk.setFreeBytes(0)
    bench.pass(seconds: 180)
    #expect(bench.lines.all.filter { $0.contains("could not be written") }.count == 1)
    #expect(bench.registry.counter("apus_usage_write_failures_total", "").value == 3)
    bench.disk.setFreeBytes(1 << 30)
    bench.pass(seconds: 60)
    #expect(try bench.restarted().total.remoteWriteSamples == 7)
  }

  @Test("no changed byte of a body is read as something impossible") func mutations() throws {
    var contents = UsageFile.Contents()
    contents.lookedAt = Self.start
    var counts = UsageCounts()
    (counts.querySamples, counts.activeSeriesMax, counts.storedByteSeconds) = (300, 2, 1e9)
    for number: Int64 in [5, 9, 500_000] { contents.history.add(counts, to: number) }
    let body = UsageFile.encode(contents)
    for place in body.indices {
      #expect(UsageFile.decode(Array(body[..<place])) == nil)
      for bit in 0..<8 {
        var changed = body
        changed[place] ^= 1 << UInt8(bit)
        guard let read = UsageFile.decode(changed) else { continue }
        let numbers = read.history.hours.map(\.number)
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy(<))
        let again = UsageFile.decode(UsageFile.encode(read))
        #expect(again?.history.hours == read.history.hours, "byte \(place), bit \(bit)")
      }
    }
  }

  @Test("each workspace has its own usage, by source, in its metrics and over a restart of the server")
  func workspaces() throws {
    let disk = SimulatedDisk()
    let clock = SimulatedClock(nowMilliseconds: WorkspaceBench.now)
    do {
      let bench = try WorkspaceBench(disk: disk, clock: clock, ["team-a", "team-b"])
      for place in 0..<3 {
        clock.advance(milliseconds: 10)
        bench.write("m", Double(place), to: "team-a")
      }
      bench.write("m", 1, to: nil)
      #expect(bench.told("apus_ingested_samples_total", "team-a") == 3)
      bench.set.close()
    }
    let bench = try WorkspaceBench(disk: disk, clock: clock, ["team-a", "team-b"])
    defer { bench.set.close() }
    let counts = [nil, "team-a", "team-b"].map { id in
      bench.set[id]?.usage.hours.reduce(into: UsageCounts()) { $0.add($1.counts) }
    }
    #expect(counts.map { $0?.remoteWriteSamples } == [1, 3, 0])
    #expect(counts[1]?.activeSeriesMax == 1)
    #expect(try !disk.list("/data/workspaces/team-b").contains("apus.usage"))
  }
}
