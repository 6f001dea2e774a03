import Format
import Model
import PromQL
import TSDB

/// `apus tsdb ...`: looking at, copying out of and bringing into a data directory, backup and restore.
enum TSDBCommand: Equatable, Sendable {
  case list(directory: String, isForPeople: Bool)
  /// Analyzes a block; the youngest where `block` is nil.
  case analyze(directory: String, block: String?, rowsMax: Int, matchers: [Matcher])
  case verify(directory: String)
  case dump(directory: String, TSDBSelection)
  case export(directory: String, TSDBSelection)
  case importBlocks(from: String, directory: String)
  case importOpenMetrics(file: String, directory: String)
  case snapshot(SnapshotOptions)
  case restore(from: String, directory: String, SnapshotRestore.Options)

  static let names = ["list", "analyze", "verify", "dump", "export", "import", "snapshot", "restore"]
  static let defaultDirectory = "data/"
}

extension TSDBCommand {
  static let help = """
    usage: apus tsdb <command> [<flags>] [DIRECTORY]

    Works on a data directory (data/ where none is named). All but import and restore only read, and may be used beside a
    server.

    Commands:
      list [-r|--human-readable] [DIRECTORY]
          The blocks, as promtool lists them.
      analyze [--limit=20] [--match=SELECTOR] [DIRECTORY] [BLOCK]
          Cardinality and churn of a block, the youngest where none is named.
      verify [DIRECTORY]
          Reads every block whole: checksums and invariants. Exit code 1: something is damaged, or there are no blocks.
      dump [--min-time=MS] [--max-time=MS] [--match=SELECTOR]... [DIRECTORY]
          The samples of the blocks in promtool's form. What is only in the write-ahead log is not among them.
      export [--min-time=MS] [--max-time=MS] [--match=SELECTOR]... [DIRECTORY]
          The same as OpenMetrics.
      import blocks SOURCE [DIRECTORY]
          Copies a block, or all blocks of a directory, and verifies the copies. No server may be at work.
      import openmetrics FILE [DIRECTORY]
          Makes blocks of the samples of a file, each of which has a time. No server may be at work.
      snapshot [--into=DIR] [--keep=N] [<flags>] URL
          Asks a running server for a snapshot and reads all of it where this machine has it. --into: copies it to DIR,
          durably, proves the copy and takes the snapshot away from the server's directory. --keep: then removes all but
          the N newest. Exit code 0: proven; 1: there is no backup; 3: there is one, and standard error says what is
          not as it should be.
          --data=DIR          the server's data directory as this machine has it (a container's volume)
          --skip-head         without what is only in the head
          --leave             do not take the copied snapshot away from the server's directory
          --no-verify         do not read the snapshot
          --anyway            copy it although a block is damaged
          --header='NAME: VALUE' (repeatable), --user=NAME --password-file=FILE, --token-file=FILE
          --ca=FILE, --cert=FILE, --key=FILE, --insecure, --timeout=1h
      restore [--merge] [--link] [--anyway] SNAPSHOT DIRECTORY
          Brings a snapshot of Apus or Prometheus, or blocks of a Thanos bucket, into an empty data directory; reads all
          of it before and after. No server may be at work. May be repeated after an interruption.
          --merge             add to what the directory has
          --link              second names for the same files, where both are on one file system
          --anyway            of a damaged snapshot what a server can open (exit code 3)
    """
}

/// The samples that `dump` and `export` write: those of the series that one of the selectors names, in a closed range
/// of times.
struct TSDBSelection: Equatable, Sendable {
  var selectors: [[Matcher]] = []
  var minTime = Int64.min
  var maxTime = Int64.max
}

extension TSDBCommand {
  /// Parses the arguments behind `tsdb`.
  static func parse(_ arguments: ArraySlice<String>) throws(ArgumentError) -> TSDBCommand {
    guard let name = arguments.first else {
      throw ArgumentError("apus tsdb: a command is missing (\(names.joined(separator: ", ")); see apus help tsdb)")
    }
    let rest = arguments.dropFirst()
    switch name {
    case "list":
      let words = try TSDBWords(name, rest, flags: ["human-readable"])
      return .list(directory: try words.directory(0), isForPeople: words.has("human-readable"))
    case "analyze":
      let words = try TSDBWords(name, rest, valued: ["limit", "match"], positionsMax: 2)
      return .analyze(
        directory: try words.directory(0), block: words.positions.dropFirst().first,
        rowsMax: try words.integer("limit", preset: 20), matchers: try words.selectors("match").first ?? [])
    case "verify": return .verify(directory: try TSDBWords(name, rest).directory(0))
    case "dump", "export":
      let words = try TSDBWords(name, rest, valued: ["min-time", "max-time", "match"])
      let selection = try words.selection()
      let directory = try words.directory(0)
      return name == "dump" ? .dump(directory: directory, selection) : .export(directory: directory, selection)
    case "import": return try parseImport(rest)
    case "snapshot": return .snapshot(try SnapshotOptions(rest))
    case "restore": return try parseRestore(rest)
    default:
      throw ArgumentError(
        "apus tsdb: unknown command \(name)" + ServeOptions.hint(name, in: names) + " (see apus help tsdb)")
    }
  }

  private static func parseImport(_ arguments: ArraySlice<String>) throws(ArgumentError) -> TSDBCommand {
    let kinds = ["blocks", "openmetrics"]
    guard let kind = arguments.first, kinds.contains(kind) else {
      throw ArgumentError("apus tsdb import: what is to be imported (\(kinds.joined(separator: ", "))) is missing")
    }
    let words = try TSDBWords("import \(kind)", arguments.dropFirst(), positionsMax: 2)
    guard let source = words.positions.first else {
      throw ArgumentError("apus tsdb import \(kind): the source is missing")
    }
    let directory = try words.directory(1)
    return kind == "blocks"
      ? .importBlocks(from: source, directory: directory) : .importOpenMetrics(file: source, directory: directory)
  }

  private static func parseRestore(_ arguments: ArraySlice<String>) throws(ArgumentError) -> TSDBCommand {
    let words = try TSDBWords("restore", arguments, flags: ["merge", "link", "anyway"], positionsMax: 2)
    guard words.positions.count == 2 else {
      throw ArgumentError("apus tsdb restore: the snapshot and the data directory are both to be named")
    }
    var options = SnapshotRestore.Options()
    options.merges = words.has("merge")
    options.way = words.has("link") ? .links : .bytes
    options.takesDamaged = words.has("anyway")
    return .restore(from: words.positions[0], directory: words.positions[1], options)
  }
}
