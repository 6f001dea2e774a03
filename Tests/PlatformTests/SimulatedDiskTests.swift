import Glibc
import PlatformSimulation
import Testing

@testable import Platform

@Suite struct SimulatedDiskTests {
  @Test("after a crash the bytes of the last sync are there, and no name that was not synced")
  func allLost() throws {
    let disk = SimulatedDisk()
    try disk.makeDirectories("d")
    let file = try disk.open("d/kept", .create)
    try file.write([1, 2, 3], at: 0)
    try file.sync()
    try disk.syncDirectory("d")
    try file.write([9], at: 1)
    try file.truncate(to: 2)
    let unnamed = try disk.open("d/unnamed", .create)
    try unnamed.write([1], at: 0)
    try unnamed.sync()
    let empty = try disk.open("d/empty", .create)
    try disk.syncDirectory("d")
    try empty.write([5], at: 0)
    try disk.rename("d/unnamed", to: "d/renamed")
    disk.crash(.allLost)
    #expect(try disk.list("d") == ["empty", "kept", "unnamed"])
    #expect(try disk.readFile("d/kept") == [1, 2, 3])
    #expect(try disk.readFile("d/unnamed") == [1])
    #expect(try disk.readFile("d/empty") == [])
    #expect(disk.usedBytes == 4)
    #expect(code { () throws(DiskError) in _ = try file.size() } == EBADF)
    #expect(code { () throws(DiskError) in try file.write([1], at: 0) } == EBADF)
  }

  @Test("a process that dies loses nothing but its open files")
  func processOnly() throws {
    let disk = SimulatedDisk()
    let file = try disk.open("f", .create)
    try file.write([1, 2], at: 0)
    let removed = try disk.open("removed", .create)
    try removed.write([1, 2, 3], at: 0)
    try disk.removeFile("removed")
    #expect(disk.usedBytes == 5)
    disk.crash(.processOnly)
    #expect(try disk.readFile("f") == [1, 2])
    #expect(disk.usedBytes == 2)
    #expect(code { () throws(DiskError) in try file.sync() } == EBADF)
    disk.crash(.allLost)
    #expect(try disk.list("/") == [])
  }

  @Test("a rename to another directory is at exactly one of both places after a crash")
  func renameIsAtomic() throws {
    var places: Set<[String]> = []
    for seed in 0..<200 as Range<UInt64> {
      let disk = SimulatedDisk()
      try disk.makeDirectories("a")
      try disk.makeDirectories("b")
      try disk.open("a/f", .create).sync()
      try disk.syncDirectory("a")
      try disk.rename("a/f", to: "b/f")
      try disk.removeDirectory("a")
      disk.crash(.prefixKept, seed: seed)
      let inA = try disk.list("/").contains("a") ? try disk.list("a").map { "a/" + $0 } : []
      let left = inA + (try disk.list("b").map { "b/" + $0 })
      try hold(left.count == 1, "seed \(seed): \(left)")
      places.insert(left)
    }
    #expect(places == [["a/f"], ["b/f"]])
  }

  @Test("syncing a directory that a rename left makes the rename durable on both sides")
  func renameSync() throws {
    for synced in ["a", "b"] {
      let disk = SimulatedDisk()
      try disk.makeDirectories("a")
      try disk.makeDirectories("b")
      _ = try disk.open("a/f", .create)
      try disk.rename("a/f", to: "b/f")
      try disk.syncDirectory(synced)
      disk.crash(.allLost)
      #expect(try disk.list("a") == [] && disk.list("b") == ["f"])
    }
  }

  @Test("an atomic replacement leaves the old or the new file at every crash point and kind of crash")
  func replacement() throws {
    let (old, new) = ([UInt8](repeating: 1, count: 700), [UInt8](repeating: 2, count: 1100))
    var seen: Set<UInt8> = []
    for stop in 0...8 {
      for seed in 0..<20 as Range<UInt64> {
        let disk = SimulatedDisk()
        try AtomicReplace.write(old, to: "f", on: disk)
        let start = disk.operationCount
        disk.stop(afterOperation: start + stop)
        let isDone = code { () throws(DiskError) in try AtomicReplace.write(new, to: "f", on: disk) } == 0
        let kind = disk.crash(seed: seed)
        let found = try disk.readFile("f")
        try hold(found == new || (!isDone && found == old), "stop \(stop) seed \(seed) \(kind): \(found.count) bytes")
        seen.insert(found[0])
        // The next start is not in the way of what the crash left.
        try AtomicReplace.write(old, to: "f", on: disk)
        try hold(try disk.list("/") == ["f"], "stop \(stop) seed \(seed) \(kind)")
      }
    }
    #expect(seen == [1, 2])
  }

