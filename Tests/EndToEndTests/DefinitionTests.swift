import Glibc
import TestKit
import Testing

extension EndToEnd {
  /// Alert manager definitions and rule groups namespaces over the AWS command line, to the webhook at the other end.
  @Suite(
    "Definitions", .serialized, .timeLimit(.minutes(3)),
    .enabled(if: PeerBinary.awsCLI.isExpected, Comment(rawValue: PeerBinary.awsCLI.absence)))
  struct Definitions {
    private static let rules = "groups: [{name: g, interval: 1s, rules: [{alert: Down, expr: load > 1}]}]\n"

    private static func definition(_ hook: String, _ more: String = "") -> String {
      """
      alertmanager_config: |
        route: {receiver: hook, group_wait: 100ms, group_interval: 1s, repeat_interval: 1h}
        receivers:
        - {name: hook, webhook_configs: [{url: 'http://\(hook)'}]\(more)}

      """
    }

    private static func read(_ path: String) -> String { String(decoding: readFile(path) ?? [], as: UTF8.self) }

    private static func load(_ server: ServerProcess, _ id: String, _ value: Double) throws {
      var body = RemoteWriteBody()
      body.add("load", ["instance": "a"], [(nowMilliseconds(), value)])
      #expect(try server.write(body, to: "/workspaces/\(id)/api/v1/remote_write").status / 100 == 2)
    }

    @Test(
      "the AWS command line sets rules and receivers of a workspace up, and its alert is at the webhook, also after a kill"
    )
    func direct() throws {
      let site = try Site()
      let recorder = try AlertRecorder()
      let file = try site.directory.write("apus: {allow_private_receivers: true}\n", to: "apus.yml")
      let flags = ["--web.enable-management-api", "--config.file=\(file)", "--no-storage.own-metrics"]
      var server = try site.start(flags)
      var client = AWSCommandLine(port: server.port)
      let id = try #require(try client.run(["create-workspace", "--alias", "cli"])?["workspaceId"].string)
      try client.run(["wait", "workspace-active", "--workspace-id", id])
      let workspace = ["--workspace-id", id]
      let rules = try site.directory.write(Self.rules, to: "rules.yml")
      let hook = try site.directory.write(Self.definition("\(recorder.address)/direct"), to: "definition.yml")
      try client.run(
        ["create-rule-groups-namespace", "--name", "team/a", "--data", "fileb://\(rules)", "--tags", "k=v"] + workspace)
      try client.run(
        ["create-rule-groups-namespace", "--name", "team/a", "--data", "fileb://\(rules)"] + workspace,
        failing: "ConflictException")
      try client.run(["create-alert-manager-definition", "--data", "fileb://\(hook)"] + workspace)
      let bad = try site.directory.write(
        Self.definition("\(recorder.address)/bad", ", pagerduty_configs: [{routing_key: x}]"), to: "bad.yml")
      try client.run(
        ["put-alert-manager-definition", "--data", "fileb://\(bad)"] + workspace, failing: "pagerduty_configs of hook")
      let described = try client.run(["describe-alert-manager-definition"] + workspace)
      #expect(described?["alertManagerDefinition"]["status"]["statusCode"].string == "ACTIVE")
      let namespaces = try client.run(["list-rule-groups-namespaces", "--name", "team"] + workspace)
      #expect(namespaces?["ruleGroupsNamespaces"].array?.first?["tags"]["k"].string == "v")

      try Self.load(server, id, 5)
      #expect(eventually(within: .seconds(20)) { recorder.deliveries(to: "/direct").contains { $0.name == "Down" } })
      // Both files follow within a second.
      let files = ["\(site.data)/workspaces/\(id)/apus.alerts", "\(site.data)/apus.notify"]
      #expect(eventually(within: .seconds(20)) { files.allSatisfy { Self.read($0).contains("Down") } })
      server.child.killAndReap()
      server = try site.start(flags)
      client = AWSCommandLine(port: server.port)
      // Nothing of it is told twice, and its end still gets there.
      try Self.load(server, id, 0)
      #expect(
        eventually(within: .seconds(20)) {
          recorder.deliveries(to: "/direct").contains { $0.alert["status"].string == "resolved" }
        })
      #expect(recorder.deliveries(to: "/direct").filter { $0.alert["status"].string == "firing" }.count == 1)
      #expect(recorder.deliveries(to: "/bad").isEmpty)
      try client.run(["delete-alert-manager-definition"] + workspace)
      try client.run(["describe-alert-manager-definition"] + workspace, failing: "ResourceNotFoundException")
      try client.run(["delete-rule-groups-namespace", "--name", "team/a"] + workspace)
      try client.run(["delete-workspace"] + workspace)
      try client.run(["wait", "workspace-deleted"] + workspace)
    }

