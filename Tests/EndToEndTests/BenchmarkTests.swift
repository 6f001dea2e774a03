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
      let day = ["day", "--series", "20", "--scrapes", "800", "--settle", "0", "--only", "apus"]
      #expect(try run(day).contains("bytes / sample in blocks"))
      let pauses = try run(["pause", "--series", "500", "--scrapes", "250", "--settle", "1"])
      #expect(pauses.contains("appends: ") && pauses.contains("queries: ") && !pauses.contains("none"))
    }

    @Test("queries report figures for the whole mix, and the memory of a wide one")
    func queries() throws {
      let small = ["--series", "132", "--scrapes", "80", "--settle", "0", "--only", "apus"]
      let mix = try run(["queries", "--query-milliseconds", "1"] + small)
      #expect(mix.contains("| rate by job, 1 h") && mix.contains("| raw series, 6 h"))
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