  @Test(
    "what a sync gave back success for is there after every kind of crash; what is left of the rest follows the model",
    arguments: 1...4 as ClosedRange<UInt64>)
  func model(seed: UInt64) throws {
    for round in 0..<40 as Range<UInt64> {
      for kind in SimulatedCrash.allCases { try oneLife(seed: seed &* 1000 &+ round, kind) }
    }
  }

  /// One file, random writes, truncations and syncs against a model that keeps all states since the last sync.
  private func oneLife(seed: UInt64, _ kind: SimulatedCrash) throws {
    var numbers = SeededNumbers(seed: seed)
    let disk = SimulatedDisk()
    let file = try disk.open("f", .create)
    try disk.syncDirectory("/")
    var states: [[UInt8]] = [[]]
    for _ in 0..<Int.random(in: 0..<12, using: &numbers) {
      var next = states[states.count - 1]
      switch Int.random(in: 0..<5, using: &numbers) {
      case 0:
        try file.sync()
        states = [next]
        continue
      case 1:
        let size = Int.random(in: 0...2000, using: &numbers)
        next = Array(next.prefix(size)) + Array(repeating: 0, count: max(0, size - next.count))
        try file.truncate(to: size)
      default:
        let (offset, count) = (Int.random(in: 0..<1500, using: &numbers), Int.random(in: 1..<1500, using: &numbers))
        let bytes = [UInt8](repeating: UInt8.random(in: 1...255, using: &numbers), count: count)
        next += Array(repeating: 0, count: max(0, offset + count - next.count))
        next.replaceSubrange(offset..<(offset + count), with: bytes)
        try file.write(bytes, at: offset)
      }
      states.append(next)
      try hold(try disk.readFile("f") == next, "seed \(seed)")
    }
    disk.crash(kind, seed: seed)
    let found = try disk.readFile("f")
    let context = "seed \(seed) \(kind)"
    switch kind {
    case .processOnly: try hold(found == states.last, context)
    case .allLost: try hold(found == states.first, context)
    case .prefixKept: try hold(states.contains(found), context)
    case .torn:
      // Up to some change all is there; of the next one each sector is old, new, or zeros that the file grew over.
      let isExplained =
        states.contains(found)
        || zip(states, states.dropFirst()).contains { before, after in sectorsAreOf([before, after], found) }
      try hold(isExplained, context)
    case .scattered: try hold(sectorsAreOf(states, found), context)
    }
  }

  /// Whether every byte of `found` is that of one of the states at its place, or a zero, and its size not beyond theirs.
  private func sectorsAreOf(_ states: [[UInt8]], _ found: [UInt8]) -> Bool {
    found.count <= (states.map(\.count).max() ?? 0)
      && found.indices.allSatisfy { index in
        found[index] == 0 || states.contains { index < $0.count && $0[index] == found[index] }
      }
  }

  @Test("a torn write tears at sector borders, and every mixture of its sectors occurs")
  func tearing() throws {
    var mixtures: Set<[UInt8]> = []
    for seed in 0..<300 as Range<UInt64> {
      let disk = SimulatedDisk()
      let file = try disk.open("f", .create)
      try file.write([UInt8](repeating: 1, count: 1536), at: 0)
      try file.sync()
      try disk.syncDirectory("/")
      try file.write([UInt8](repeating: 2, count: 1000), at: 100)
      disk.crash(.torn, seed: seed)
      let found = try disk.readFile("f")
      let runs = [0..<100, 100..<512, 512..<1024, 1024..<1100, 1100..<1536].map { Set(found[$0]) }
      try hold(runs.allSatisfy { $0.count == 1 }, "seed \(seed)")
      try hold(runs[0] == [1] && runs[4] == [1], "seed \(seed)")
      mixtures.insert(runs[1...3].flatMap { $0 })
    }
    #expect(mixtures.count == 8)
  }

