import Format
import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import TSDB

/// Every file of a data directory that has all of them is damaged in every way, one at a time: the start succeeds, serves
/// all that is readable anywhere, and says what it found.
@Suite struct DamageAtStartTests {
  /// A directory after flushes, deletions, chunks in files and a clean end, and what it must answer.
  private struct Story {
    let setup = DatabaseSetup()
    let writer = HeadWriter()
    var told = DatabaseScript.Told()
    /// What each deletion took.
    private var deleted: [PlainSamples] = []

    /// What is to be answered where the last deletions are forgotten.
    func told(without count: Int) -> DatabaseScript.Told {
      var told = told
      for part in deleted.suffix(count) {
        for (labels, samples) in part { told.sent[labels]?.merge(samples) { one, _ in one } }
      }
      told.acknowledged = told.sent
      return told
    }

    init() throws {
      var database = try setup.open()
      try write(database, minutes: 300)
      #expect(database.flushHead { false })
      try write(database, minutes: 130)
      #expect(database.flushHead { false })
      try write(database, minutes: 30)
      for host in ["host-1", "host-2"] {
        try delete(host, database)
      }
      database.head.completeIdleChunks(lastBefore: told.time + 1)
      database.writeCompletedChunks()
      try setup.close(database)
      database = try setup.open()
      try write(database, minutes: 30)
      database.head.completeIdleChunks(lastBefore: told.time + 1)
      try setup.close(database)
    }

    mutating func write(_ database: Database, minutes: Int) throws {
      for _ in 0..<minutes {
        told.time += 60_000
        setup.clock.advance(milliseconds: 60_000)
        let body = (0..<4).map { SentSeries("m", $0, [(told.time, Double(told.time / 60_000 % 97 * Int64($0)))]) }
        try writer.write(body, to: database.head, now: told.time)
        told.note(body, acknowledged: true)
      }
    }

    private mutating func delete(_ host: String, _ database: Database) throws {
      let range = (told.time - 900_000)...(told.time - 600_000)
      try database.delete([try CompiledMatcher(Matcher(.equal, "instance", host))], in: range)
      for (labels, samples) in told.sent
      where labels.withValue(of: "instance", { $0?.elementsEqual(host.utf8) == true }) {
        told.sent[labels] = samples.filter { !range.contains($0.key) }
        told.acknowledged[labels] = told.sent[labels]
        deleted.append([labels: samples.filter { range.contains($0.key) }])
      }
    }

    /// All files, by path.
    var files: [String: [UInt8]] {
      get throws {
        var files: [String: [UInt8]] = [:]
        func walk(_ folder: String) throws {
          for name in try setup.disk.list(folder) {
            let path = "\(folder)/\(name)"
            if try setup.disk.status(path).kind == .directory {
              try walk(path)
            } else {
              files[path] = try setup.disk.readFile(path)
            }
          }
        }
        try walk("/data")
        return files
      }
    }

    /// Another site with these files.
    func copy(_ files: [String: [UInt8]]) throws -> DatabaseSetup {
      let copy = DatabaseSetup(now: setup.now)
      for (path, bytes) in files {
        try copy.disk.makeDirectories(DiskPath.parent(path))
        let file = try copy.disk.open(path, .truncate)
        try bytes.withUnsafeBytes { try file.write($0, at: 0) }
        try file.close()
      }
      return copy
    }
  }

  private enum Damage: CustomStringConvertible {
    case flipped(Int), cut(Int), removed, older

    var description: String {
      switch self {
      case .flipped(let place): "byte \(place) changed"
      case .cut(let size): "cut to \(size)"
      case .removed: "removed"
      case .older: "replaced by its older generation"
      }
    }
  }

  private func damages(_ bytes: [UInt8], flips: Int) -> [Damage] {
    let step = max(1, bytes.count / flips)
    return [.removed, .older, .cut(0), .cut(bytes.count / 2), .cut(bytes.count - 1)]
      + stride(from: 0, to: bytes.count, by: step).map { .flipped($0) }
  }

  private func apply(_ damage: Damage, _ path: String, _ files: [String: [UInt8]]) -> [String: [UInt8]]? {
    var files = files
    guard var bytes = files[path] else { return nil }
    switch damage {
    case .flipped(let place): bytes[place] ^= UInt8(1 << (place % 8))
    case .cut(let size): bytes = Array(bytes[..<size])
    case .removed:
      files[path] = nil
      return files
    case .older:
      guard let older = files[path + SealedFile.previousSuffix] else { return nil }
      bytes = older
    }
    files[path] = bytes
    return files
  }

