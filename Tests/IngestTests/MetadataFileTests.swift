import Format
import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import Ingest
@testable import TSDB

@Suite struct MetadataFileTests {
  private static let now = ReceiverBench.now
  private static let day: Int64 = 86_400_000
  private static let hash = KeyedHash(key: (1, 2))

  /// Stores on one disk, one after the other, each as a process of its own.
  private final class Site {
    let disk = SimulatedDisk()
    let path = "/data/apus.metadata"
    let lines = LogLines()
    let registry = MetricsRegistry()

    var damagedFiles: Int {
      registry.counter("apus_damaged_files_total", "", labels: [("file", "apus.metadata")]).value
    }

    init() throws { try disk.makeDirectories("/data") }

    func open(at time: Int64 = now, sync: WALSync = .interval) -> MetadataStore {
      // A key of its own, as every process has.
      let store = MetadataStore(hash: KeyedHash(key: (UInt64(time), 7)))
      let log = Log(level: .warn, format: .logfmt) { [lines] in lines.add($0) }
      let damaged = DamagedFiles(
        Quarantine(disk, "/data/quarantine", log: log), names: ["apus.metadata"], log: log, registry: registry)
      store.open(path, on: disk, damaged: damaged, sync: sync, now: time)
      return store
    }
  }

  private final class LogLines: @unchecked Sendable {
    // One thread's: that of its test.
    private(set) var count = 0
    func add(_ line: String) { count += 1 }
  }

  private static func note(_ names: [String], _ store: MetadataStore, at time: Int64, help: String = "h\n\"ü\"") {
    var body = RemoteWriteBody()
    for name in names { body.add(metadata: name, kind: 1, help: help, unit: "seconds") }
    var rows = WriteRequestRows()
    body.message.withUnsafeBytes { bytes in
      do {
        try WriteRequestScanner.scan(bytes, key: hash, into: &rows)
      } catch {
        Issue.record("\(error)")
      }
      store.note(rows.metadata, in: LentBytes(bytes), now: time)
    }
  }

  @Test("what was taken is there after a kill, and after a clean end; repeating it adds nothing")
  func survives() throws {
    let site = try Site()
    var store = site.open()
    Self.note(["a", "b"], store, at: Self.now)
    Self.note(["c"], store, at: Self.now, help: "")
    let wanted = store.metadata(now: Self.now)
    #expect(wanted.keys.sorted() == ["a", "b", "c"])
    store = site.open()
    #expect(store.metadata(now: Self.now) == wanted)
    let size = try site.disk.status(site.path).size
    Self.note(["a", "b"], store, at: Self.now)
    #expect(try site.disk.status(site.path).size == size)
    store.close(now: Self.now)
    store = site.open()
    #expect(store.metadata(now: Self.now) == wanted)
    #expect(site.lines.count == 0)
  }

  @Test("the time without a server does not count; that before does")
  func ages() throws {
    let site = try Site()
    var store = site.open()
    Self.note(["old"], store, at: Self.now)
    Self.note(["young"], store, at: Self.now + Self.day / 2)
    // A month later.
    let later = Self.now + 30 * Self.day
    store = site.open(at: later)
    #expect(store.metadata(now: later).keys.sorted() == ["old", "young"])
    #expect(store.metadata(now: later + Self.day / 2 + 1).keys.sorted() == ["young"])
    #expect(store.metadata(now: later + Self.day + 1).isEmpty)
    // A clock that went back does not make anything older.
    store = site.open(at: Self.now)
    #expect(store.metadata(now: Self.now).keys.sorted() == ["old", "young"])
  }

  @Test("after an hour the file knows what is still repeated, and what nobody has repeated for a day is gone from it")
  func savedHourly() throws {
    let site = try Site()
    let store = site.open()
    Self.note(["repeated", "once"], store, at: Self.now)
    for hour in 1...25 as ClosedRange<Int64> { Self.note(["repeated"], store, at: Self.now + hour * 3_600_000) }
    let again = site.open(at: Self.now + 25 * 3_600_000)
    #expect(again.metadata(now: Self.now + 25 * 3_600_000).keys.sorted() == ["repeated"])
  }

  @Test("after a power loss at any moment what was synced is there, and of the rest whole records only")
  func powerLoss() throws {
    for seed in 0..<40 as Range<UInt64> {
      let site = try Site()
      var store = site.open()
      Self.note(["synced"], store, at: Self.now)
      store.close(now: Self.now)
      store = site.open()
      for number in 0..<20 { Self.note(["n\(number)"], store, at: Self.now) }
      _ = site.disk.crash(seed: seed)
      let found = site.open().metadata(now: Self.now).keys
      #expect(found.contains("synced"), "seed \(seed)")
      #expect(Set(found).isSubset(of: ["synced"] + (0..<20).map { "n\($0)" }), "seed \(seed): \(found)")
    }
  }

