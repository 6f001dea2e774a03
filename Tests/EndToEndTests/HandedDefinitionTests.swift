import Format
import Glibc
import TestKit
import Testing

extension EndToEnd {
  /// The definition of a workspace at a real Alertmanager: its silences, and what is left of it after both were killed.
  @Suite(
    "Handed definitions", .serialized, .timeLimit(.minutes(4)),
    .enabled(if: PeerBinary.awsCLI.isExpected, Comment(rawValue: PeerBinary.awsCLI.absence)),
    .enabled(if: PeerBinary.alertmanager.isExpected, Comment(rawValue: PeerBinary.alertmanager.absence)))
  struct HandedDefinitions {
    private static let nobody = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
    private static let workspace = ["--workspace-id", "team"]
    private static let base = "/workspaces/team/alertmanager/api/v2"

    /// A workspace with two alerts that fire, an Alertmanager of its own, and a webhook behind it.
    private final class Post {
      let site: Site
      let recorder: AlertRecorder
      let port = FreePort.next()
      let alertmanagerPort = FreePort.next()
      let file: String
      let configuration: String

      init() throws {
        site = try Site()
        recorder = try AlertRecorder()
        try site.directory.makeFolder("am")
        configuration = try site.directory.write(nobody, to: "am/alertmanager.yml")
        file = try site.directory.write(
          """
          global: {evaluation_interval: 1s}
          alerting: {alertmanagers: [{static_configs: [{targets: ['127.0.0.1:\(alertmanagerPort)']}]}]}
          apus:
            workspaces: [{id: team}]
            managed_alertmanagers:
            - {workspace: team, url: 'http://127.0.0.1:\(alertmanagerPort)', config_file: am/alertmanager.yml}

          """, to: "apus.yml")
      }

      func start() throws -> ServerProcess {
        // An Alertmanager that was killed has forgotten its alerts: they come again after the resend delay.
        try .apus(
          data: site.data,
          [
            "--config.file=\(file)", "--web.enable-management-api", "--no-storage.own-metrics",
            "--rules.alert.resend-delay=1s",
          ], port: port)
      }

      func startAlertmanager() throws -> ServerProcess {
        try .alertmanager(
          data: site.directory.path("am/data"), configuration: configuration, port: alertmanagerPort)
      }

      /// A definition that tells what fires again and again, with a template.
      func definition(_ path: String, template: String = "x.tmpl") throws -> String {
        try site.directory.write(
          """
          alertmanager_config: |
            templates: [\(template)]
            route: {receiver: hook, group_by: [alertname], group_wait: 100ms, group_interval: 1s, repeat_interval: 1s}
            receivers:
            - {name: hook, webhook_configs: [{url: 'http://\(recorder.address)\(path)'}]}
          template_files:
            \(template): '{{ define "x" }}y{{ end }}'

          """, to: "definition.yml")
      }

      func told(_ path: String, _ name: String) -> Int {
        recorder.deliveries(to: path).count { $0.name == name && $0.alert["status"].string == "firing" }
      }

      /// Waits until an alert has been told so many times more.
      func isTold(_ path: String, _ name: String, more: Int) -> Bool {
        let before = told(path, name)
        return eventually(within: .seconds(60)) { self.told(path, name) >= before + more }
      }
    }

    private static func fire(_ server: ServerProcess) throws {
      var body = RemoteWriteBody()
      body.add("load", ["instance": "a"], [(nowMilliseconds(), 5)])
      #expect(try server.write(body, to: "/workspaces/team/api/v1/remote_write").status / 100 == 2)
    }

    private static func status(_ client: AWSCommandLine) throws -> String? {
      let answer = try client.run(["describe-alert-manager-definition"] + workspace)
      return answer?["alertManagerDefinition"]["status"]["statusCode"].string
    }

