import Format
import Model
import PromQL

/// `apus tsdb ...`: looking at, copying out of and bringing into a data directory. Everything but `import` only reads.
enum TSDBCommand: Equatable, Sendable {
  case list(directory: String, isForPeople: Bool)
  /// The youngest block where none is named.
  case analyze(directory: String, block: String?, rowsMax: Int, matchers: [Matcher])
  case verify(directory: String)
  case dump(directory: String, TSDBSelection)
  case export(directory: String, TSDBSelection)
  case importBlocks(from: String, directory: String)
  case importOpenMetrics(file: String, directory: String)

  static let names = ["list", "analyze", "verify", "dump", "export", "import"]
  static let defaultDirectory = "data/"
}

extension TSDBCommand {
  static let help = """
    usage: apus tsdb <command> [<flags>] [DIRECTORY]

    Works on a data directory (data/ where none is named). All but import only read, and may be used beside a server.

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
    """
}

/// Which samples `dump` and `export` write: of the series that one of the selectors names, in a closed range of times.
struct TSDBSelection: Equatable, Sendable {
  var selectors: [[Matcher]] = []
  var minTime = Int64.min
  var maxTime = Int64.max
}

extension TSDBCommand {
  /// From the arguments behind `tsdb`.
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
}

/// The words behind a command: flags, flags with a value, and positions.
private struct TSDBWords {
  private let command: String
  private(set) var positions: [String] = []
  private var values: [String: [String]] = [:]

  init(
    _ command: String, _ arguments: ArraySlice<String>, flags: [String] = [], valued: [String] = [],
    positionsMax: Int = 1
  ) throws(ArgumentError) {
    self.command = command
    var rest = arguments
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("--") else {
        if argument == "-r", flags.contains("human-readable") {
          values["human-readable"] = ["true"]
          continue
        }
        if argument.hasPrefix("-") || positions.count == positionsMax {
          throw ArgumentError("apus tsdb \(command): unexpected argument \(argument)")
        }
        positions.append(argument)
        continue
      }
      let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      if flags.contains(name), parts.count == 1 {
        values[name] = ["true"]
      } else if valued.contains(name) {
        guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
          throw ArgumentError("apus tsdb \(command): --\(name): a value is missing")
        }
        values[name, default: []].append(value)
      } else {
        throw ArgumentError(
          "apus tsdb \(command): unknown flag --\(name)" + ServeOptions.hint(name, in: flags + valued, prefix: "--"))
      }
    }
  }

  func has(_ name: String) -> Bool { values[name] != nil }

  func directory(_ position: Int) throws(ArgumentError) -> String {
    positions.count > position ? positions[position] : TSDBCommand.defaultDirectory
  }

  func integer(_ name: String, preset: Int64) throws(ArgumentError) -> Int {
    guard let text = values[name]?.last else { return Int(preset) }
    guard let value = Int(text), value >= 0 else { throw ArgumentError("--\(name): \(quoted(text)) is no number") }
    return value
  }

  func selectors(_ name: String) throws(ArgumentError) -> [[Matcher]] {
    var selectors: [[Matcher]] = []
    for text in values[name] ?? [] {
      do throws(ParseError) {
        selectors.append(try Parser.parseSelector(text))
      } catch {
        throw ArgumentError("--\(name): \(error)")
      }
    }
    return selectors
  }

  /// Times are milliseconds since 1970, as promtool has them.
  func selection() throws(ArgumentError) -> TSDBSelection {
    var selection = TSDBSelection(selectors: try selectors("match"))
    selection.minTime = try time("min-time") ?? .min
    selection.maxTime = try time("max-time") ?? .max
    if selection.maxTime < selection.minTime { throw ArgumentError("--max-time lies before --min-time") }
    return selection
  }

  private func time(_ name: String) throws(ArgumentError) -> Int64? {
    guard let text = values[name]?.last else { return nil }
    guard let value = Int64(text) else {
      throw ArgumentError("--\(name): \(quoted(text)) is no number of milliseconds")
    }
    return value
  }
}
