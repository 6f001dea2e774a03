import Glibc
import PlatformSimulation
import Testing

@testable import Platform

@Suite struct AppendFileTests {
  @Test(
    "any appends through any buffer give their bytes at the offsets that were told", arguments: DiskUnderTest.allCases)
  func appends(_ kind: DiskUnderTest) throws {
    let (disk, directory) = try kind.make()
    for bufferBytes in [0, 1, 2, 3, 8, 100] {
      var numbers = SeededNumbers(seed: UInt64(bufferBytes))
      let path = directory("f\(bufferBytes)")
      try disk.open(path, .create).write([7, 7], at: 0)
      let file = try AppendFile(path, on: disk, bufferBytes: bufferBytes)
      var expected: [UInt8] = [7, 7]
      for step in 0..<60 {
        let bytes = (0..<Int.random(in: 0..<12, using: &numbers)).map { _ in UInt8(step) }
        #expect(try file.append(bytes) == expected.count)
        expected += bytes
        #expect(file.size == expected.count)
        #expect(try file.file.size() >= expected.count - bufferBytes)
        if step % 17 == 16 {
          try file.truncate(to: expected.count - 2)
          expected.removeLast(2)
        }
      }
      try file.sync()
      #expect(try disk.readFile(path) == expected)
      try file.append([1])
      try file.close()
      #expect(try disk.readFile(path) == expected + [1])
    }
  }

  @Test("a failed append takes nothing and can be repeated; a failed flush keeps the buffer", arguments: [0, 4, 16])
  func failures(bufferBytes: Int) throws {
    for stop in 1...20 {
      let disk = SimulatedDisk()
      let file = try AppendFile("f", on: disk, .create, bufferBytes: bufferBytes)
      disk.inject(SimulatedFault(code: ENOSPC, operation: stop, writtenBytes: 2))
      var expected: [UInt8] = []
      var failureCount = 0
      for step in 0..<20 {
        let bytes = [UInt8](repeating: UInt8(step), count: step % 7)
        if code({ () throws(DiskError) in _ = try file.append(bytes) }) != 0 {
          failureCount += 1
          #expect(file.size == expected.count)
          try file.append(bytes)
        }
        expected += bytes
      }
      if code({ () throws(DiskError) in try file.flush() }) != 0 {
        failureCount += 1
        try file.flush()
      }
      #expect(failureCount == (disk.operationCount >= stop && stop > 1 ? 1 : 0))
      #expect(try disk.readFile("f") == expected)
    }
  }

  @Test("a replacement that is given up, or fails, leaves the old file and no other", arguments: DiskUnderTest.allCases)
  func givenUp(_ kind: DiskUnderTest) throws {
    let (disk, directory) = try kind.make()
    let path = directory("f")
    try AtomicReplace.write([1], to: path, on: disk)
    do {
      let replacement = try AtomicReplace(path, on: disk)
      try replacement.file.append([2, 2])
      #expect(try disk.list(directory.path) == ["f", "f.tmp"])
    }
    #expect(try disk.list(directory.path) == ["f"])
    #expect(try disk.readFile(path) == [1])
    let replacement = try AtomicReplace(path, on: disk)
    try replacement.file.append([3, 3, 3])
    try replacement.commit()
    #expect(try disk.list(directory.path) == ["f"])
    #expect(try disk.readFile(path) == [3, 3, 3])
  }

  @Test("a replacement on a full disk fails and frees what it took")
  func fullDisk() throws {
    let disk = SimulatedDisk()
    try AtomicReplace.write([1], to: "f", on: disk)
    disk.setFreeBytes(10)
    #expect(
      code { () throws(DiskError) in try AtomicReplace.write(Array(repeating: 2, count: 11), to: "f", on: disk) }
        == ENOSPC)
    #expect(try disk.readFile("f") == [1] && disk.list("/") == ["f"] && disk.usedBytes == 1)
  }
}
