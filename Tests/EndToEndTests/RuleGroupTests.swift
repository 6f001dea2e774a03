import TestKit
import Testing

extension EndToEnd {
  /// Rule groups over HTTP, and the log of queries, with real processes and disks.
  @Suite struct RuleGroups {
    private static func group(_ name: String) -> [UInt8] {
      Array("name: \(name)\nrules:\n- {record: 'a:b', expr: sum(up)}\n".utf8)
    }

    @Test("a group that was acknowledged is there after a kill, in its own workspace")
    func kill() throws {
      let site = try Site()
      let file = try site.directory.write("apus: {workspaces: [{id: team}]}\n", to: "apus.yml")
      let flags = ["--config.file=\(file)", "--web.enable-rules-api"]
      var server = try site.start(flags)
      for (place, name) in [("", "one"), ("/workspaces/team", "two"), ("/workspaces/team", "three")] {
        let answer = try server.request("POST", place + "/config/v1/rules/ns%2F1", body: Self.group(name))
        #expect(answer.status == 202, "\(answer.text)")
      }
      let refused = try server.request("POST", "/config/v1/rules/n", body: Array("name: x\nrules: [{expr: up}]".utf8))
      #expect(
        refused.status == 400
          && refused.text
            == "0:0: 0:0: group \"x\", rule 1, \"\": one of 'record' or 'alert' must be set\n",
        "\(refused.text)")
      server.child.killAndReap()
      server = try site.start(flags)
      let own = try server.get("/config/v1/rules").text
      #expect(own == "ns/1:\n- name: one\n  rules:\n  - record: a:b\n    expr: sum(up)\n", "\(own)")
      let team = try server.get("/workspaces/team/config/v1/rules").text
      #expect(team.contains("- name: two\n") && team.contains("- name: three\n") && !team.contains("one"))
      #expect(try server.request("DELETE", "/workspaces/team/config/v1/rules/ns%2F1").status == 202)
      server.child.killAndReap()
      server = try site.start(flags)
      #expect(try server.get("/workspaces/team/config/v1/rules").text == "{}\n")
      #expect(try server.get("/config/v1/rules").text == own)
    }
  }
}

extension EndToEnd.Beside {
  @Test("the query log has the lines that a real Prometheus writes, but for its places in Go's code")
  func queryLog() throws {
    let text = "global: {query_log_file: query.log}\n"
    let site = try EndToEnd.Site()
    let file = try site.directory.write(text, to: "apus.yml")
    let apus = try site.start(["--config.file=\(file)", "--no-storage.own-metrics"])
    let peer = try TemporaryDirectory("apus-e2e")
    let prometheus = try ServerProcess.prometheus(
      data: peer.path("data"), configuration: try peer.write(text, to: "prometheus.yml"))
    let time = nowMilliseconds() / 60_000 * 60 - 600
    let body = Self.body(time)
    #expect(try apus.write(body).status == 204 && prometheus.write(body).status == 204)
    for server in [apus, prometheus] {
      for target in [
        "query?query=sum(up)%20by%20(job)&time=\(time)", "query?query=up%3C0.5&time=\(time).123", "query?query=up%7B",
        "query_range?query=rate(up%5B1m%5D)&start=\(time)&end=\(time + 300).5&step=15.5",
        "query?query=up%2Bon(job)weird&time=\(time)",
        "query?query=label_replace(up,%22a%22,%22b%22,%22c%22,%22(%22)&time=\(time)",
        "labels", "series?match[]=up",
      ] { _ = try server.get("/api/v1/" + target) }
      let form = [("Content-Type", "application/x-www-form-urlencoded")]
      _ = try server.request(
        "POST", "/api/v1/query", headers: form, body: Array("query=%22%C3%BC%5Cn%22&time=\(time)".utf8))
    }
    let (own, theirs) = (
      try Self.lines(site.directory.path("query.log")), try Self.lines(peer.path("query.log"))
    )
    #expect(own.count == 6 && own == theirs, "\(own.joined(separator: "\n"))\n\(theirs.joined(separator: "\n"))")
  }

  /// The lines of a query log without what no two runs have alike.
  private static func lines(_ path: String) throws -> [String] {
    try fileText(path).split(separator: "\n").map { line in
      let value = try JSONValue(parsing: Array(line.utf8))
      var kept: [String] = []
      // Of a query that failed only Prometheus knows how far it had come.
      let isWhole = value["error"].isNull
      for member in value.members ?? [] where !["time", "source", "spanID"].contains(member.name) {
        let timings = member.value["timings"].members?.map(\.name).joined(separator: " ")
        let samples = member.value["samples"]["totalQueryableSamples"]
        kept.append("\(member.name): " + (timings.map { isWhole ? "\($0) \(samples)" : $0 } ?? "\(member.value)"))
      }
      return kept.joined(separator: ", ")
    }
  }
}
