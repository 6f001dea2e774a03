import Glibc
import Testing

@testable import Platform

@Suite struct DiskTests {
  @Test("a file is written and read at any offset", arguments: DiskUnderTest.allCases)
  func readsAndWrites(_ kind: DiskUnderTest) throws {
    let (disk, directory) = try kind.make()
    let file = try disk.open(directory("f"), .readWrite)
    #expect(try file.size() == 0)
    #expect(try file.read(10, at: 0) == [])
    try file.write([1, 2, 3], at: 0)
    try file.write([9, 9], at: 5)
    try file.write([], at: 100)
    #expect(try file.size() == 7)
    #expect(try file.read(100, at: 0) == [1, 2, 3, 0, 0, 9, 9])
    #expect(try file.read(2, at: 1) == [2, 3])
    #expect(try file.read(2, at: 7) == [])
    try file.write([7], at: 1)
    try file.truncate(to: 2)
    #expect(try disk.readFile(directory("f")) == [1, 7])
    try file.truncate(to: 4)
    #expect(try disk.readFile(directory("f")) == [1, 7, 0, 0])
    try file.sync()
    #expect(try disk.status(directory("f")).size == 4)
    try file.close()
    try file.close()
    #expect(code { () throws(DiskError) in try file.write([1], at: 0) } == EBADF)
    #expect(code { () throws(DiskError) in _ = try file.read(1, at: 0) } == EBADF)
  }

  @Test("the ways to open differ in what must exist and what is cut", arguments: DiskUnderTest.allCases)
  func access(_ kind: DiskUnderTest) throws {
    let (disk, directory) = try kind.make()
    func open(_ access: FileAccess) -> Int32 {
      code { () throws(DiskError) in _ = try disk.open(directory("f"), access) }
    }
    #expect(open(.read) == ENOENT)
    #expect(open(.create) == 0)
    #expect(open(.create) == EEXIST)
    try disk.open(directory("f"), .readWrite).write([1, 2], at: 0)
    #expect(try disk.open(directory("f"), .readWrite).size() == 2)
    let reader = try disk.open(directory("f"), .read)
    #expect(code { () throws(DiskError) in try reader.write([1], at: 0) } == EBADF)
    #expect(code { () throws(DiskError) in try reader.truncate(to: 0) } == EINVAL)
    #expect(try disk.open(directory("f"), .truncate).size() == 0)
    #expect(code { () throws(DiskError) in _ = try disk.open(directory("f/x"), .create) } == ENOTDIR)
    #expect(code { () throws(DiskError) in _ = try disk.open(directory("no/x"), .create) } == ENOENT)
  }

  @Test("mapped bytes stay when the file goes, and an empty file is no bytes", arguments: DiskUnderTest.allCases)
  func maps(_ kind: DiskUnderTest) throws {
    let (disk, directory) = try kind.make()
    let file = try disk.open(directory("f"), .create)
    #expect(try disk.map(directory("f")).bytes.isEmpty)
    let content = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
    try file.write(content, at: 0)
    let mapped = try disk.map(directory("f"))
    try disk.removeFile(directory("f"))
    #expect(Array(mapped.bytes) == content)
    #expect(code { () throws(DiskError) in _ = try disk.map(directory("f")) } == ENOENT)
    #expect(code { () throws(DiskError) in _ = try disk.map(directory.path) } == ENODEV)
  }

