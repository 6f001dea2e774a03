import Testing

@testable import apus

@Suite("The reference in docs/configuration.md")
struct ReferenceTests {
  /// `| key | default | meaning |`.
  static func row(_ name: String, _ preset: String, _ help: String) -> String {
    "| `\(name)` | \(preset.isEmpty || preset == "{}" ? "" : "`\(preset)`") | \(help) |"
  }

  static func flagRow(_ flag: Flag) -> String { row("--" + flag.name, flag.preset, flag.help) }

  /// Our own keys with their path.
  static func ownRows(_ schema: Schema, path: String) -> [String] {
    schema.keys.flatMap { key -> [String] in
      let name = path + key.name
      let row = row(name, key.preset ?? "", key.help + (key.isServed ? "" : " *Not served yet.*"))
      switch key.shape {
      case .section(let inner): return [row] + ownRows(inner, path: name + ".")
      case .list(.section(let inner)) where inner.name != Schema.relabel.name:
        return [row] + ownRows(inner, path: name + "[].")
      default: return [row]
      }
    }
  }

  @Test("every flag and every key of ours stands there with its default and meaning")
  func complete() throws {
    let lines = try repositoryFile("docs/configuration.md").split(separator: "\n").map(String.init)
    let rows = Set(lines.filter { $0.hasPrefix("| `") })
    var expected = FlagTable.rows.filter { $0.use == .served }.map { ReferenceTests.flagRow($0) }
    expected += ReferenceTests.ownRows(.apus, path: "apus.")
    for row in expected where !rows.contains(row) { Issue.record("missing: \(row)") }
  }

  @Test("every flag and feature without effect, and every section that is not served, is named there")
  func withoutEffect() throws {
    let text = try repositoryFile("docs/configuration.md")
    for flag in FlagTable.rows where flag.use == .accepted {
      #expect(text.contains("`--\(flag.name)`"), "\(flag.name)")
    }
    for feature in FeatureTable.rows { #expect(text.contains("`\(feature.name)`"), "\(feature.name)") }
    for key in Schema.root.keys { #expect(text.contains("`\(key.name)`"), "\(key.name)") }
  }
}