    @Test("a silence put through the workspace stops its alert alone, its deletion lets the alert go on")
    func silences() throws {
      let post = try Post()
      let alertmanager = try post.startAlertmanager()
      let server = try post.start()
      let client = AWSCommandLine(port: server.port)
      let rules = try post.site.directory.write(
        "groups: [{name: g, interval: 1s, rules: [{alert: Down, expr: load > 1}, {alert: Other, expr: load > 2}]}]",
        to: "rules.yml")
      try client.run(["create-rule-groups-namespace", "--name", "n", "--data", "fileb://\(rules)"] + Self.workspace)
      try client.run(
        ["create-alert-manager-definition", "--data", "fileb://\(try post.definition("/hook"))"] + Self.workspace)
      try Self.fire(server)
      #expect(post.isTold("/hook", "Down", more: 2) && post.isTold("/hook", "Other", more: 2))

      let silence = """
        {"matchers":[{"name":"alertname","value":"Down","isRegex":false}],"startsAt":"2020-01-01T00:00:00Z",\
        "endsAt":"2100-01-01T00:00:00Z","createdBy":"me","comment":"c"}
        """
      let made = try server.request(
        "POST", "\(Self.base)/silences", headers: [("Content-Type", "application/json")], body: Array(silence.utf8))
      let id = try #require(try JSONValue(parsing: made.text)["silenceID"].string, "\(made.text)")
      // What was on its way is there before the other alert has come twice more.
      #expect(post.isTold("/hook", "Other", more: 2))
      let before = post.told("/hook", "Down")
      #expect(post.isTold("/hook", "Other", more: 4))
      #expect(post.told("/hook", "Down") == before)
      #expect(try server.request("DELETE", "\(Self.base)/silence/\(id)").status == 200)
      #expect(post.isTold("/hook", "Down", more: 2))
      // Another workspace has no part in it.
      #expect(try server.get("/workspaces/default/alertmanager/api/v2/silences").status == 404)
      #expect(try server.get("\(Self.base)/silences").text.contains(id))
      alertmanager.child.killAndReap()
      #expect(try server.get("\(Self.base)/silences").status == 502)
    }

    @Test("a definition is handed over again after both were killed, and once an Alertmanager that was not there is")
    func restarts() throws {
      let post = try Post()
      var alertmanager = try post.startAlertmanager()
      var server = try post.start()
      var client = AWSCommandLine(port: server.port)
      let rules = try post.site.directory.write(
        "groups: [{name: g, interval: 1s, rules: [{alert: Down, expr: load > 1}]}]", to: "rules.yml")
      try client.run(["create-rule-groups-namespace", "--name", "n", "--data", "fileb://\(rules)"] + Self.workspace)
      let first = try post.definition("/first")
      try client.run(["create-alert-manager-definition", "--data", "fileb://\(first)"] + Self.workspace)
      let bytes = try #require(readFile(first))
      try Self.fire(server)
      #expect(post.isTold("/first", "Down", more: 1))

      // Refused: a template of the name of a file that no definition has brought.
      try post.site.directory.write("mine", to: "am/web.yml")
      let second = try post.definition("/second", template: "web.yml")
      try client.run(
        ["put-alert-manager-definition", "--data", "fileb://\(second)"] + Self.workspace, failing: "web.yml")
      #expect(readFile(post.site.directory.path("am/web.yml")).map { String(decoding: $0, as: UTF8.self) } == "mine")

      server.child.killAndReap()
      alertmanager.child.killAndReap()
      try overwriteFile(post.configuration, Array(Self.nobody.utf8))
      alertmanager = try post.startAlertmanager()
      #expect(try alertmanager.get("/api/v2/receivers").text.contains("nobody"))
      server = try post.start()
      client = AWSCommandLine(port: server.port)
      #expect(try Self.status(client) == "ACTIVE")
      #expect(try server.get("\(Self.base)/receivers").text.contains("hook"))
      try Self.fire(server)
      #expect(post.isTold("/first", "Down", more: 2))

      server.child.killAndReap()
      alertmanager.child.killAndReap()
      try overwriteFile(post.configuration, Array(Self.nobody.utf8))
      server = try post.start()
      client = AWSCommandLine(port: server.port)
      let described = try client.run(["describe-alert-manager-definition"] + Self.workspace)
      let definition = try #require(described?["alertManagerDefinition"])
      #expect(definition["status"]["statusCode"].string == "UPDATE_FAILED")
      #expect(definition["status"]["statusReason"].string?.contains("could not be told") ?? false)
      #expect(Base64.decode(definition["data"].string ?? "") == bytes)
      let metric = "apus_alertmanager_definition_in_effect{workspace=\"team\"} "
      #expect(try server.get("/metrics").text.contains(metric + "0"))
      alertmanager = try post.startAlertmanager()
      #expect(try eventually(within: .seconds(90)) { try server.get("/metrics").text.contains(metric + "1") })
      #expect(try Self.status(client) == "ACTIVE")
      #expect(try alertmanager.get("/api/v2/receivers").text.contains("hook"))
      try client.run(["delete-alert-manager-definition"] + Self.workspace)
      #expect(try alertmanager.get("/api/v2/receivers").text.contains("nobody"))
      #expect(readFile(post.site.directory.path("am/x.tmpl")) == nil)
      #expect(post.recorder.deliveries(to: "/second").isEmpty)
    }
  }
}