  @Test("names are listed by their bytes", arguments: DiskUnderTest.allCases)
  func lists(_ kind: DiskUnderTest) throws {
    let (disk, directory) = try kind.make()
    for name in ["b", "a", "Z", "00000010", "00000002", "é", "e\u{301}", "~"] {
      _ = try disk.open(directory(name), .create)
    }
    #expect(
      try disk.list(directory.path).map { Array($0.utf8) }
        == ["00000002", "00000010", "Z", "a", "b", "e\u{301}", "~", "é"].map { Array($0.utf8) })
    let free = try disk.freeSpace(directory.path)
    #expect(free.freeBytes > 0 && free.freeBytes <= free.totalBytes)
  }

  @Test("errors name the operation, the file and the cause", arguments: DiskUnderTest.allCases)
  func errors(_ kind: DiskUnderTest) throws {
    let (disk, _) = try kind.make()
    #expect(throws: DiskError(operation: "open", path: "/no/such", code: ENOENT)) { try disk.open("/no/such", .read) }
    #expect(throws: DiskError(operation: "unlink", path: "/no", code: ENOENT)) { try disk.removeFile("/no") }
    #expect(DiskError(operation: "open", path: "/x", code: ENOENT).description == "open /x: No such file or directory")
    #expect(DiskError(operation: "write", path: "/x", code: ENOSPC).isDiskFull)
  }

  @Test("a path with a NUL names no file") func nul() {
    #expect(code { () throws(DiskError) in _ = try LinuxDisk().status("/tmp\0x") } == EINVAL)
  }

  @Test("directories are made as deep as needed, and trees removed whole", arguments: DiskUnderTest.allCases)
  func trees(_ kind: DiskUnderTest) throws {
    let (disk, directory) = try kind.make()
    try disk.makeDirectories(directory("a/b/c"))
    try disk.makeDirectories(directory("a/b/c"))
    _ = try disk.open(directory("a/b/f"), .create)
    _ = try disk.open(directory("a/b/c/g"), .create)
    #expect(code { () throws(DiskError) in try disk.makeDirectories(directory("a/b/f")) } == ENOTDIR)
    #expect(code { () throws(DiskError) in try disk.makeDirectories(directory("a/b/f/x")) } == ENOTDIR)
    try disk.removeTree(directory("a"))
    try disk.removeTree(directory("a"))
    #expect(try disk.list(directory.path) == [])
    _ = try disk.open(directory("f"), .create)
    try disk.removeTree(directory("f"))
    #expect(try disk.list(directory.path) == [])
  }

  @Test("removing a tree removes a link in it, not what the link points to") func links() throws {
    let (disk, directory) = try DiskUnderTest.linux.make()
    try disk.makeDirectories(directory("kept/inside"))
    try disk.makeDirectories(directory("gone"))
    #expect(symlink(directory("kept"), directory("gone/link")) == 0)
    try disk.removeTree(directory("gone"))
    #expect(try disk.list(directory.path) == ["kept"])
    #expect(try disk.list(directory("kept")) == ["inside"])
  }

  @Test("a descriptor is closed with its file, and closed for programs that are started") func descriptors() throws {
    let (disk, directory) = try DiskUnderTest.linux.make()
    do {
      let file = try disk.open(directory("f"), .create)
      #expect(try openPaths().filter { $0 == file.path }.count == 1)
    }
    #expect(try openPaths().filter { $0 == directory("f") }.count == 0)
    let descriptor = try SystemCalls.open(directory("f"), O_RDONLY)
    #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
    try SystemCalls.close(descriptor, path: "f")
  }

  private func openPaths() throws -> [String] {
    try SystemCalls.list("/proc/self/fd").compactMap { name in
      var target = [CChar](repeating: 0, count: 4096)
      let count = readlink("/proc/self/fd/" + name, &target, target.count)
      return count < 0 ? nil : String(decoding: target[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }

  @Test("parents, names and joins of paths") func paths() {
    let parents = [
      ("a/b", "a"), ("a", "."), ("/a", "/"), ("/", "/"), ("a/b/", "a"), ("//a", "/"), ("", "."), ("a//b", "a"),
    ]
    for (path, parent) in parents { #expect(DiskPath.parent(path) == parent) }
    for (path, name) in [("a/b", "b"), ("a", "a"), ("/a/", "a"), ("/", "")] { #expect(DiskPath.name(path) == name) }
    for (directory, joined) in [("a", "a/b"), ("a/", "a/b"), ("/", "/b"), ("", "b")] {
      #expect(DiskPath.join(directory, "b") == joined)
    }
  }

  @Test("the simulated disk answers as the machine's does", arguments: 1...6 as ClosedRange<UInt64>)
  func parity(seed: UInt64) throws {
    let real = try DiskUnderTest.linux.make()
    let simulated = try DiskUnderTest.simulated.make()
    var numbers = SeededNumbers(seed: seed)
    let paths = ["a", "b", "a/x", "a/y", "b/x", "a/x/z", "c", "b/x/q"]
    for step in 0..<600 {
      let choice = Int.random(in: 0..<12, using: &numbers)
      let (first, second) = (paths.randomElement(using: &numbers) ?? "a", paths.randomElement(using: &numbers) ?? "a")
      let (offset, byte) = (Int.random(in: 0..<40, using: &numbers), UInt8.random(in: 0...255, using: &numbers))
      func outcome(_ disk: any Disk, _ directory: TemporaryDirectory) -> String {
        let (path, other) = (directory(first), directory(second))
        do {
          switch choice {
          case 0, 1: try disk.makeDirectory(path)
          case 2: _ = try disk.open(path, .create)
          case 3: try disk.open(path, .readWrite).write(Array(repeating: byte, count: offset % 7), at: offset)
          case 4: _ = try disk.open(path, .truncate)
          case 5, 6: try disk.rename(path, to: other)
          case 7: try disk.link(path, to: other)
          case 8: try disk.removeFile(path)
          case 9: try disk.removeDirectory(path)
          case 10: try disk.open(path, .readWrite).truncate(to: offset)
          default: return try "\(disk.list(path))"
          }
          return "ok"
        } catch {
          return "\(error.operation) \(error.code)"
        }
      }
      let (expected, found) = (outcome(real.disk, real.directory), outcome(simulated.disk, simulated.directory))
      try hold(expected == found, "seed \(seed) step \(step): \(choice) \(first) \(second): \(found), not \(expected)")
      try hold(
        tree(real.disk, real.directory.path) == tree(simulated.disk, simulated.directory.path),
        "seed \(seed) step \(step): \(choice) \(first) \(second)")
    }
  }

  private func tree(_ disk: any Disk, _ path: String) throws -> [String: [UInt8]] {
    var found: [String: [UInt8]] = [:]
    func walk(_ directory: String, _ prefix: String) throws {
      for name in try disk.list(directory) {
        let path = DiskPath.join(directory, name)
        if try disk.status(path).kind == .directory {
          found[prefix + name + "/"] = []
          try walk(path, prefix + name + "/")
        } else {
          found[prefix + name] = try disk.readFile(path)
        }
      }
    }
    try walk(path, "")
    return found
  }
}
