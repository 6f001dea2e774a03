import Glibc
import Testing

@testable import Platform

@Suite("Watched directories")
struct DirectoryWatchTests {
  private final class Count: Sendable {
    private let state = Monitor(0)
    func add() {
      state.withLock { $0 += 1 }
      state.wakeAll()
    }
    var value: Int { state.withLock { $0 } }
    func passes(_ value: Int) -> Bool {
      state.wait(until: Deadline(milliseconds: 20_000)) { $0 > value ? true : nil } ?? false
    }
  }

  private func write(_ path: String) throws {
    let file = try LinuxDisk().open(path, .truncate)
    try file.write([1], at: 0)
    try file.close()
  }

  @Test("all who watch a directory are told, and those who have ended are not")
  func shared() throws {
    let directory = try TemporaryDirectory()
    let watch = DirectoryWatch()
    let (one, two) = (Count(), Count())
    let (first, second) = (watch.add { one.add() }, watch.add { two.add() })
    #expect(watch.watch([directory.path], for: first) == [] && watch.watch([directory.path], for: second) == [])
    try write(directory("a"))
    #expect(one.passes(0) && two.passes(0))
    watch.remove(first)
    let before = (one.value, two.value)
    try LinuxDisk().rename(directory("a"), to: directory("b"))
    #expect(two.passes(before.1))
    #expect(one.value == before.0)
    try LinuxDisk().removeFile(directory("b"))
    watch.remove(second)
    watch.remove(second)
    #expect(watch.watch([directory.path], for: second) == [])
  }

  @Test("a directory that is no longer asked for is not watched, and one that is another now is")
  func moved() throws {
    let directory = try TemporaryDirectory()
    let disk = LinuxDisk()
    for name in ["a", "b"] { try disk.makeDirectory(directory(name)) }
    symlink("a", directory("now"))
    let watch = DirectoryWatch()
    let count = Count()
    let id = watch.add { count.add() }
    defer { watch.remove(id) }
    #expect(watch.watch([directory("now")], for: id) == [])
    try write(directory("a/x"))
    #expect(count.passes(0))
    unlink(directory("now"))
    symlink("b", directory("now"))
    #expect(watch.watch([directory("now")], for: id) == [])
    let before = count.value
    try write(directory("b/x"))
    #expect(count.passes(before))
  }

  @Test("what cannot be watched is named with the system's reason")
  func missing() throws {
    let directory = try TemporaryDirectory()
    try write(directory("file"))
    let watch = DirectoryWatch()
    let id = watch.add {}
    defer { watch.remove(id) }
    let errors = watch.watch([directory("none"), directory.path, directory("file")], for: id)
    #expect(errors.map(\.path) == [directory("none"), directory("file")])
    #expect(errors[0].description == "watch \(directory("none")): No such file or directory")
    #expect(!errors[0].isOfTheSystem && !errors[1].isOfTheSystem)
  }

  @Test("without anybody to tell there is no thread and no descriptor")
  func ends() throws {
    let directory = try TemporaryDirectory()
    func links() throws -> Int {
      try LinuxDisk().list("/proc/self/fd").filter { name in
        var target = [CChar](repeating: 0, count: 64)
        return readlink("/proc/self/fd/\(name)", &target, 63) > 0
          && String(decoding: target.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            == "anon_inode:inotify"
      }.count
    }
    let watches = (0..<20).map { _ in DirectoryWatch() }
    let ids = watches.map { watch in watch.add {} }
    for (watch, id) in zip(watches, ids) { #expect(watch.watch([directory.path], for: id) == []) }
    #expect(try links() >= 20)
    for (watch, id) in zip(watches, ids) { watch.remove(id) }
    var left = try links()
    for _ in 0..<2_000 where left >= 20 {
      usleep(5_000)
      left = try links()
    }
    #expect(left < 20)
  }
}
