import Testing

/// Names: one for one thing, and of a closed set where CONTRIBUTING.md names one.
@Suite("House: names")
struct NameTests {
  /// What the name of an error type ends with; CONTRIBUTING.md says what each means.
  private static let suffixes = ["Error", "Damage", "Refusal"]
  /// `ConfigurationErrors` and `RuleFileErrors` are lists of errors; `QueryStopped` is no fault of anybody. The others are to be renamed.
  private static let exceptions: Set<String> = [
    "ConfigurationErrors", "RuleFileErrors", "QueryStopped", "SelectorFault", "SeriesFault",
  ]

  @Test("error types end with Error, Damage or Refusal")
  func errorTypes() {
    var count = 0
    for file in House.sources where file.text.contains("Error") {
      for line in file.lines where !line.isComment {
        guard let declared = line.declaredType, declared.inherits.contains("Error") else { continue }
        count += 1
        let isAgreed = NameTests.suffixes.contains { declared.name.hasSuffix($0) }
        #expect(isAgreed || NameTests.exceptions.contains(declared.name), "\(file.path): \(declared.name)")
      }
    }
    #expect(count > 30, "\(count) error types were found")
  }

  @Test("no two types have one name, but those inside different types")
  func types() {
    // Not in one target, and nobody sees both.
    let exceptions: Set<String> = []
    var places: [String: String] = [:]
    for file in House.sources {
      for line in file.lines where line.indent == 0 {
        if line.starts(with: "private") || line.starts(with: "fileprivate") { continue }
        guard let name = line.declaredType?.name, !exceptions.contains(name) else { continue }
        if let other = places.updateValue(file.path, forKey: name) {
          Issue.record("\(name) is declared in \(other) and in \(file.path)")
        }
      }
    }
    #expect(places.count > 300)
  }

  @Test("nothing is asked of other systems than Linux")
  func systems() {
    for file in House.sources where !NameTests.otherAreas.contains(where: file.path.hasPrefix) {
      #expect(!file.text.contains("#if canImport(") && !file.text.contains("#if os("), "\(file.path)")
    }
  }

  /// Where a few such lines are left.
  private static let otherAreas = ["Sources/apus/", "Sources/TSDB/Head/"]

  @Test("the label of metric names is written once")
  func metricNameLabel() {
    let files = House.sources.filter { file in
      ["Sources/PromQL", "Sources/TSDB", "Sources/Model"].contains(where: file.path.hasPrefix)
        && file.lines.contains { $0.codeContains("\"__name__\"") }
    }
    #expect(files.map(\.path) == ["Sources/Model/LabelName.swift"])
  }
}

extension Line {
  /// The type that the line declares, and what it inherits from.
  var declaredType: (name: String, inherits: [Substring])? {
    if isComment { return nil }
    let words = text.split { " :,<{".contains($0) }
    guard let place = words.firstIndex(where: { ["enum", "struct", "class", "protocol", "actor"].contains($0) }),
      words.count > place + 1,
      words[..<place].allSatisfy({ $0.hasPrefix("@") || NameTests.modifiers.contains(String($0)) })
    else { return nil }
    return (String(words[place + 1]), Array(words[(place + 2)...]))
  }
}

extension NameTests {
  fileprivate static let modifiers: Set<String> = ["package", "private", "fileprivate", "public", "final", "indirect"]
}
