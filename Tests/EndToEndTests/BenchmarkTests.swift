import Glibc
import TestKit
import Testing

extension EndToEnd {
  /// A small size of every measurement, so that none of them rots.
  @Suite("Measurements", .serialized, .timeLimit(.minutes(3)))
  struct Measurements {
    private func run(_ arguments: [String]) throws -> String {
      // The server under test may be another build; the measurements lie beside this test.
      let child = try ChildProcess(
        try builtProgram("Benchmarks"), arguments, environment: ["APUS_BINARY": try apusBinary()])
      #expect(child.wait(within: .seconds(150)) == .code(0), "\(child.standardError.text.suffix(2000))")
      child.killAndReap()
      return child.standardOutput.complete()
    }

    private static let small = ["--series", "1500", "--scrapes", "3", "--body", "500", "--settle", "0"]

    @Test("ingest, memory and restart report figures and one hash", arguments: ["ingest", "memory", "restart"])
    func figures(_ command: String) throws {
      let text = try run([command] + Self.small + ["--only", "apus"])
      #expect(text.contains("| figure"))
      #expect(text.contains("bytes sent, hash "))
    }

    @Test("a day into blocks and the pauses beside flushes report figures")
    func blocks() throws {
      let day = ["day", "--series", "20", "--scrapes", "750", "--settle", "0", "--only", "apus"]
      #expect(try run(day).contains("bytes / sample in blocks"))
      let pauses = try run(["pause", "--series", "500", "--scrapes", "250", "--settle", "1"])
      #expect(pauses.contains("appends: ") && pauses.contains("queries: ") && !pauses.contains("none"))
    }

    @Test("signed writes and wrong passwords are measured")
    func access() throws {
      let signed = ["signed", "--series", "1000", "--scrapes", "2", "--settle", "0", "--turns", "1"]
      #expect(try run(signed).contains("apus / unsigned"))
      #expect(try run(["flood", "--seconds", "1", "--turns", "1"]).contains("wrong passwords: "))
    }

    @Test("a short siege and a short soak lose nothing", arguments: ["siege", "soak"])
    func hostility(_ command: String) throws {
      #expect(try run([command, "--seconds", "5"]).contains("acknowledged"))
    }

    @Test("scraping is measured on targets that the measurement answers itself")
    func scraping() throws {
      let small = ["--targets", "3", "--series", "40", "--interval", "1", "--seconds", "2", "--only", "apus"]
      #expect(try run(["scrape"] + small).contains("CPU ns / sample"))
    }

    @Test("the memory of a wide query is reported")
    func queryMemory() throws {
      let small = ["--series", "132", "--scrapes", "80", "--settle", "0", "--only", "apus"]
      #expect(try run(["query-memory"] + small).contains("MiB above idle"))
    }

