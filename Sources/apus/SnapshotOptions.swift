import Model

/// The arguments of `apus tsdb snapshot`.
struct SnapshotOptions: Equatable, Sendable {
  var server: ServerAccess
  /// The directory that the snapshot is copied to; nil: it stays where the server made it.
  var into: String?
  /// Number of snapshots that stay; nil: all.
  var keep: Int?
  /// The server's data directory as this machine has it; nil: as the server names it.
  var data: String?
  var skipsHead = false
  var leavesOriginal = false
  var verifies = true
  var takesDamaged = false

  init(server: ServerAccess) { self.server = server }

  /// Parses the arguments behind `snapshot`.
  init(_ arguments: ArraySlice<String>) throws(ArgumentError) {
    let words = try TSDBWords(
      "snapshot", arguments, flags: ["skip-head", "leave", "no-verify", "anyway", "insecure"],
      valued: ["into", "keep", "data"] + ServerAccess.valuedFlags)
    guard let url = words.positions.first else {
      throw ArgumentError("apus tsdb snapshot: the server's URL is missing, such as http://localhost:9090")
    }
    server = try ServerAccess(url, words)
    into = words.text("into")
    data = words.text("data")
    skipsHead = words.has("skip-head")
    leavesOriginal = words.has("leave")
    verifies = !words.has("no-verify")
    takesDamaged = words.has("anyway")
    if let text = words.text("keep") {
      guard let count = Int(text), count > 0 else {
        throw ArgumentError("--keep: \(quoted(text)) is no number of snapshots: at least 1 stays")
      }
      keep = count
    }
    if !verifies && (into != nil || keep != nil) {
      throw ArgumentError(
        "--no-verify: what is copied is always verified, and older snapshots go only for a proven one")
    }
  }
}