  /// What is wrong after a start with the damage, or nil.
  private func fault(
    _ story: Story, _ files: [String: [UInt8]], _ name: String, _ wanted: DatabaseScript.Told, isTold: Bool
  ) throws -> String? {
    let setup = try story.copy(files)
    var database = try setup.open()
    database.head.checkInvariants()
    if let fault = DatabaseScript.fault(wanted, try database.everything()) { return fault }
    if isTold && setup.damaged(name) == 0 { return "nothing counted" }
    if isTold && !setup.logged("is damaged") { return "nothing logged" }
    // Killed, then ended cleanly.
    database = try setup.open()
    if let fault = DatabaseScript.fault(wanted, try database.everything()) { return "after a kill: " + fault }
    try setup.close(database)
    database = try setup.open()
    if let fault = DatabaseScript.fault(wanted, try database.everything()) { return "after an end: " + fault }
    if setup.damaged(name) != 0 { return "found damaged again after a clean end" }
    return nil
  }

  @Test(
    "a damaged file of ours costs nothing that is anywhere else, and is told",
    arguments: ["apus.version", "apus.flushed", "apus.head", "chunks_head/000001", "chunks_head/000002"])
  func files(_ name: String) throws {
    let story = try Story()
    let files = try story.files
    let path = "/data/" + name
    let bytes = try #require(files[path])
    #expect(bytes.count > 10, "\(files.keys.sorted())")
    let hasPrevious = files[path + SealedFile.previousSuffix] != nil
    for damage in damages(bytes, flips: 14) {
      guard let damaged = apply(damage, path, files) else { continue }
      let isTold: Bool
      switch damage {
      case .older: isTold = false
      // The log says all that a snapshot says, and a version that is not there is that of a new directory.
      case .removed: isTold = hasPrevious || name.hasPrefix("chunks_head")
      // Three bytes of padding.
      case .flipped(let place): isTold = !(name.hasPrefix("chunks_head") && (5...7).contains(place))
      case .cut: isTold = true
      }
      let counted = name.hasPrefix("chunks_head") ? "chunks_head" : name
      let fault = try fault(story, damaged, counted, story.told, isTold: isTold)
      #expect(fault == nil, "\(name), \(damage)")
    }
  }

  @Test("a damaged list of deletions has a second; where that is gone too, it is told")
  func deletions() throws {
    let story = try Story()
    var files = try story.files
    let path = "/data/apus.deleted"
    let bytes = try #require(files[path])
    for damage in damages(bytes, flips: 8) {
      guard let damaged = apply(damage, path, files) else { continue }
      var isTold = true
      if case .older = damage { isTold = false }
      let fault = try fault(story, damaged, "apus.deleted", story.told, isTold: isTold)
      #expect(fault == nil, "\(damage)")
    }
    files[path + SealedFile.previousSuffix] = nil
    files[path]?[20] ^= 1
    let fault = try fault(story, files, "apus.deleted", story.told(without: 2), isTold: true)
    #expect(fault == nil)
  }

  @Test("a damaged checkpoint or snapshot alone costs nothing where the other, or the log, has it")
  func lostCheckpoint() throws {
    let setup = DatabaseSetup()
    var told = DatabaseScript.Told()
    try DatabaseScript(steps: DatabaseScript.withLog + [.reopen]).tell(setup, &told)
    let wal = WALDirectory(setup.disk, "/data/wal")
    let checkpoint = try #require(try wal.checkpoints().last)
    try setup.disk.removeTree(wal.checkpointPath(checkpoint))
    for _ in 0..<3 {
      let database = try setup.open()
      database.head.checkInvariants()
      #expect(DatabaseScript.fault(told, try database.everything()) == nil)
    }
    // An empty chunk file in the middle, as earlier versions left them.
    let chunks = HeadChunkDirectory(setup.disk, "/data/chunks_head")
    let last = try #require(try chunks.prepare().last)
    try setup.disk.rename(chunks.filePath(last), to: chunks.filePath(last + 1))
    try setup.disk.open(chunks.filePath(last), .create).close()
    for _ in 0..<3 {
      let database = try setup.open()
      #expect(DatabaseScript.fault(told, try database.everything()) == nil)
      try setup.close(database)
    }
    #expect(try !setup.disk.list("/data").contains("quarantine"))
  }