    @Test(
      "the queries of the mix have the answers of Prometheus",
      .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)))
    func queriesBesidePrometheus() throws {
      let text = try run([
        "queries", "--query-milliseconds", "1", "--series", "132", "--scrapes", "200", "--settle", "0", "--only",
        "apus,prometheus",
      ])
      #expect(text.contains("apus / prometheus"))
      #expect(!text.contains("answers differ"), "\(text)")
    }

    @Test(
      "a peer is measured on the same bytes",
      .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)))
    func besidePrometheus() throws {
      let text = try run(["ingest"] + Self.small + ["--only", "apus,prometheus"])
      #expect(text.contains("apus / prometheus"))
      #expect(text.contains("bytes sent, hash "))
    }

    @Test("the report has a figure of Apus in every row, for people and for programs")
    func wholeReport() throws {
      let folder = try TemporaryDirectory("apus-report")
      let json = folder.path("report.json")
      let text = try run(["report", "--size", "tiny", "--only", "apus", "--json", json])
      #expect(text.contains("| figure") && text.contains("- processor: ") && text.contains("| raw series, 6 h"))
      let report = try JSONValue(parsing: try #require(readFile(json)))
      let rows = report["rows"].array ?? []
      #expect(rows.count == 16)
      for row in rows { #expect(row["figures"]["apus"].number ?? 0 > 0, "\(row)") }
      #expect(report["queries"].array?.count == 15)
    }

    @Test(
      "rows of the report are measured alone, beside a peer on the same bytes",
      .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)))
    func reportBesidePrometheus() throws {
      let rows = "ingest-cpu,memory,pause-append"
      let text = try run(["report", "--size", "tiny", "--only", "apus,prometheus", "--only-rows", rows])
      #expect(text.contains("apus / prometheus") && text.contains(">= 8 x prometheus"))
      #expect(text.split(separator: "\n").count { $0.hasPrefix("|") } == 5)
    }

    @Test("a peer that is missing is a note in the report, not a failure")
    func missingPeer() throws {
      let folder = try TemporaryDirectory("apus-report")
      let child = try ChildProcess(
        try builtProgram("Benchmarks"), ["report", "--size", "tiny", "--only-rows", "ingest-cpu"],
        environment: [
          "APUS_BINARY": try apusBinary(), "APUS_PEERS": folder.path, "PROMETHEUS": "", "VICTORIA": "",
        ], directory: folder.path)
      #expect(child.wait(within: .seconds(60)) == .code(0))
      let text = child.standardOutput.complete()
      #expect(text.contains("- (1) prometheus: ") && text.contains("- (2) victoria: "), "\(text)")
    }

    @Test("growth has a row for each size")
    func growth() throws {
      let arguments = ["growth", "--max", "1000", "--scrapes", "3", "--settle", "0", "--query-milliseconds", "1"]
      let text = try run(arguments)
      #expect(text.contains("|    100 |") && text.contains("|  1,000 |"), "\(text)")
    }

    @Test("the hot loops have results that depend on the seed alone")
    func micro() throws {
      func hashes(_ seed: String) throws -> [Substring] {
        try run(["micro", "--series", "200", "--rounds", "1", "--seed", seed]).split(separator: "\n")
          .filter { $0.hasPrefix("| ") }.compactMap { $0.split(separator: "|").last }
      }
      let first = try hashes("1")
      #expect(first.count == 15)
      #expect(try hashes("1") == first)
      #expect(try hashes("2") != first)
    }

    @Test(
      "a load with churn, jitter, replicas and values of its own arrives whole",
      arguments: [
        ["--churn", "0.3", "--jitter", "2000"], ["--replicas", "2", "--churn", "0.2"],
        ["--mix", "counters=50,constants=50"],
      ])
    func peculiarLoads(_ peculiarities: [String]) throws {
      let size = ["--series", "2100", "--scrapes", "6", "--body", "700", "--settle", "0", "--only", "apus"]
      #expect(try run(["ingest"] + size + peculiarities).contains("bytes sent, hash "))
    }

    @Test("a measurement that is interrupted leaves neither a server nor its data behind")
    func interruption() throws {
      let folder = try TemporaryDirectory("apus-interrupted")
      let child = try ChildProcess(
        try builtProgram("Benchmarks"), ["pause", "--series", "500"],
        environment: ["APUS_BINARY": try apusBinary(), "TMPDIR": folder.path])
      #expect(eventually(within: .seconds(30)) { serversOver(folder.path) == 1 })
      child.send(SIGINT)
      #expect(child.wait(within: .seconds(30)) == .code(130))
      #expect(namesInFolder(folder.path).isEmpty)
      #expect(eventually(within: .seconds(10)) { serversOver(folder.path) == 0 })
    }

    /// Processes whose data lies in a folder.
    private func serversOver(_ folder: String) -> Int {
      namesInFolder("/proc").count { name in
        guard let command = readFile("/proc/\(name)/cmdline") else { return false }
        return String(decoding: command, as: UTF8.self).contains("--storage.tsdb.path=\(folder)/")
      }
    }

    @Test("a mistake on the command line is named, with exit code 2")
    func mistakes() throws {
      for arguments in [["ingest", "--series", "none"], ["ingest", "--no-such", "1"], ["nothing"]] {
        let child = try ChildProcess(try builtProgram("Benchmarks"), arguments)
        #expect(child.wait(within: .seconds(30)) == .code(2))
        #expect(child.standardError.complete().contains(arguments[1...].first ?? "nothing"))
      }
    }
  }
}
