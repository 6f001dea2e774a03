import Platform
import PlatformSimulation
import Testing

@testable import Rules

@Suite("Files of rules on a disk") struct RuleFilesTests {
  private func disk(_ files: [(path: String, text: String)]) throws -> SimulatedDisk {
    let disk = SimulatedDisk()
    try disk.makeDirectory("r")
    try disk.makeDirectory("r/sub.yml")
    for file in files { try AtomicReplace.write(Array(file.text.utf8), to: file.path, on: disk) }
    return disk
  }

  private static func text(_ group: String) -> String { "groups: [{name: \(group), rules: [{record: x, expr: up}]}]" }

  @Test("stars stand for files of a folder, sorted; what names nothing is nothing; no file is read twice")
  func patterns() throws {
    let disk = try disk([("r/b.yml", Self.text("b")), ("r/a.yml", Self.text("a")), ("r/c.yaml", "[")])
    func groups(_ patterns: [String]) throws -> [String] { try RuleFiles.load(patterns, on: disk).map(\.key) }
    #expect(try groups(["r/?.yml"]) == ["r/a.yml;a", "r/b.yml;b"])
    #expect(try groups(["r/b.yml", "r/[a-c].yml", "r/b*l"]) == ["r/b.yml;b", "r/a.yml;a"])
    #expect(try groups(["r/d.yml", "none/*.yml", "none/a.yml"]) == [])
    #expect(try groups(["?/a*"]) == ["r/a.yml;a"])
    #expect(RuleFiles(["r/d.yml", "r/b.yml", "r/d*.yml"], on: disk).missing == ["r/d.yml"])
  }

  @Test("errors of all files are told; the groups of the others are there for whoever wants them")
  func errors() throws {
    let disk = try disk([("r/a.yml", "groups: 5"), ("r/b.yml", Self.text("b")), ("r/c.yml", "groups: [{name: ''}]")])
    let files = RuleFiles(["r/*.yml", "r/[.yml"], on: disk)
    #expect(files.paths == ["r/a.yml", "r/b.yml", "r/c.yml", "r/sub.yml"])
    #expect(files.refusedPaths == ["r/a.yml", "r/c.yml", "r/sub.yml"] && files.groups.map(\.key) == ["r/b.yml;b"])
    #expect(
      files.errors.lines == [
        "r/a.yml: yaml: unmarshal errors:\n  line 1: cannot unmarshal !!int `5` into []rulefmt.RuleGroup",
        "r/c.yml: 1:10: Groupname must not be empty", "r/sub.yml: read r/sub.yml: is a directory",
        "failed retrieving rule files for \"r/[.yml\": syntax error in pattern",
      ])
    #expect(throws: RuleFileErrors.self) { try RuleFiles.load(["r/*.yml"], on: disk) }
  }

  @Test("what is no regular file is refused: a pipe would keep its reader waiting") func irregular() {
    let files = RuleFiles(["/dev/null"], on: LinuxDisk())
    #expect(files.errors.lines == ["/dev/null: read /dev/null: is no regular file"])
  }
}
