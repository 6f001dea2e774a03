import PlatformSimulation
import Testing

@testable import Platform

@Suite struct SealedFileTests {
  private let disk = SimulatedDisk()

  private func file(_ format: Int = 2) throws -> SealedFile {
    try disk.makeDirectories("/d")
    return SealedFile("/d/f", name: "test", format: format, on: disk) { $0.starts(with: [1]) ? $0 : nil }
  }

  @Test("the bytes are a title, the body and a checksum")
  func knownBytes() throws {
    let bytes = try file().seal(Array("123456789".utf8))
    #expect(String(decoding: bytes, as: UTF8.self) == "apus test 2\n123456789crc32c f39a66f8\n")
  }

  @Test("any body is read as it was written, and the generation before where the present one is damaged")
  func generations() throws {
    let file = try file()
    #expect(file.read().contents == nil && file.read().damage == nil)
    let bodies: [[UInt8]] = [[], [10, 0, 255], Array("crc32c 00000000\n".utf8), [1, 2]]
    for (place, body) in bodies.enumerated() {
      try file.write(body)
      #expect(file.read().contents?.body == body && file.read().damage == nil)
      try AtomicReplace.write([7], to: "/d/f", on: disk)
      let reading = file.read()
      #expect(reading.damage != nil && reading.isPrevious == (place > 0))
      #expect(reading.contents?.body == (place > 0 ? bodies[place - 1] : nil))
      // A damaged generation never takes the place of a whole one.
      try file.write(body)
      #expect(file.read().contents?.body == body)
      try AtomicReplace.write(file.seal(body), to: "/d/f", on: disk)
    }
    try disk.removeFile("/d/f")
    #expect(file.read().isPrevious && file.read().damage == "the file is missing")
  }

  @Test("what an older version wrote is read; an objection makes a whole file no use")
  func others() throws {
    let file = try file()
    try AtomicReplace.write([1, 5], to: "/d/f", on: disk)
    #expect(file.read().contents == SealedFile.Contents(format: 0, body: [1, 5]))
    #expect(file.read { _ in "it is too green" }.damage == "it is too green")
    try file.write([2])
    #expect(file.read { $0.body == [2] ? "no" : nil }.contents?.body == [1, 5])
  }

  @Test("a crash at any step leaves the old or the new generation, and one before it")
  func crashes() throws {
    var step = 0
    var isFinished = false
    while !isFinished {
      let disk = SimulatedDisk()
      try disk.makeDirectories("/d")
      let file = SealedFile("/d/f", name: "test", format: 1, on: disk)
      for body in [[1], [2]] as [[UInt8]] { try file.write(body) }
      disk.stop(afterOperation: disk.operationCount + step)
      _ = try? file.write([3])
      isFinished = !disk.isStopped
      disk.crash(seed: UInt64(step))
      let reading = file.read()
      #expect(reading.damage == nil && [[2], [3]].contains(reading.contents?.body), "step \(step)")
      step += 1
    }
    #expect(step > 4)
  }

  @Test("a file that cannot be read is said to be that, and the one before is used")
  func unreadable() throws {
    let file = try file()
    for body in [[3], [4]] as [[UInt8]] { try file.write(body) }
    disk.inject(SimulatedFault(code: 5) { operation, path in operation == .read && path == "/d/f" })
    let reading = file.read()
    #expect(reading.contents?.body == [3] && reading.damage?.contains("cannot be read") == true)
  }
}

@Suite struct QuarantineTests {
  private let disk = SimulatedDisk()
  private let lines = Lines()

  private func quarantine(files: Int = 3, bytes: Int = 100) throws -> Quarantine {
    try disk.makeDirectories("/d")
    return Quarantine(
      disk, "/d/quarantine", log: Log(level: .warn, format: .logfmt) { [lines] in lines.add($0) }, filesMax: files,
      bytesMax: bytes)
  }

  private func write(_ name: String, _ bytes: Int) throws -> String {
    try AtomicReplace.write(Array(repeating: 7, count: bytes), to: "/d/\(name)", on: disk)
    return "/d/\(name)"
  }

  @Test("what is kept outlives the replacement of the original; the same damage is kept once, an empty file never")
  func keeps() throws {
    let quarantine = try quarantine()
    let path = try write("a", 5)
    #expect(quarantine.keep(path, as: "x-a") == "/d/quarantine/x-a")
    #expect(quarantine.keep(path, as: "x-a") == "/d/quarantine/x-a")
    _ = try write("a", 9)
    #expect(quarantine.keep(path, as: "x-a") == "/d/quarantine/x-a.1")
    #expect(try disk.readFile("/d/quarantine/x-a").count == 5)
    #expect(quarantine.keep(try write("b", 0), as: "b") == nil)
    #expect(try disk.list("/d/quarantine") == ["x-a", "x-a.1"])
    #expect(lines.all.isEmpty)
  }

  @Test("it is bounded in files and bytes: the oldest go, and that is said; folders stay")
  func bounds() throws {
    let quarantine = try quarantine()
    try disk.makeDirectories("/d/quarantine/01BLOCK")
    for number in 0..<5 { _ = quarantine.keep(try write("f\(number)", 10 + number), as: "f\(number)") }
    #expect(try disk.list("/d/quarantine") == ["01BLOCK", "f2", "f3", "f4"])
    #expect(lines.all.count == 2)
    _ = quarantine.keep(try write("big", 80), as: "big")
    #expect(try disk.list("/d/quarantine") == ["01BLOCK", "big", "f4"])
    #expect(quarantine.keep(try write("huge", 101), as: "huge") == nil)
    #expect(try disk.list("/d/quarantine") == ["01BLOCK", "big", "f4"])
    #expect(lines.all.contains { $0.contains("huge") })
  }
}