  @Test("samples of a damaged chunk come from the log, and those of a lost log from the snapshot")
  func severalPlaces() throws {
    let story = try Story()
    var files = try story.files
    let chunks = try #require(files.keys.filter { $0.hasPrefix("/data/chunks_head/") }.min())
    files[chunks]?[40] ^= 1
    for path in files.keys where path.hasPrefix("/data/wal/") { files[path] = nil }
    let setup = try story.copy(files)
    var database = try setup.open()
    #expect(setup.damaged("wal") == 1 && setup.damaged("chunks_head") == 1)
    let found = try database.everything()
    // One chunk is gone, nothing else.
    var missing = 0
    for (labels, samples) in story.told.sent { missing += samples.keys.filter { found[labels]?[$0] == nil }.count }
    #expect(missing > 0 && missing <= 240, "\(missing)")
    // What is written from now on is not hidden by the snapshot of the lost log.
    var more = story
    more.told.sent = found
    more.told.acknowledged = found
    try more.write(database, minutes: 20)
    database = try setup.open()
    #expect(DatabaseScript.fault(more.told, try database.everything()) == nil)
    #expect(setup.damaged("wal") == 0)
  }

  @Test("the head is flushed again after a mark centuries ahead, as an earlier version wrote it, is ignored")
  func flushesAgain() throws {
    var story = try Story()
    let path = "/data/apus.flushed"
    try AtomicReplace.write(Array("9764503460000\n".utf8), to: path, on: story.setup.disk)
    let database = try story.setup.open()
    #expect(story.setup.damaged("apus.flushed") == 1)
    #expect(DatabaseScript.fault(story.told, try database.everything()) == nil)
    let blocks = database.blocks.current.blocks.count
    try story.write(database, minutes: 200)
    #expect(database.flushHead { false })
    #expect(database.blocks.current.blocks.count > blocks)
    #expect(DatabaseScript.fault(story.told, try database.everything()) == nil)
  }

  @Test("files as earlier versions wrote them are read, and nothing is found damaged")
  func upgrade() throws {
    let story = try Story()
    var files = try story.files
    for name in ["version", "flushed", "deleted"] { files["/data/apus.\(name).previous"] = nil }
    let mark = try #require(files["/data/apus.flushed"]).dropFirst("apus flushed 2\n".utf8.count).prefix { $0 != 0x20 }
    files["/data/apus.flushed"] = Array(mark) + Array("\n".utf8)
    files["/data/apus.version"] = Array("1\n".utf8)
    files["/data/apus.deleted"] = Array(
      try #require(files["/data/apus.deleted"]).dropFirst("apus deleted 2\n".utf8.count).dropLast(16))
    let setup = try story.copy(files)
    let database = try setup.open()
    #expect(DatabaseScript.fault(story.told, try database.everything()) == nil)
    #expect(DatabaseLayout.damagedNames.allSatisfy { setup.damaged($0) == 0 })
    #expect(!setup.logged("level=ERROR") && !setup.logged("level=WARN"))
  }

  @Test("a newer directory is refused also where only its older generation is whole")
  func newer() throws {
    let setup = DatabaseSetup()
    _ = try setup.open()
    let path = DatabaseLayout(root: "/data").version
    let version = DataVersion.file(path, on: setup.disk)
    for _ in 0..<2 { try version.write(Array("7\n".utf8)) }
    try AtomicReplace.write([], to: path, on: setup.disk)
    do {
      _ = try setup.open()
      Issue.record("opened")
    } catch {
      #expect("\(error)".contains("version 7") && "\(error)".contains("newer program"))
    }
  }

  @Test("one log segment that cannot be opened costs what is in it, and is not removed")
  func unreadableSegment() throws {
    let setup = DatabaseSetup()
    var told = DatabaseScript.Told()
    try DatabaseScript(steps: DatabaseScript.ordinary + [.kill] + DatabaseScript.ordinary).tell(setup, &told)
    setup.disk.inject(
      SimulatedFault(code: 13) { operation, path in operation == .open && path == "/data/wal/00000001" })
    var database = try setup.open()
    #expect(setup.logged("cannot be opened"))
    #expect(database.metrics.wal.corruptions.value > 0)
    #expect(try !database.everything().isEmpty)
    database.truncateLogs(now: told.time)
    #expect(try database.head.files.wal.directory.segments().contains(1))
    setup.disk.removeFaults()
    database = try setup.open()
    #expect(DatabaseScript.fault(told, try database.everything()) == nil)
  }
}
