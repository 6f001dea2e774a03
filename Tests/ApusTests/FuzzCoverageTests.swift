import TestKit
import Testing

/// The table of docs/testing.md: who reads what comes from outside, and which fuzz target covers it.
@Suite("What the fuzz targets cover")
struct FuzzCoverageTests {
  private struct Row {
    var bytes: String
    var targets: [String]
  }

  private func rows() throws -> [Row] {
    try repositoryFile("docs/testing.md").split(separator: "\n").compactMap { line in
      let cells = line.split(separator: "|").map(String.init)
      guard line.hasPrefix("| "), cells.count == 3 else { return nil }
      return Row(bytes: cells[0], targets: FuzzCoverageTests.quoted(cells[2]))
    }
  }

  /// What stands between backquotes.
  private static func quoted(_ text: String) -> [String] {
    text.split(separator: "`", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }
      .map { String($0.element) }
  }

  private func targets() throws -> Set<String> {
    var names: Set<String> = []
    let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    for name in namesInFolder(root + "/Tests/Fuzz")
    where name.hasSuffix("Target.swift") || name.hasSuffix("Targets.swift") {
      let text = try repositoryFile("Tests/Fuzz/\(name)")
      for part in text.split(separator: "FuzzTarget(").dropFirst() {
        guard let name = part.drop(while: \.isWhitespace).rest(behind: "name: \"") else { continue }
        names.insert(String(name.prefix { $0 != "\"" }))
      }
    }
    return names
  }

  @Test("every file name of our own in DatabaseLayout has a fuzz target")
  func ownFiles() throws {
    let layout = try repositoryFile("Sources/TSDB/Database/DatabaseLayout.swift")
    let names = layout.split(separator: "\"/apus.").dropFirst().map { "apus." + $0.prefix { $0 != "\"" } }
    #expect(names.count >= 6)
    let rows = try rows()
    for name in names {
      let row = rows.first { $0.bytes.contains("`\(name)`") }
      #expect(row?.targets.isEmpty == false, "docs/testing.md names no fuzz target for \(name)")
    }
  }

  @Test("every fuzz target is in the table, and every one of the table is there")
  func table() throws {
    let there = try targets()
    let told = Set(try rows().flatMap(\.targets))
    #expect(there.count > 40)
    #expect(told.subtracting(there).filter { !$0.contains(" ") } == [])
    #expect(there.subtracting(told) == [])
  }
}

extension Substring {
  /// What follows on a beginning; nil where it is another.
  fileprivate func rest(behind beginning: String) -> Substring? {
    hasPrefix(beginning) ? dropFirst(beginning.count) : nil
  }
}