  @Test("a full disk costs nothing but the file, which is made up for later")
  func fullDisk() throws {
    let site = try Site()
    let store = site.open()
    site.disk.inject(SimulatedFault(code: 28) { operation, _ in operation == .write })
    Self.note(["a"], store, at: Self.now)
    #expect(store.metadata(now: Self.now).keys.sorted() == ["a"])
    #expect(site.lines.count > 0)
    site.disk.removeFaults()
    Self.note(["b"], store, at: Self.now)
    Self.note(["b"], store, at: Self.now + 3_600_001)
    #expect(site.open().metadata(now: Self.now + 3_600_001).keys.sorted() == ["a", "b"])
  }

  @Test("a cut costs what is behind it, a changed byte the record it is in, and the store works on")
  func damage() throws {
    let site = try Site()
    Self.note(["a", "b", "c"], site.open(), at: Self.now)
    let bytes = try site.disk.readFile(site.path)
    let whole = bytes.lend { MetadataFileScan($0) }
    #expect(whole.isWhole && whole.entries.count == 3)
    let messages = whole.entries.map(\.message)
    for length in 0..<bytes.count {
      let read = Array(bytes[..<length]).lend { MetadataFileScan($0) }
      // A cut between two records is none.
      #expect(read.entries.count <= 2 && read.entries.map(\.message) == Array(messages.prefix(read.entries.count)))
    }
    for place in bytes.indices {
      var spoilt = bytes
      spoilt[place] ^= UInt8(1 << (place % 8))
      let read = spoilt.lend { MetadataFileScan($0) }
      #expect(!read.isWhole && read.entries.count >= 2, "byte \(place)")
      #expect(read.entries.allSatisfy { messages.contains($0.message) })
    }
    try AtomicReplace.write(Array(bytes.dropLast(3)), to: site.path, on: site.disk)
    let store = site.open()
    #expect(site.lines.count == 1 && site.damagedFiles == 1)
    #expect(try site.disk.readFile("/data/quarantine/apus.metadata") == Array(bytes.dropLast(3)))
    Self.note(["c"], store, at: Self.now)
    #expect(site.open().metadata(now: Self.now).keys.sorted() == ["a", "b", "c"])
    #expect(site.lines.count == 1)
  }

  @Test("records with times at the ends of 64 bits are none, and the others are used")
  func impossibleTimes() throws {
    let site = try Site()
    MetadataFileTests.note(["a"], site.open(), at: MetadataFileTests.now)
    var file = try site.disk.readFile(site.path)
    for time in [Int64.min, -1, .max] {
      var payload = ByteBuffer()
      payload.appendVarint(time)
      payload.append([UInt8]([8, 1, 18, 1, 0x61]))
      var record = ByteBuffer()
      record.appendLittleEndian(UInt32(payload.count))
      record.appendLittleEndian(checksum(payload.bytes))
      record.append(payload.bytes)
      file += Array(record.bytes)
    }
    try AtomicReplace.write(file, to: site.path, on: site.disk)
    #expect(site.open().metadata(now: MetadataFileTests.now).keys.sorted() == ["a"])
    #expect(site.damagedFiles == 1)
  }

  @Test("bytes made to be searched for long end the search")
  func boundedSearch() {
    // Each byte could begin a record of sixty thousand.
    var bytes = [UInt8](repeating: 0, count: 600_000)
    for place in stride(from: 0, to: bytes.count, by: 4) { bytes[place] = 0x60; bytes[place + 1] = 0xea }
    let read = bytes.lend { MetadataFileScan($0) }
    #expect(read.entries.isEmpty && !read.isWhole)
  }

  @Test("what was taken survives a power loss as the samples do: always at once, else from the next sync on")
  func syncs() throws {
    for sync in WALSync.allCases {
      let site = try Site()
      let store = site.open(sync: sync)
      Self.note(["a"], store, at: Self.now)
      if sync == .interval { store.syncIfDue() }
      site.disk.crash(.allLost, seed: 1)
      #expect(site.open().metadata(now: Self.now).keys.sorted() == (sync == .os ? [] : ["a"]), "\(sync)")
    }
  }

  @Test("a file whose sync has failed is written anew")
  func failedSync() throws {
    for sync in [WALSync.always, .interval] {
      let site = try Site()
      let store = site.open(sync: sync)
      let metadata = site.path
      site.disk.inject(SimulatedFault(code: 5, times: 1) { operation, path in operation == .sync && path == metadata })
      Self.note(["a"], store, at: Self.now)
      store.syncIfDue()
      site.disk.crash(.allLost, seed: 1)
      #expect(site.open().metadata(now: Self.now).keys.sorted() == ["a"], "\(sync)")
    }
  }

  @Test("records of several threads reach the file, also while it is written anew")
  func threads() throws {
    let site = try Site()
    let store = site.open()
    _ = onThreads(4) { thread in
      for number in 0..<200 {
        // Every twentieth body writes the file anew.
        Self.note(["t\(thread)n\(number)"], store, at: Self.now + Int64(number) * 3_600_001 / 20)
      }
    }
    let last = Self.now + 200 * 3_600_001 / 20
    #expect(store.metadata(now: last).count == 800)
    #expect(site.open(at: last).metadata(now: last).count == 800)
  }
}
