import Testing

/// What the pages say of the code is so.
@Suite("House: the documents")
struct DocumentTests {
  @Test("every name that DatabaseLayout gives to a file has its page, and the page names it")
  func formats() {
    let index = House.text("docs/formats/README.md")
    let layout = House.text("Sources/TSDB/Database/DatabaseLayout.swift")
    let names = layout.matches(of: /root \+ "\/([^"]+)"/).map { String($0.output.1) } + ["apus.tombstones", "lock"]
    #expect(names.count > 10)
    for name in names {
      guard let row = index.split(separator: "\n").first(where: { $0.contains("`\(name)`") && $0.hasPrefix("|") }),
        let page = row.firstMatch(of: /\]\((\w[^)]*\.md)\)/)
      else {
        Issue.record("docs/formats/README.md has no row for \(name)")
        continue
      }
      #expect(House.text("docs/formats/\(page.output.1)").contains(name), "\(page.output.1) does not name \(name)")
    }
  }

  @Test("every noun of the glossary is in the code")
  func glossary() throws {
    let page = House.text("docs/architecture.md")
    let start = try #require(page.firstRange(of: "## Glossary"))
    let lines = page[start.upperBound...].split(separator: "\n")
    let rows = lines.prefix { !$0.hasPrefix("## ") }.filter { $0.hasPrefix("| ") }
    let declared = Set(House.sources.flatMap { file in file.lines.compactMap { $0.declaredType?.name } })
    var count = 0
    for row in rows {
      let cells = row.split(separator: "|")
      guard cells.count >= 3, let last = cells.last else { continue }
      for match in last.matches(of: /`(\w+)`/) {
        count += 1
        #expect(declared.contains(String(match.output.1)), "\(match.output.1), of: \(row)")
      }
    }
    #expect(count > 30, "\(count) nouns")
  }

  @Test("every link of the pages leads to a file")
  func links() {
    let pages = ["README.md", "CONTRIBUTING.md", "Benchmarks/README.md"] + House.paths(under: "docs", ending: ".md")
    #expect(pages.count > 10)
    for page in pages {
      let text = House.text(page)
      #expect(!text.isEmpty, "\(page) is missing")
      let folder = page.split(separator: "/").dropLast().map { $0 + "/" }.joined()
      for match in text.matches(of: /\]\(([^)#:\s]+)(#[^)]*)?\)/) {
        #expect(House.exists(folder + match.output.1), "\(page): \(match.output.1)")
      }
    }
  }

  @Test("doc comments name the thing: those that open with What, Where or Whether do not become more")
  func openings() {
    let words: [StaticString] = ["/// What ", "/// Where ", "/// Whether "]
    var count = 0
    for file in House.sources {
      var isInside = false
      for line in file.lines {
        let isDoc = line.starts(with: "///")
        if isDoc && !isInside && words.contains(where: line.starts) { count += 1 }
        isInside = isDoc
      }
    }
    #expect(count <= DocumentTests.vagueOpeningsMax, "\(count) comments")
  }

  /// Lower it when they have become fewer.
  private static let vagueOpeningsMax = 0
}
