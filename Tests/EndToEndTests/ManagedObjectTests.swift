import Glibc
import TestKit
import Testing

extension EndToEnd {
  /// Limits of label sets, logs and policies of a workspace, set over the AWS command line, and what they do.
  @Suite(
    "Managed objects", .timeLimit(.minutes(3)),
    .enabled(if: PeerBinary.awsCLI.isExpected, Comment(rawValue: PeerBinary.awsCLI.absence)))
  struct ManagedObjects {
    /// SHA-256 of the words `admin` and `writer`.
    private static let credentials = """
      principals:
        - name: admin
          access_keys: [{id: AKID, secret: secret}]
          bearer_sha256: [8c6976e5b5410415bde908bd4dee15dfb167a9c873fc4bb8a81f6f2ab448a918]
          statements: [{effect: Allow, actions: ["*"], workspaces: ["*"]}]
        - name: writer
          bearer_sha256: [b93006774cbdd4b299389a03ac3d88c3a76b460d538795bc12718011a909fba5]
          statements: []

      """

    private static func bearer(_ token: String) -> [(String, String)] { [("Authorization", "Bearer \(token)")] }

    private static func write(
      _ server: ServerProcess, _ id: String, _ names: [String], as token: String = "writer"
    ) throws -> HTTPAnswer {
      var body = RemoteWriteBody()
      for name in names {
        body.add("m_\(name)", ["job": String(name.prefix(1))], [(EndToEnd.recentTimestamp(), 1)])
      }
      return try server.request(
        "POST", "/workspaces/\(id)/api/v1/remote_write", headers: RemoteWriteBody.headers + bearer(token),
        body: body.snappy)
    }

    private static func get(_ server: ServerProcess, _ path: String, as token: String = "admin") throws -> HTTPAnswer {
      try server.request("GET", path, headers: bearer(token))
    }

    /// Gives the series of the rule a sample that is not too old for it.
    private static func refresh(_ server: ServerProcess, _ id: String) throws {
      var body = RemoteWriteBody()
      for name in ["a1", "a2"] { body.add("m_\(name)", ["job": "a"], [(nowMilliseconds(), 2)]) }
      let answer = try server.request(
        "POST", "/workspaces/\(id)/api/v1/remote_write", headers: RemoteWriteBody.headers + bearer("writer"),
        body: body.snappy)
      #expect(answer.status / 100 == 2)
    }

    @Test("limits, logs and a policy hold at once and after a kill")
    func everything() throws {
      let site = try Site()
      let credentials = try site.directory.write(Self.credentials, to: "credentials.yml")
      #expect(chmod(credentials, 0o600) == 0)
      let flags = [
        "--web.credentials-file=\(credentials)", "--no-storage.own-metrics", "--web.health-without-credentials",
      ]
      var server = try site.start(flags)
      var client = AWSCommandLine(port: server.port)
      let id = try #require(try client.run(["create-workspace"])?["workspaceId"].string)
      let workspace = ["--workspace-id", id]
      let sets =
        "[{\"limits\":{\"maxSeries\":2},\"labelSet\":{\"job\":\"a\"}},{\"limits\":{\"maxSeries\":1},\"labelSet\":{}}]"
      try client.run(["update-workspace-configuration", "--limits-per-label-set", sets] + workspace)
      let group = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/x:*"
      try client.run(["create-logging-configuration", "--log-group-arn", group] + workspace)
      let destination = "[{\"cloudWatchLogs\":{\"logGroupArn\":\"\(group)\"},\"filters\":{\"qspThreshold\":2}}]"
      try client.run(["create-query-logging-configuration", "--destinations", destination] + workspace)
      #expect(try Self.write(server, id, ["a1"]).status == 403)
      let arn = "arn:aws:aps:eu-west-1:000000000000:workspace/\(id)"
      let policy = """
        {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:user/writer"},\
        "Action":"aps:RemoteWrite","Resource":"\(arn)"}]}
        """
      try client.run(["put-resource-policy", "--policy-document", policy] + workspace)

      #expect(try Self.write(server, id, ["a1", "a2", "b1"]).status / 100 == 2)
      let refused = try Self.write(server, id, ["a1", "a2", "a3", "b1", "c1"])
      #expect(refused.status == 400 && refused.text.contains("per-labelset series limit of"), "\(refused.text)")
      #expect(try Self.get(server, "/workspaces/\(id)/api/v1/query?query=a1", as: "writer").status == 403)
      // Two series on one side: no answer.
      let rules = try site.directory.write(
        "groups: [{name: g, interval: 1s, rules: [{record: r, expr: '{job=\"a\"} * on(job) {job=\"a\"}'}]}]\n",
        to: "rules.yml")
      try client.run(["create-rule-groups-namespace", "--name", "n", "--data", "fileb://\(rules)"] + workspace)
      let logs = "\(site.data)/workspaces/\(id)/logs"
      func text(_ name: String) -> String { String(decoding: readFile("\(logs)/\(name)") ?? [], as: UTF8.self) }
      for query in ["count({job=\"a\"})", "m_b1"] {
        let encoded = query.replacing("{", with: "%7B").replacing("}", with: "%7D").replacing("\"", with: "%22")
        let path = "/workspaces/\(id)/api/v1/query?query=\(encoded)&time=\(EndToEnd.recentTimestamp() / 1000 + 1)"
        #expect(try Self.get(server, path).status == 200)
      }
      #expect(text("queries.jsonl").contains("count({job=") && !text("queries.jsonl").contains("m_b1"))

      try Self.refresh(server, id)
      #expect(eventually(within: .seconds(20)) { text("rules.jsonl").contains("many-to-many") })

      server.child.killAndReap()
      server = try site.start(flags)
      client = AWSCommandLine(port: server.port)
      #expect(try Self.write(server, id, ["a1", "a2", "b1"]).status / 100 == 2)
      #expect(try Self.write(server, id, ["a4"]).status == 400)
      let limits = try JSONValue(parsing: try Self.get(server, "/workspaces/\(id)/api/v1/status/limits").text)
      #expect(limits["data"]["labelSets"].array?.map { $0["present"].number } == [2, 1])
      #expect(try Self.get(server, "/workspaces/\(id)/api/v1/labels", as: "writer").status == 403)
      try client.run(["delete-resource-policy"] + workspace)
      #expect(try Self.write(server, id, ["a1"]).status == 403)
      let configuration = try client.run(["get-default-scraper-configuration"])
      #expect(configuration?["configuration"].string?.isEmpty == false)
      try client.run(["describe-scraper", "--scraper-id", "s-1"], failing: "ResourceNotFoundException")
      try client.run(
        [
          "create-anomaly-detector", "--alias", "x", "--configuration", "{\"randomCutForest\":{\"query\":\"sum(a)\"}}",
        ] + workspace, failing: "a recording rule or an alert")
    }
  }
}
