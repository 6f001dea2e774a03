import Glibc
import Testing

@testable import Platform

@Suite struct StreamedFileTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func pipe(_ name: String) -> String {
    let path = directory.path + "/" + name
    #expect(mkfifo(path, 0o600) == 0)
    return path
  }

  @Test("a pipe is read to its end, in however many parts it comes") func pipes() throws {
    let path = pipe("p")
    let content = (0..<200_000).map { UInt8(truncatingIfNeeded: $0) }
    let writer = try NamedThread(name: "writer") {
      guard let file = fopen(path, "w") else { return }
      _ = fwrite(content, 1, content.count, file)
      fclose(file)
    }
    #expect(try StreamedFile.bytes(path, bytesMax: 1 << 20, within: 60_000) == content)
    writer.join()
  }

  @Test("a pipe that nobody writes to, or that has no end, is given up in time") func late() throws {
    let path = pipe("p")
    #expect(throws: StreamedFileError.late(milliseconds: 20, bytes: 0)) {
      try StreamedFile.bytes(path, bytesMax: 100, within: 20)
    }
    let descriptor = open(path, O_RDWR)
    defer { close(descriptor) }
    #expect(write(descriptor, "abc", 3) == 3)
    #expect(throws: StreamedFileError.late(milliseconds: 20, bytes: 3)) {
      try StreamedFile.bytes(path, bytesMax: 100, within: 20)
    }
  }

  @Test("what has no end is given up past its limit; errors are the system's") func limits() throws {
    #expect(throws: StreamedFileError.tooLong(bytesMax: 1 << 20)) {
      try StreamedFile.bytes("/dev/zero", bytesMax: 1 << 20, within: nil)
    }
    #expect(try StreamedFile.bytes("/dev/null", bytesMax: 1, within: nil).isEmpty)
    for (path, text) in [("/none", "No such file or directory"), ("/tmp", "Is a directory")] {
      let error = #expect(throws: StreamedFileError.self) {
        try StreamedFile.bytes(path, bytesMax: 1, within: nil)
      }
      #expect(error?.description == text)
    }
  }
}
