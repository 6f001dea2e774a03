import Glibc
import Model
import Platform
import TestKit
import Testing

@testable import Discovery

@Suite("Targets in files")
struct FileDiscoveryTests {
  private func options(_ files: String..., refreshMilliseconds: Int64 = 300_000) -> DiscoveryOptions {
    var options = FileDiscoveryOptions()
    options.files = files
    options.refreshMilliseconds = refreshMilliseconds
    return .file(options)
  }

  @Test("JSON and YAML files are read, with their path as label and their time as metric")
  func both() throws {
    let folder = try TemporaryDirectory()
    try folder.write("[{\"targets\": [\"a:1\", \"b:2\"], \"labels\": {\"env\": \"p\"}}]", to: "x.json")
    try folder.write("- targets: [c:3]\n- labels: {le: 5}\n  targets: ['d:4']\n", to: "y.yml")
    let bench = DiscoveryBench()
    defer { bench.set.stop() }
    bench.set.apply([("j", [options(folder.path("*.json"), folder.path("*.yml"))])])
    #expect(bench.told.waits(for: ["a:1", "b:2", "c:3", "d:4"], of: "j"))
    let groups = try #require(bench.told.groups("j"))
    #expect(groups.map(\.source) == [folder.path("x.json:0"), folder.path("y.yml:0"), folder.path("y.yml:1")])
    #expect(groups[0].labels == Labels([("env", "p"), ("__meta_filepath", folder.path("x.json"))]))
    #expect(groups[2].labels["le"] == "5")
    let times = bench.metrics("prometheus_sd_file_mtime_seconds{")
    #expect(
      times.count == 2 && times[0].hasPrefix("prometheus_sd_file_mtime_seconds{filename=\"\(folder.path)/x.json\"}"))
    #expect(
      bench.metrics("prometheus_sd_file_scan_duration_seconds_count") != [
        "prometheus_sd_file_scan_duration_seconds_count 0"
      ])
  }

  @Test(
    "a change in place, a rename over the file, a new file and a deletion are noticed without waiting for the interval")
  func changes() throws {
    let folder = try TemporaryDirectory()
    try folder.write("[{\"targets\": [\"a:1\"]}]", to: "x.json")
    let bench = DiscoveryBench()
    defer { bench.set.stop() }
    bench.set.apply([("j", [options(folder.path("*.json"))])])
    #expect(bench.told.waits(for: ["a:1"], of: "j"))
    try folder.write("[{\"targets\": [\"a:2\"]}]", to: "x.json")
    #expect(bench.told.waits(for: ["a:2"], of: "j"))
    try folder.write("[{\"targets\": [\"a:3\"]}]", to: "new.tmp")
    rename(folder.path("new.tmp"), folder.path("x.json"))
    #expect(bench.told.waits(for: ["a:3"], of: "j"))
    try folder.write("[{\"targets\": [\"b:1\"]}, {\"targets\": [\"b:2\"]}]", to: "y.json")
    #expect(bench.told.waits(for: ["a:3", "b:1", "b:2"], of: "j"))
    try folder.write("[{\"targets\": [\"b:1\"]}]", to: "y.json")
    #expect(bench.told.waits(for: ["a:3", "b:1"], of: "j"))
    try removeFile(folder.path("x.json"))
    #expect(bench.told.waits(for: ["b:1"], of: "j"))
    #expect(bench.metrics("prometheus_sd_file_mtime_seconds{").count == 1)
  }

  @Test("a file that is half written keeps the groups it last gave, and is counted")
  func halfWritten() throws {
    let folder = try TemporaryDirectory()
    try folder.write("[{\"targets\": [\"a:1\"]}]", to: "x.json")
    try folder.write("[{\"targets\": [\"b:1\"]}]", to: "y.json")
    let bench = DiscoveryBench()
    defer { bench.set.stop() }
    bench.set.apply([("j", [options(folder.path("*.json"))])])
    #expect(bench.told.waits(for: ["a:1", "b:1"], of: "j"))
    try folder.write("[{\"targets\": [\"a:2\"", to: "x.json")
    #expect(bench.told.waitsForLine("msg=\"Error reading file\" path=\(folder.path)/x.json"))
    try folder.write("[{\"targets\": [\"b:2\"]}]", to: "y.json")
    #expect(bench.told.waits(for: ["a:1", "b:2"], of: "j"))
    #expect(bench.metrics("prometheus_sd_file_read_errors_total") != ["prometheus_sd_file_read_errors_total 0"])
    try folder.write("[{\"targets\": [\"a:2\"]}]", to: "x.json")
    #expect(bench.told.waits(for: ["a:2", "b:2"], of: "j"))
  }

  @Test("a mounted ConfigMap is followed when its link is swapped")
  func configMap() throws {
    let folder = try TemporaryDirectory()
    for version in 1...2 {
      try folder.makeFolder("..v\(version)")
      try folder.write("- targets: ['a:\(version)']\n", to: "..v\(version)/targets.yml")
    }
    symlink("..v1", folder.path("..data"))
    symlink("..data/targets.yml", folder.path("targets.yml"))
    let bench = DiscoveryBench()
    defer { bench.set.stop() }
    bench.set.apply([("j", [options(folder.path("targets.yml"))])])
    #expect(bench.told.waits(for: ["a:1"], of: "j"))
    symlink("..v2", folder.path("..data_tmp"))
    rename(folder.path("..data_tmp"), folder.path("..data"))
    #expect(bench.told.waits(for: ["a:2"], of: "j"))
  }

  @Test("a directory that is not there yet is told once, and looked for at each refresh")
  func missingDirectory() throws {
    let folder = try TemporaryDirectory()
    let bench = DiscoveryBench()
    defer { bench.set.stop() }
    bench.set.apply([("j", [options(folder.path("d/*.yml"), refreshMilliseconds: 100)])])
    #expect(bench.told.waits(for: [], of: "j"))
    #expect(bench.told.waitsForLine("Error adding file watch"))
    try folder.makeFolder("d")
    try folder.write("- targets: ['a:1']\n", to: "d/x.yml")
    #expect(bench.told.waits(for: ["a:1"], of: "j"))
    #expect(bench.told.lines.filter { $0.contains("Error adding file watch") }.count == 1)
  }

  @Test("what is no regular file is not read")
  func fifo() throws {
    let folder = try TemporaryDirectory()
    mkfifo(folder.path("x.yml"), 0o600)
    try folder.write("- targets: ['a:1']\n", to: "y.yml")
    let bench = DiscoveryBench()
    defer { bench.set.stop() }
    bench.set.apply([("j", [options(folder.path("*.yml"))])])
    #expect(bench.told.waits(for: ["a:1"], of: "j"))
    #expect(bench.told.waitsForLine("not a regular file"))
  }

  @Test("when a job goes, its series and watches go")
  func stops() throws {
    let folder = try TemporaryDirectory()
    try folder.write("- targets: ['a:1']\n", to: "y.yml")
    let bench = DiscoveryBench()
    defer { bench.set.stop() }
    bench.set.apply([("j", [options(folder.path("*.yml"))])])
    #expect(bench.told.waits(for: ["a:1"], of: "j"))
    bench.set.apply([("k", [.fixed([fixed("b:1")])])])
    #expect(bench.told.waits(for: ["b:1"], of: "k"))
    #expect(bench.metrics("prometheus_sd_file_mtime_seconds{").isEmpty)
    let rounds = bench.told.rounds.count
    try folder.write("- targets: ['a:2']\n", to: "y.yml")
    sleepThread(.milliseconds(300))
    #expect(bench.told.rounds.count == rounds)
  }

  @Test(
    "names match as in Go's globs",
    arguments: [
      ("*", "a", true), ("*.yml", ".x.yml", true), ("a*b*c", "aXbYbc", true), ("a*b*c", "aXbYbd", false),
      ("?.yml", "é.yml", true), ("?.yml", "ab.yml", false), ("[a-c]x", "bx", true), ("[^a-c]x", "bx", false),
      ("[\\]]", "]", true), ("\\*", "*", true), ("\\*", "a", false), ("a", "ab", false), ("", "", true),
      ("***a", "bca", true), ("*a", "", false),
    ])
  func globs(pattern: String, name: String, isMatch: Bool) throws {
    #expect(try PathPattern.matches(name, pattern) == isMatch)
  }

  @Test("broken patterns are refused", arguments: ["[", "[]", "[a", "[a-", "a\\", "[-a]", "[^]"])
  func brokenGlobs(pattern: String) {
    #expect(throws: PathPattern.PatternError.self) { try PathPattern.matches("x", pattern) }
  }

  @Test("paths are cleaned as Go does")
  func clean() {
    for (path, cleaned) in [
      ("", "."), ("a//b/", "a/b"), ("./a/../b", "b"), ("../a", "../a"), ("/../a", "/a"), ("a/..", "."), ("/", "/"),
      ("../../x/./y/..", "../../x"),
    ] { #expect(PathPattern.clean(path) == cleaned) }
  }

  @Test("patterns may stand in directories, too")
  func directories() throws {
    let folder = try TemporaryDirectory()
    for name in ["a1", "a2", "b1"] {
      try folder.makeFolder(name)
      try folder.write("", to: "\(name)/t.yml")
    }
    let pattern = PathPattern(folder.path("a?/*.yml"))
    #expect(try pattern.paths() == [folder.path("a1/t.yml"), folder.path("a2/t.yml")])
    #expect(pattern.directories() == [folder.path("a1"), folder.path("a2")])
    #expect(try PathPattern(folder.path("b1/t.yml")).paths() == [folder.path("b1/t.yml")])
    #expect(try PathPattern(folder.path("b1/u.yml")).paths() == [])
  }
}
