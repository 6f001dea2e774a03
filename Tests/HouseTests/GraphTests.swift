import Testing

/// The graph of Package.swift is the one that the files use.
@Suite("House: the graph")
struct GraphTests {
  @Test("every dependency of a target is imported by one of its files")
  func edges() throws {
    let targets = try GraphTests.targets()
    #expect(targets.count > 20)
    var edges = 0
    for target in targets {
      let files = House.paths(under: target.path, ending: ".swift")
      if files.isEmpty { continue }
      let imported = Set(files.flatMap { GraphTests.imports($0) })
      for dependency in target.dependencies where !GraphTests.usedByHeaders.contains(dependency) {
        edges += 1
        #expect(imported.contains(dependency), "\(target.name) does not import \(dependency)")
      }
    }
    #expect(edges > 60)
  }

  /// C libraries whose names the headers of CShims use.
  private static let usedByHeaders: Set<String> = ["CMicrohttpd", "CCurl"]

  private static func imports(_ path: String) -> [String] {
    House.text(path).split(separator: "\n").compactMap { line in
      guard line.hasPrefix("import ") || line.hasPrefix("@") && line.contains(" import ") else { return nil }
      return line.split(separator: " ").last.map { String($0.split(separator: ".")[0]) }
    }
  }

  private struct Target {
    var name: String
    var path: String
    var dependencies: [String]
  }

  private static func targets() throws -> [Target] {
    // The fuzz targets behind it are another build's.
    let manifest = House.manifest.components(before: "if let kind = Context")
    let starts = manifest.matches(of: /\.(target|executableTarget|testTarget)\(\s*name: "(\w+)"/)
    return starts.enumerated().map { place, start in
      let end = place + 1 < starts.count ? starts[place + 1].range.lowerBound : manifest.endIndex
      let text = manifest[start.range.upperBound..<end]
      let name = String(start.output.2)
      let path = text.firstMatch(of: /path: "([^"]*)"/).map { String($0.output.1) }
      let folder = (start.output.1 == "testTarget" ? "Tests/" : "Sources/") + name
      let list = text.firstMatch(of: /dependencies: \[([^\]]*)\]/)?.output.1 ?? ""
      return Target(
        name: name, path: path ?? folder, dependencies: list.matches(of: /"(\w+)"/).map { String($0.output.1) })
    }
  }
}

extension String {
  fileprivate func components(before text: String) -> Substring {
    firstRange(of: text).map { self[..<$0.lowerBound] } ?? self[...]
  }
}