    @Test(
      "a definition becomes a real Alertmanager's configuration, and silences pass through to it",
      .enabled(if: PeerBinary.alertmanager.isExpected, Comment(rawValue: PeerBinary.alertmanager.absence)))
    func handedOver() throws {
      let site = try Site()
      let recorder = try AlertRecorder()
      let start = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
      let configuration = try site.directory.write(start, to: "alertmanager.yml")
      let alertmanager = try ServerProcess.alertmanager(
        data: site.directory.path("alertmanager"), configuration: configuration)
      let file = try site.directory.write(
        """
        global: {evaluation_interval: 1s}
        alerting: {alertmanagers: [{static_configs: [{targets: ['127.0.0.1:\(alertmanager.port)']}]}]}
        apus:
          managed_alertmanagers:
          - {workspace: default, url: 'http://127.0.0.1:\(alertmanager.port)/', config_file: alertmanager.yml}

        """, to: "apus.yml")
      let flags = ["--web.enable-management-api", "--config.file=\(file)", "--no-storage.own-metrics"]
      let server = try site.start(flags)
      let client = AWSCommandLine(port: server.port)
      let workspace = ["--workspace-id", "default"]
      let rules = try site.directory.write(Self.rules, to: "rules.yml")
      // Only an Alertmanager knows templates and inhibitions.
      let text = """
        alertmanager_config: |
          templates: [x.tmpl]
          route: {receiver: hook, group_wait: 100ms, group_interval: 1s, repeat_interval: 1h}
          inhibit_rules: [{source_matchers: ['a="b"'], target_matchers: ['c="d"'], equal: [e]}]
          receivers:
          - {name: hook, webhook_configs: [{url: 'http://\(recorder.address)/handed'}]}
        template_files:
          x.tmpl: '{{ define "x" }}y{{ end }}'

        """
      let hook = try site.directory.write(text, to: "definition.yml")
      try client.run(["create-rule-groups-namespace", "--name", "a", "--data", "fileb://\(rules)"] + workspace)
      try client.run(["create-alert-manager-definition", "--data", "fileb://\(hook)"] + workspace)
      #expect(Self.read(site.directory.path("x.tmpl")).contains("define"))
      let before = Self.read(configuration)
      let bad = try site.directory.write(
        text.replacing("{url: ", with: "{url_: x, url: "), to: "bad.yml")
      try client.run(
        ["put-alert-manager-definition", "--data", "fileb://\(bad)"] + workspace, failing: "url_ not found")
      #expect(Self.read(configuration) == before)

      try Self.load(server, "default", 5)
      #expect(eventually(within: .seconds(20)) { recorder.deliveries(to: "/handed").contains { $0.name == "Down" } })
      let base = "/workspaces/default/alertmanager/api/v2"
      let alerts = try JSONValue(parsing: try server.get("\(base)/alerts?filter=alertname%3D%22Down%22").text)
      #expect(alerts.array?.count == 1)
      let silence = """
        {"matchers":[{"name":"alertname","value":"Down","isRegex":false}],"startsAt":"2020-01-01T00:00:00Z",\
        "endsAt":"2100-01-01T00:00:00Z","createdBy":"me","comment":"c"}
        """
      let made = try server.request(
        "POST", "\(base)/silences", headers: [("Content-Type", "application/json")], body: Array(silence.utf8))
      let name = try #require(try JSONValue(parsing: made.text)["silenceID"].string, "\(made.text)")
      #expect(try server.get("\(base)/silence/\(name)").status == 200)
      #expect(
        try JSONValue(parsing: try server.get("\(base)/alerts?silenced=false&active=true").text).array?.count == 0)
      #expect(try server.request("DELETE", "\(base)/silence/\(name)").status == 200)
      #expect(try server.get("\(base)/silence/..%2F..%2Fstatus").status == 400)
      #expect(try server.get("\(base)/alerts/groups").status == 200)
      #expect(try server.get("\(base)/status").status == 200)
      #expect(try server.get("\(base)/receivers").text.contains("hook"))
      try client.run(["delete-alert-manager-definition"] + workspace)
      #expect(Self.read(configuration).contains("nobody"))
      #expect(try server.get("/workspaces/default/alertmanager/api/v2/receivers").text.contains("nobody"))
    }
  }
}
