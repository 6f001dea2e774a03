import TestKit
import Testing

extension EndToEnd {
  @Suite("Several workspaces", .serialized)
  struct Workspaces {
    private static func configuration(_ entries: String, _ more: String = "") -> String {
      "apus:\n  workspaces:\n\(entries)\(more)"
    }

    @Test("each has its address, its samples, its limits and its folder; a reload opens and closes them")
    func apart() throws {
      let site = try Site()
      let file = try site.directory.write(
        Self.configuration("  - {id: team-a, alias: The A team}\n  - {id: team-b, limits: {max_active_series: 1}}\n"),
        to: "apus.yml")
      let arguments = ["--config.file=\(file)", "--web.enable-lifecycle"]
      var server = try site.start(arguments)
      let start = recentTimestamp()
      for (path, count) in [("", 3), ("/workspaces/team-a", 5)] {
        let answer = try server.write(counting("apart", from: start, count: count), to: path + "/api/v1/write")
        #expect(answer.status == 204, "\(path): \(answer.text)")
      }
      func samples(_ path: String) throws -> String {
        try server.get("\(path)/api/v1/query?query=count_over_time(apart[10m])&time=\(start / 1000 + 60)").text
      }
      #expect(try samples("").contains(#","3"]}]"#))
      #expect(try samples("/workspaces/team-a").contains(#","5"]}]"#))
      #expect(try samples("/workspaces/team-b").contains(#""result":[]"#))
      // A limit of its own.
      var two = counting("first", from: start, count: 1)
      two.add("second", ["job": "e2e"], [(start, 1)])
      let limited = try server.write(two, to: "/workspaces/team-b/api/v1/write")
      #expect(limited.status == 400 && limited.text.contains("limit"), "\(limited.text)")
      let unknown = try server.write(counting("apart", from: start, count: 1), to: "/workspaces/team-c/api/v1/write")
      #expect(unknown.status == 404 && unknown.text.contains("no such workspace: team-c"), "\(unknown.text)")
      let metrics = try server.get("/metrics").text
      #expect(metrics.contains(#"prometheus_tsdb_head_series{workspace="team-a"} 1"#))
      #expect(metrics.contains("apus_unknown_workspace_requests_total 1\n"))

      _ = try site.directory.write(Self.configuration("  - {id: team-a}\n  - {id: team-c}\n"), to: "apus.yml")
      #expect(try server.request("POST", "/-/reload").status == 200)
      #expect(try server.get("/workspaces/team-b/api/v1/query?query=1").status == 404)
      let late = try server.write(counting("apart", from: start, count: 1), to: "/workspaces/team-c/api/v1/write")
      #expect(late.status == 204, "\(late.text)")
      #expect(try samples("/workspaces/team-a").contains(#","5"]}]"#))

      server.child.killAndReap()
      server = try site.start(arguments)
      #expect(try samples("/workspaces/team-a").contains(#","5"]}]"#))
      #expect(try samples("").contains(#","3"]}]"#))
      _ = server.child.terminate()
    }

    @Test("a write makes a workspace where the configuration says so, and a start serves it again")
    func madeByWrites() throws {
      let site = try Site()
      let file = try site.directory.write("apus: {create_workspaces_on_write: true}\n", to: "apus.yml")
      var server = try site.start(["--config.file=\(file)"])
      let start = recentTimestamp()
      let path = "/workspaces/ws-3f1c/api/v1"
      #expect(try server.get("\(path)/query?query=made").status == 404)
      #expect(try server.write(counting("made", from: start, count: 2), to: "\(path)/write").status == 204)
      server.child.killAndReap()
      server = try site.start(["--config.file=\(file)"])
      let answer = try server.get("\(path)/query?query=made&time=\(start / 1000 + 1)").text
      #expect(answer.contains(#","1"]}]"#), "\(answer)")
      #expect(
        try server.write(counting("made", from: start, count: 1), to: "/workspaces/-x/api/v1/write").status == 404)
    }

    @Test("many workspaces that nobody uses cost no thread and little memory each")
    func many() throws {
      let site = try Site()
      let count = Int(environmentVariable("APUS_WORKSPACES") ?? "") ?? 200
      let none = try site.start()
      let before = try #require(none.child.usage)
      _ = none.child.terminate()
      let entries = (0..<count).map { "  - {id: w\($0)}\n" }.joined()
      let file = try site.directory.write(Self.configuration(entries), to: "apus.yml")
      let server = try site.start(["--config.file=\(file)"])
      let after = try #require(server.child.usage)
      let each = (after.anonymousBytes - before.anonymousBytes) / count
      print(
        "\(count) workspaces: \(each) bytes each, \(after.threads - before.threads) threads more, start \(server.startDuration)"
      )
      #expect(each <= 200_000)
      // The thread that opened them may be on its way out still.
      #expect(eventually(within: .seconds(10)) { (server.child.usage?.threads ?? .max) <= before.threads })
      _ = server.child.terminate()
    }
  }
}
