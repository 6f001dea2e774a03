import Model
import TestKit
import Testing

@testable import apus

@Suite struct TSDBCommandTests {
  private func parse(_ words: String) throws -> TSDBCommand {
    guard case .tsdb(let command) = try Command.parse(["tsdb"] + words.split(separator: " ").map(String.init)) else {
      throw ArgumentError("not tsdb")
    }
    return command
  }

  @Test("words and flags name what is to be done")
  func parsing() throws {
    let up = Matcher(.equal, "__name__", "up")
    #expect(try parse("list") == .list(directory: "data/", isForPeople: false))
    #expect(try parse("list -r d") == .list(directory: "d", isForPeople: true))
    #expect(try parse("list d --human-readable") == .list(directory: "d", isForPeople: true))
    #expect(try parse("verify d") == .verify(directory: "d"))
    #expect(
      try parse("analyze --limit=5 d B --match up")
        == .analyze(directory: "d", block: "B", rowsMax: 5, matchers: [up]))
    var selection = TSDBSelection(selectors: [[up], [Matcher(.equal, "a", "b")]])
    selection.minTime = -5
    selection.maxTime = 7
    #expect(
      try parse("dump --min-time=-5 --max-time 7 --match=up --match={a=\"b\"} d")
        == .dump(directory: "d", selection))
    #expect(try parse("export") == .export(directory: "data/", TSDBSelection()))
    #expect(try parse("import blocks s d") == .importBlocks(from: "s", directory: "d"))
    #expect(try parse("import openmetrics f") == .importOpenMetrics(file: "f", directory: "data/"))
  }

  @Test("what cannot be obeyed is one clear line")
  func errors() {
    let cases = [
      ("", "apus tsdb: a command is missing (list, analyze, verify, dump, export, import; see apus help tsdb)"),
      ("list a b", "apus tsdb list: unexpected argument b"),
      ("list --human", "apus tsdb list: unknown flag --human"),
      ("dump --mintime=3", "apus tsdb dump: unknown flag --mintime; did you mean --min-time?"),
      ("dump --min-time=3s", "--min-time: \"3s\" is no number of milliseconds"),
      ("dump --min-time=3 --max-time=2", "--max-time lies before --min-time"),
      ("dump --match", "apus tsdb dump: --match: a value is missing"),
      ("analyze --limit=x", "--limit: \"x\" is no number"),
      ("import", "apus tsdb import: what is to be imported (blocks, openmetrics) is missing"),
      ("import blocks", "apus tsdb import blocks: the source is missing"),
    ]
    for (words, problem) in cases {
      #expect(throws: ArgumentError(problem), "\(words)") { try parse(words) }
    }
  }

  @Test("durations, seconds and sizes have promtool's forms")
  func texts() {
    #expect(TSDBText.duration(7_200_000) == "2h0m0s")
    #expect(TSDBText.duration(64_800_001) == "18h0m0.001s")
    #expect(TSDBText.duration(61_500) == "1m1.5s" && TSDBText.duration(20) == "20ms" && TSDBText.duration(0) == "0s")
    #expect(TSDBText.seconds(1_700_000_000_120) == "1700000000.12" && TSDBText.seconds(-1500) == "-1.5")
    #expect(TSDBText.bytes(1536) == "1.5KiB")
  }
}
