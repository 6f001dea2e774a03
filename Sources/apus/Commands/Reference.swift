/// The generated parts of docs/configuration.md: tables of flags and keys, from the tables that the program itself reads.
/// `scripts/reference` puts them into the page, and a test holds that they stand there.
enum Reference {
  /// Every part, between the marks that it has in the page.
  static var text: String {
    parts.map { "<!-- generated: \($0.name) -->\n\($0.text)\n<!-- end -->" }.joined(separator: "\n")
  }

  static let parts: [(name: String, text: String)] = [
    ("flags", flags), ("flags without effect", flagsWithoutEffect), ("features", features),
    ("sections", sections), ("apus", own),
  ]

  private static let flags = table(
    ["Flag", "Default", "Meaning"],
    FlagTable.rows.filter { $0.use == .served }.map { ["`--\($0.name)`", code($0.preset), $0.help] })

  private static let flagsWithoutEffect = wrapped(
    "Accepted, checked and without effect: "
      + listed(FlagTable.rows.filter { $0.use == .accepted }.map { "--" + $0.name }) + ".")

  private static let features = wrapped(
    "`--enable-feature` turns on \(listed(.served)). Always on: \(listed(.always)). "
      + "Accepted without effect: \(listed(.accepted)). An unknown name is a warning, as in Prometheus.")

  private static func listed(_ use: Feature.Use) -> String {
    listed(FeatureTable.rows.filter { $0.use == use }.map(\.name))
  }

  /// Prometheus's sections: the keys that are read, by their path within the section, with their default.
  private static let sections = table(
    ["Section", "Served", "Accepted without effect"],
    Schema.root.keys.filter { $0.name != "apus" }.map { key in
      guard key.isRead else { return ["`\(key.name)`", "", "all of it"] }
      guard let schema = parts(key.shape) else { return ["`\(key.name)`", "all of it", ""] }
      let paths = paths(schema)
      return ["`\(key.name)`", paths.read.joined(separator: ", "), listed(paths.unread)]
    })

  /// The keys within a section, or within the elements of a list of them.
  private static func parts(_ shape: Shape) -> Schema? {
    switch shape {
    case .section(let schema), .list(.section(let schema)): schema
    default: nil
    }
  }

  private static func paths(_ schema: Schema) -> (read: [String], unread: [String]) {
    var (read, unread): ([String], [String]) = ([], [])
    for key in schema.keys {
      if !key.isRead {
        unread.append(key.name)
      } else if case .section(let inner) = key.shape {
        let paths = paths(inner)
        read += paths.read.map { "`\(key.name).\($0.dropFirst())" }
        unread += paths.unread.map { "\(key.name).\($0)" }
      } else {
        read.append("`\(key.name)`" + (key.preset.map { " (\($0))" } ?? ""))
      }
    }
    return (read, unread)
  }

  private static let own: String = {
    guard case .section(let schema)? = Schema.root["apus"]?.shape else { return "" }
    return table(["Key", "Default", "Meaning"], rows(schema, path: "apus."))
  }()

  /// The keys of a section of ours with their path. Keys without a help of their own are Prometheus's and left out, and so
  /// is what stands within those of `above`, whose rows are there already.
  private static func rows(_ schema: Schema, path: String, above: Schema? = nil) -> [[String]] {
    schema.keys.filter { !$0.help.isEmpty }.flatMap { key -> [[String]] in
      let name = path + key.name
      let row = ["`\(name)`", code(key.preset == "{}" ? "" : key.preset ?? ""), key.help]
      if above?[key.name] != nil { return [row] }
      switch key.shape {
      case .section(let inner): return [row] + rows(inner, path: name + ".", above: schema)
      case .list(.section(let inner)): return [row] + rows(inner, path: name + "[].", above: schema)
      default: return [row]
      }
    }
  }

  private static func code(_ text: String) -> String { text.isEmpty ? "" : "`\(text)`" }
  private static func listed(_ names: [String]) -> String { names.map { "`\($0)`" }.joined(separator: ", ") }

  private static func table(_ heads: [String], _ rows: [[String]]) -> String {
    let lines = [heads, heads.map { _ in "---" }] + rows
    // A bar within a cell would end it.
    return lines.map { cells in
      "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
    }.joined(separator: "\n")
  }

  private static func wrapped(_ text: String) -> String {
    Help.wrapped(text, width: 120, margin: "").joined(separator: "\n")
  }
}
