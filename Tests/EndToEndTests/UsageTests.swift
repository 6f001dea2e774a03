import TestKit
import Testing

extension EndToEnd {
  @Suite("Usage and what all workspaces keep together", .serialized)
  struct Usages {
    @Test("what a workspace took in and was asked is told with its cost, also after a restart") func usage() throws {
      let site = try Site()
      let file = try site.directory.write(
        """
        apus:
          usage:
            prices: {ingested_samples_per_10_million: 10000000, query_samples_per_billion: 1000000000}
          workspaces:
          - {id: team}

        """, to: "apus.yml")
      let arguments = ["--config.file=\(file)"]
      let start = recentTimestamp()
      func total(_ server: ServerProcess, _ prefix: String) throws -> JSONValue {
        try JSONValue(parsing: try server.get(prefix + "/api/v1/status/usage?step=day").body)["data"]["total"]
      }
      for restarted in [false, true] {
        let server = try site.start(arguments)
        if !restarted {
          #expect(
            try server.write(counting("m", from: start, count: 7), to: "/workspaces/team/api/v1/write").status == 204)
          _ = try server.get("/workspaces/team/api/v1/query?query=m&time=\(start / 1000 + 3)")
        }
        let team = try total(server, "/workspaces/team")
        #expect(team["ingestedBySource"]["remoteWrite"].number == 7 && team["ownSamples"].number == 0)
        #expect(team["querySamples"].number == 1 && team["queries"].number == 1)
        #expect(team["cost"]["ingestion"].number == 7 && team["cost"]["queries"].number == 1)
        let own = try total(server, "")
        #expect(own["ingestedSamples"].number == 0 && own["ownSamples"].number ?? 0 > 100)
        #expect(server.child.terminate() == .code(0))
      }
    }

    @Test("past apus.total_retention.size the oldest blocks of all workspaces go, and who is small is spared")
    func totalSize() throws {
      let site = try Site()
      let apus = try apusBinary()
      let ids = ["large", "other", "small"]
      let now = nowMilliseconds() / 1000
      for (id, days, series) in [("large", 6, 400), ("other", 6, 200), ("small", 8, 2)] {
        var text = "# TYPE m gauge\n"
        for number in 0..<series {
          for day in (1...days).reversed() { text += "m{n=\"\(number)\"} 1 \(now - Int64(day) * 86_400)\n" }
        }
        let source = try site.directory.write(text + "# EOF\n", to: id + ".txt")
        let imported = try ChildProcess(
          apus, ["tsdb", "import", "openmetrics", source, site.data + "/workspaces/" + id])
        #expect(imported.wait(within: .seconds(20)) == .code(0), "\(imported.standardError.complete())")
      }
      func configuration(_ retention: String) throws -> String {
        try site.directory.write(
          "apus:\n" + retention + "  workspaces:\n" + ids.map { "  - {id: \($0)}\n" }.joined(), to: "apus.yml")
      }
      let file = try configuration("")
      let server = try site.start(["--config.file=\(file)", "--web.enable-lifecycle", "--no-storage.own-metrics"])
      /// The ends of the blocks, the oldest first.
      func ends(_ id: String) throws -> [Int64] {
        let answer = try JSONValue(parsing: try server.get("/workspaces/\(id)/api/v1/status/tsdb/blocks").body)
        return (answer["data"]["blocks"].array ?? []).compactMap { $0["maxTime"].number.map { Int64($0) } }.sorted()
      }
      func metric(_ name: String) throws -> Int? {
        let line = try server.get("/metrics").text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return line.flatMap { Double($0.dropFirst(name.utf8.count + 1)) }.map { Int($0) }
      }
      func bytes(_ id: String) throws -> Int {
        try metric("prometheus_tsdb_storage_blocks_bytes{workspace=\"\(id)\"}") ?? 0
      }
      let all = try ids.map(bytes).reduce(0, +)
      let small = try bytes("small")
      #expect(try ids.map { try ends($0).count } == [6, 6, 8])

      _ = try configuration("  total_retention: {size: \(all * 6 / 10)B, spared_size: \(small * 2)B}\n")
      #expect(try server.request("POST", "/-/reload").status == 200)
      let isKept = try eventually(within: .seconds(20)) { try ids.map(bytes).reduce(0, +) <= all * 6 / 10 }
      #expect(isKept)
      let (large, other) = (try ends("large"), try ends("other"))
      // The past of both ends within a day of the same time.
      #expect((1...5).contains(large.count) && (0...1).contains(other.count - large.count), "\(large) \(other)")
      #expect(try ends("small").count == 8)
      #expect(try metric("apus_total_retention_limit_bytes") == all * 6 / 10)
      let dropped = try metric("apus_blocks_dropped_by_total_retention_total{workspace=\"large\"}")
      #expect(dropped == 6 - large.count)
      #expect(
        try server.get("/workspaces/large/api/v1/query?query=count(m)&time=\(now - 86_400)").text.contains("\"400\""))
      #expect(server.child.terminate() == .code(0))
      let lines = server.child.standardError.complete().split(separator: "\n")
        .filter { $0.contains("apus.total_retention.size") && $0.contains("workspace=large") }
      #expect(lines.count == dropped, "\(lines)")
    }
  }
}
