import Testing

/// Sizes and shares that were won once and are not given back.
@Suite("House: sizes and shares")
struct SizeTests {
  /// Functions over 70 lines that are left: a table, a loop or a list that reads better in one piece.
  private static let longFunctions: Set<String> = [
    "Sources/Format/Chunk/XORChunk+Decode.swift: decodeBits",
    "Sources/TSDB/Database/DatabaseMetrics.swift: register",
    "Sources/apus/Assembly.swift: init",
    "Sources/PromQL/Evaluate/GroupAccumulator+Floats.swift: addFloats",
  ]

  @Test("no file is longer than 350 lines, and half of them are no longer than 120")
  func files() {
    #expect(House.sources.count > 300)
    for file in House.sources { #expect(file.lines.count <= 350, "\(file.path): \(file.lines.count) lines") }
    let sizes = House.sources.map(\.lines.count).sorted()
    #expect(sizes[sizes.count / 2] <= 120, "median \(sizes[sizes.count / 2])")
  }

  @Test("no function is longer than 70 lines but those that are named")
  func functions() {
    var count = 0
    for file in House.sources {
      for function in file.functions {
        count += 1
        let isKnown = SizeTests.longFunctions.contains("\(file.path): \(function.name)")
        #expect(function.lines <= 70 || isKnown, "\(file.path): \(function.name) has \(function.lines) lines")
      }
    }
    #expect(count > 2_000, "\(count) functions were found")
  }

  @Test("the share of files with unsafe code does not grow")
  func unsafeCode() {
    let words = ["Unsafe", "unsafeBitCast", "nonisolated(unsafe)", "@unchecked"]
    let files = House.sources.filter { file in
      words.contains { file.text.contains($0) }
        && file.lines.contains { line in words.contains { line.codeContains($0) } }
    }
    let share = Double(files.count) / Double(House.sources.count)
    #expect(share <= SizeTests.unsafeShareMax, "\(files.count) of \(House.sources.count) files")
  }

  /// Lower it when the share has become lower.
  private static let unsafeShareMax = 0.272

  @Test("the share of comments does not shrink")
  func comments() {
    let all = House.sources.reduce(0) { $0 + $1.lines.count }
    let comments = House.sources.reduce(0) { $0 + $1.lines.lazy.filter(\.isComment).count }
    #expect(Double(comments) / Double(all) >= 0.09, "\(comments) of \(all) lines")
  }
}

extension House.File {
  /// Functions with a body of more than one line, and how many lines each has.
  fileprivate var functions: [(name: String, lines: Int)] {
    var found: [(String, Int)] = []
    for (start, line) in lines.enumerated() where !line.isComment {
      guard let name = line.functionName else { continue }
      for end in (start + 1)..<max(lines.count, start + 1) {
        if lines[end].isBlank || lines[end].indent > line.indent { continue }
        if lines[end].starts(with: "}") {
          found.append((name, end - start + 1))
        } else if lines[end].starts(with: ")") || lines[end].starts(with: "{") {
          continue
        }
        break
      }
    }
    return found
  }
}

extension Line {
  /// The name of the function that the line declares.
  fileprivate var functionName: String? {
    guard bytes.last != UInt8(ascii: "}") else { return nil }
    let words = text.split { $0 == " " || $0 == "(" || $0 == "<" || $0 == "?" }
    for (place, word) in words.enumerated() {
      switch word {
      case "func": return words.count > place + 1 ? String(words[place + 1]) : nil
      case "init", "subscript": return String(word)
      default: if !Line.modifiers.contains(String(word)) && !word.hasPrefix("@") { return nil }
      }
    }
    return nil
  }

  private static let modifiers: Set<String> = [
    "package", "private", "fileprivate", "static", "mutating", "consuming", "nonmutating", "borrowing", "convenience",
  ]
}
