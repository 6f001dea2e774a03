import HTTP
import Model
import TSDB
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

  @Test("backup and restore are told what to do by flags")
  func backup() throws {
    var snapshot = SnapshotOptions(server: ServerAccess("http://h:9090/p"))
    #expect(try parse("snapshot h:9090/p/") == .snapshot(snapshot))
    snapshot.into = "b"
    snapshot.keep = 7
    snapshot.skipsHead = true
    snapshot.server.headers = [ServerAccess.Header(name: "X-Scope", value: "1:2")]
    snapshot.server.timeoutMilliseconds = 90_000
    let words = "snapshot --into=b --keep=7 --skip-head --header=X-Scope:1:2 --timeout=1m30s http://h:9090/p"
    #expect(try parse(words) == .snapshot(snapshot))
    #expect(try parse("restore s d") == .restore(from: "s", directory: "d", SnapshotRestore.Options()))
    var restore = SnapshotRestore.Options()
    (restore.merges, restore.way, restore.takesDamaged) = (true, .links, true)
    #expect(try parse("restore --merge --link --anyway s d") == .restore(from: "s", directory: "d", restore))
    #expect(ServerAccess("http://me:secret@h:1/p").shownURL == "http://h:1/p")
  }

  private func answer(_ status: Int, _ body: String) -> Result<SnapshotAnswer, TSDBCommandError> {
    Result { () throws(TSDBCommandError) in
      try SnapshotAnswer(ClientResponse(status: status, headers: [], body: Array(body.utf8)), from: "S")
    }
  }

  @Test("a server's answer is taken where it names a snapshot; any other is one line that says what to do")
  func answers() throws {
    let name = "20260102T030405Z-0123456789abcdef"
    let plain = try answer(200, "{\"status\":\"success\",\"data\":{\"name\":\"\(name)\"}}").get()
    #expect(plain.name == name && plain.blocks == nil && plain.path == nil)
    let refusals = [
      (500, "{\"status\":\"error\",\"error\":\"admin APIs disabled\"}", "started without --web.enable-admin-api"),
      (500, "{\"status\":\"error\",\"error\":\"create snapshot: no\"}", "made no snapshot (500: create snapshot: no)"),
      (401, "go away", "--token-file"), (404, "", "is the URL right"), (503, "", "not ready"),
      (302, "", "points elsewhere"),
      (200, "<html>", "not that of a Prometheus-compatible server"),
      (200, "{\"status\":\"success\",\"data\":{\"name\":\"../../etc\"}}", "which no snapshot is called"),
    ]
    for (status, body, text) in refusals {
      guard case .failure(let error) = answer(status, body) else {
        Issue.record("\(body) was taken")
        continue
      }
      #expect(error.description.contains(text), "\(error)")
    }
  }

  @Test("what cannot be obeyed is one clear line")
  func errors() {
    let cases = [
      (
        "",
        "apus tsdb: a command is missing (list, analyze, verify, dump, export, import, snapshot, restore; see apus help tsdb)"
      ),
      ("list a b", "apus tsdb list: unexpected argument b"),
      ("list --human", "apus tsdb list: unknown flag --human"),
      ("dump --mintime=3", "apus tsdb dump: unknown flag --mintime; did you mean --min-time?"),
      ("dump --min-time=3s", "--min-time: \"3s\" is no number of milliseconds"),
      ("dump --min-time=3 --max-time=2", "--max-time lies before --min-time"),
      ("dump --match", "apus tsdb dump: --match: a value is missing"),
      ("analyze --limit=x", "--limit: \"x\" is no number"),
      ("import", "apus tsdb import: what is to be imported (blocks, openmetrics) is missing"),
      ("import blocks", "apus tsdb import blocks: the source is missing"),
      ("snapshot", "apus tsdb snapshot: the server's URL is missing, such as http://localhost:9090"),
      ("snapshot --keep=0 u", "--keep: \"0\" is no number of snapshots: at least 1 stays"),
      (
        "snapshot --user=me u",
        "--user and --password-file go together; a password on a command line would be seen by others"
      ),
      ("snapshot --header=x u", "--header: \"x\" is not NAME: VALUE"),
      ("snapshot --timeout=5 u", "--timeout: \"5\" is no duration such as 30s or 1h"),
      (
        "snapshot --no-verify --into=b u",
        "--no-verify: what is copied is always verified, and older snapshots go only for a proven one"
      ),
      ("restore s", "apus tsdb restore: the snapshot and the data directory are both to be named"),
      ("restore --merges s d", "apus tsdb restore: unknown flag --merges; did you mean --merge?"),
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