  @Test("the same calls and seed give the same disk")
  func deterministic() throws {
    func life(_ seed: UInt64) throws -> [[UInt8]] {
      let disk = SimulatedDisk()
      for name in ["a", "b", "c", "d", "e"] {
        let file = try disk.open(name, .create)
        for block in 0..<5 { try file.write([UInt8](repeating: UInt8(block + 1), count: 700), at: block * 700) }
      }
      try disk.syncDirectory("/")
      disk.crash(.scattered, seed: seed)
      return try disk.list("/").map { try disk.readFile($0) }
    }
    #expect(try life(5) == life(5))
    #expect(try life(5) != life(6))
  }

  @Test("a full disk takes what fits, says ENOSPC, and is free again when files go")
  func full() throws {
    let disk = SimulatedDisk(capacityBytes: 10)
    let file = try disk.open("f", .create)
    try file.write([1, 2, 3, 4], at: 0)
    #expect(try disk.freeSpace("/").freeBytes == 6)
    #expect(code { () throws(DiskError) in try file.write([UInt8](repeating: 5, count: 20), at: 2) } == ENOSPC)
    #expect(try disk.readFile("f") == [1, 2, 5, 5, 5, 5, 5, 5, 5, 5])
    try file.write([9], at: 0)
    #expect(code { () throws(DiskError) in try file.truncate(to: 11) } == ENOSPC)
    try disk.link("f", to: "g")
    try disk.removeFile("f")
    #expect(disk.usedBytes == 10)
    try disk.removeFile("g")
    #expect(disk.usedBytes == 10)
    try file.close()
    #expect(disk.usedBytes == 0)
    disk.setFreeBytes(3)
    #expect(code { () throws(DiskError) in try disk.open("h", .create).write([1, 2, 3, 4], at: 0) } == ENOSPC)
    #expect(try disk.readFile("h") == [1, 2, 3])
  }

  @Test("an ordered stop ends everything until the crash")
  func stops() throws {
    let disk = SimulatedDisk()
    disk.stop(afterOperation: 2)
    let file = try disk.open("f", .create)
    try file.write([1], at: 0)
    #expect(try file.read(1, at: 0) == [1])
    #expect(code { () throws(DiskError) in try file.write([2], at: 0) } == EIO)
    #expect(disk.isStopped && disk.operationCount == 2)
    #expect(code { () throws(DiskError) in _ = try file.read(1, at: 0) } == EIO)
    #expect(code { () throws(DiskError) in _ = try disk.list("/") } == EIO)
    #expect(code { () throws(DiskError) in try file.close() } == EIO)
    disk.crash(.processOnly)
    #expect(try disk.readFile("f") == [1] && !disk.isStopped)
  }

  @Test("faults hit the operation or the path they name, as often as they say")
  func faults() throws {
    let disk = SimulatedDisk()
    disk.inject(SimulatedFault(code: EIO, operation: 2, writtenBytes: 1))
    disk.inject(SimulatedFault(code: EACCES, times: 2) { operation, path in operation == .open && path.hasSuffix("f") })
    let file = try disk.open("f", .create)
    #expect(code { () throws(DiskError) in try file.write([1, 2], at: 0) } == EIO)
    try file.write([3], at: 5)
    #expect(try file.read(9, at: 0) == [1, 0, 0, 0, 0, 3])
    for _ in 0..<2 { #expect(code { () throws(DiskError) in _ = try disk.open("f", .read) } == EACCES) }
    _ = try disk.open("f", .read)
    disk.inject(SimulatedFault(code: EIO) { _, _ in true })
    #expect(code { () throws(DiskError) in _ = try disk.list("/") } == EIO)
    disk.removeFaults()
    #expect(try disk.list("/") == ["f"])
  }

  @Test("a failed sync loses its bytes for good, and the file knows")
  func failedSync() throws {
    let disk = SimulatedDisk()
    let file = try disk.open("f", .create)
    try disk.syncDirectory("/")
    try file.write([1, 2], at: 0)
    disk.inject(SimulatedFault(code: EIO, times: 1) { operation, _ in operation == .sync })
    for _ in 0..<2 { #expect(code { () throws(DiskError) in try file.sync() } == EIO) }
    try file.write([3], at: 2)
    #expect(code { () throws(DiskError) in try file.sync() } == EIO)
    try disk.open("f", .readWrite).sync()
    #expect(try disk.readFile("f") == [1, 2, 3])
    disk.crash(.allLost)
    #expect(try disk.readFile("f") == [0, 0, 3])
  }
}
