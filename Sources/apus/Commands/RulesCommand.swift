import Model
import Platform
import Rules

/// `apus rules ...`: what rules would have made of the past.
enum RulesCommand: Sendable {
  case backfill(RuleBackfill)
  case backtest(RuleBacktest)

  static let names = ["backfill", "backtest"]

  static let help = """
    usage: apus rules <command> [<flags>] FILE...

    Evaluates rule files over the past, by range queries to a server: this one or Prometheus.

    Commands:
      backfill --start=TIME [--end=TIME] [--output-dir=data/] [--eval-interval=1m] [<flags>] FILE...
          Makes blocks of what the recording rules would have stored; alerts are passed over. The blocks go into a data
          directory where no server is at work; apus tsdb import blocks brings them into another one. A rule sees what the
          server has, not what another rule of the same run makes. --end: three hours ago where it is not given.
      backtest [--since=30d] [--start=TIME] [--end=TIME] [--candidate=FILE]... [--limit=20] [<flags>] FILE...
          Says of each alert when it would have fired and for how long. --candidate: a file that is compared with the
          others: what it fires more is marked +, what it fires no more -. --limit: the most firings printed of a rule.

    Flags of both:
      --url=http://localhost:9090   the server that has the data
      --eval-interval=1m            how often groups are evaluated that do not say so themselves
      --ignore-unknown-fields, --enable-feature=NAME,...   as apus check rules
      --header='NAME: VALUE' (repeatable), --user=NAME --password-file=FILE, --token-file=FILE
      --ca=FILE, --cert=FILE, --key=FILE, --insecure, --timeout=2m

    A TIME is a number of seconds since 1970, or like 2026-01-31T12:00:00Z.
    Exit code 0: done; 1: a rule or a file could not be evaluated; 2: the arguments are wrong.
    """

  static func parse(_ arguments: ArraySlice<String>) throws(ArgumentError) -> RulesCommand {
    guard let name = arguments.first, names.contains(name) else {
      let given =
        arguments.first.map { "\($0) is no command" + ServeOptions.hint($0, in: names) } ?? "a command is missing"
      throw ArgumentError("apus rules: \(given) (\(names.joined(separator: ", ")))")
    }
    let isBackfill = name == "backfill"
    let words = try TSDBWords(
      name, arguments.dropFirst(), flags: ["ignore-unknown-fields", "insecure"],
      valued: ["url", "start", "end", "eval-interval", "enable-feature"] + ServerAccess.valuedFlags
        + (isBackfill ? ["output-dir"] : ["since", "candidate", "limit"]),
      positionsMax: CheckRules.filesMax, of: "apus rules")
    if words.positions.isEmpty { throw ArgumentError("apus rules \(name): a rule file is missing") }
    let now = SystemClock().nowMilliseconds()
    return isBackfill ? .backfill(try RuleBackfill(words, now: now)) : .backtest(try RuleBacktest(words, now: now))
  }

  func run() -> Int32 {
    let output = CommandOutput()
    defer { output.flush() }
    do throws(TSDBCommandError) {
      switch self {
      case .backfill(let backfill): return try backfill.run(output)
      case .backtest(let backtest): return try backtest.run(output)
      }
    } catch {
      output.flush()
      writeToStandardError("apus rules: \(error)")
      return 1
    }
  }
}

/// The rules that are evaluated over the past: of which files, when, and where the data is. A value.
struct PastRules: Sendable {
  var files: [String]
  var options = RuleFileOptions()
  var query: RangeQuery
  /// Milliseconds.
  var start: Int64
  var end: Int64
  var intervalMilliseconds: Int64 = 60_000

  static let timeoutDefault = 120_000

  init(_ words: TSDBWords, start: Int64, end: Int64) throws(ArgumentError) {
    files = words.positions
    options = CheckRules(words).options
    var server = try ServerAccess(words.text("url") ?? "http://localhost:9090", words)
    if words.text("timeout") == nil { server.timeoutMilliseconds = PastRules.timeoutDefault }
    query = RangeQuery(server: server)
    (self.start, self.end) = (start, end)
    if let text = words.text("eval-interval") {
      guard let value = DurationText.parse(text), value > 0 else {
        throw ArgumentError("--eval-interval: \(quoted(text)) is no duration, such as 30s")
      }
      intervalMilliseconds = value
    }
    if start >= end { throw ArgumentError("the start is not before the end") }
  }

  /// A time of the command line; nil where the flag is not given.
  static func time(_ name: String, _ words: TSDBWords) throws(ArgumentError) -> Int64? {
    guard let text = words.text(name) else { return nil }
    if let seconds = Double(text), seconds.magnitude < 9e12 { return Int64((seconds * 1000).rounded()) }
    guard let time = RFC3339.parse(text) else {
      throw ArgumentError("--\(name): \(quoted(text)) is no time, such as 1700000000 or 2026-01-31T12:00:00Z")
    }
    return time
  }

  /// The groups of the files; throws where one cannot be read.
  func groups(_ files: [String]) throws(TSDBCommandError) -> [RuleGroupDefinition] {
    var groups: [RuleGroupDefinition] = []
    for file in files {
      let bytes: [UInt8]
      do throws(InputFileError) {
        bytes = try InputFile.bytes(file, bytesMax: options.limits.bytesMax)
      } catch {
        throw .text("\(file): \(error)")
      }
      do throws(RuleFileErrors) { groups += try RuleFile.read(bytes, path: file, options: options) } catch {
        throw .text("rule files cannot be read\n\(error)")
      }
    }
    return groups
  }

  /// The first evaluation of a group not before the start: all lie on multiples of the interval.
  func first(_ interval: Int64) -> Int64 {
    let rest = start % interval
    return rest == 0 ? start : start - rest + (rest < 0 ? 0 : interval)
  }
}
