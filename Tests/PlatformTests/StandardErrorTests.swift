import Glibc
import Testing

@testable import Platform

@Suite struct StandardErrorTests {
  @Test("lines of several threads never mix, even when the pipe takes them in parts")
  func wholeLines() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    let (readEnd, writeEnd) = (ends[0], ends[1])
    defer { _ = Glibc.close(readEnd) }
    let writers = try (0..<4).map { index in
      try NamedThread(name: "writer-\(index)") {
        let line = String(repeating: Character(UnicodeScalar(UInt8(97 + index))), count: 6000)
        for _ in 0..<20 { StandardError.writeLine(line, to: writeEnd) }
      }
    }
    let closer = try NamedThread(name: "closer") {
      for writer in writers { writer.join() }
      _ = Glibc.close(writeEnd)
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(readEnd, &chunk, chunk.count)
      if count <= 0 { break }
      bytes += chunk[..<count]
    }
    closer.join()
    let lines = bytes.split(separator: UInt8(ascii: "\n"))
    #expect(lines.count == 80)
    #expect(lines.allSatisfy { $0.count == 6000 && Set($0).count == 1 })
  }

  @Test("a closed standard error loses the line and nothing else")
  func closed() { StandardError.writeLine("lost", to: -1) }
}
