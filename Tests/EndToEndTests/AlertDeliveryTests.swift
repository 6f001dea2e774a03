import Glibc
import TestKit
import Testing

extension EndToEnd {
  /// Alerts of a server of ours alone, told to a real Alertmanager and to a recorder beside it.
  @Suite(
    "Alerts on their way", .serialized, .timeLimit(.minutes(3)),
    .enabled(if: PeerBinary.alertmanager.isExpected, Comment(rawValue: PeerBinary.alertmanager.absence)))
  struct AlertsOnTheirWay {
    private final class Post {
      let site: Site
      let recorder: AlertRecorder
      let alertmanager: ServerProcess
      let file: String
      let port = FreePort.next()

      init(rules: String) throws {
        site = try Site()
        recorder = try AlertRecorder()
        let hooks = try site.directory.write(
          """
          route: {receiver: hook, group_by: ['...'], group_wait: 500ms, group_interval: 1s, repeat_interval: 1h}
          receivers:
          - {name: hook, webhook_configs: [{url: 'http://\(recorder.address)/hook', send_resolved: true}]}

          """, to: "alertmanager.yml")
        alertmanager = try .alertmanager(data: site.directory.path("alertmanager"), configuration: hooks)
        try site.directory.write(rules, to: "rules.yml")
        file = try site.directory.write(
          """
          global: {evaluation_interval: 1s}
          rule_files: [rules.yml]
          alerting:
            alertmanagers:
            - static_configs: [{targets: ['127.0.0.1:\(alertmanager.port)']}]
            - {path_prefix: /direct, static_configs: [{targets: ['\(recorder.address)']}]}

          """, to: "apus.yml")
      }

      func start() throws -> ServerProcess {
        try .apus(
          data: site.data, ["--config.file=\(file)", "--no-storage.own-metrics", "--web.enable-lifecycle"], port: port)
      }

      /// What was posted of an alert by our server.
      func posted(_ name: String) -> [AlertRecorder.Delivery] {
        recorder.deliveries(to: "/direct").filter { $0.name == name }
      }

      /// What Alertmanager told of an alert.
      func told(_ name: String) -> [AlertRecorder.Delivery] {
        recorder.deliveries(to: "/hook").filter { $0.name == name }
      }
    }

    private static func set(_ server: ServerProcess, _ metric: String, _ value: Double) throws {
      var body = RemoteWriteBody()
      body.add(metric, ["instance": "a"], [(nowMilliseconds(), value)])
      #expect(try server.write(body).status / 100 == 2)
    }

    /// By name the fields of the alerts that are active.
    private static func active(_ server: ServerProcess) throws -> [String: JSONValue] {
      let alerts = try RuleOutcome.data(server, "/api/v1/alerts")["alerts"].array ?? []
      return Dictionary(alerts.map { ($0["labels"]["alertname"].string ?? "", $0) }) { first, _ in first }
    }

    @Test("each sample becomes an alert at the webhook behind Alertmanager; the seconds that it takes are printed")
    func latency() throws {
      let post = try Post(
        rules:
          "groups: [{name: a, rules: [{alert: Fast, expr: '{__name__=~\"fast.*\"} > 0', labels: {n: '{{ $value }}'}}]}]"
      )
      let server = try post.start()
      var seconds: [Double] = []
      for round in 1...4 {
        try Self.set(server, "fast\(round)", 0)
        sleepThread(.milliseconds(300 * round))
        let start = nowMilliseconds()
        try Self.set(server, "fast\(round)", Double(round))
        let arrived = eventually(within: .seconds(20), every: .milliseconds(5)) {
          post.told("Fast").first { $0.alert["labels"]["n"].string == "\(round)" }?.arrivedAt
        }
        seconds.append(Double(try #require(arrived) - start) / 1000)
      }
      // On a machine with nothing else to do: an interval, the wait of the group, and less than a second.
      print("seconds from a sample to the webhook: \(seconds)")
    }

    @Test("a killed server goes on with its alerts: none is sent as new, none is lost, and the clocks of `for` go on")
    func killed() throws {
      let post = try Post(
        rules: """
          groups:
          - name: a
            rules:
            - {alert: Firing, expr: 'load > 10', annotations: {value: '{{ $value }}'}}
            - {alert: ForElapsed, expr: 'load > 10', for: 1s}
            - {alert: Pending, expr: 'load > 10', for: 20s}
            - {alert: PendingLong, expr: 'load > 10', for: 1h}
            - {alert: Kept, expr: 'peak > 10', keep_firing_for: 1h}
            - {alert: Resolved, expr: 'peak > 10'}

          """)
      var server = try post.start()
      try Self.set(server, "load", 20)
      try Self.set(server, "peak", 20)
      let isFiring = eventually(within: .seconds(20)) {
        ["Firing", "ForElapsed", "Kept", "Resolved"].allSatisfy {
          post.told($0).count == 1 && post.posted($0).count == 1
        }
      }
      #expect(isFiring)
      try Self.set(server, "peak", 1)
      #expect(
        eventually(within: .seconds(20)) { post.told("Resolved").count == 2 && post.posted("Resolved").count == 2 })
      let isKept = try eventually(within: .seconds(10)) {
        try Self.active(server)["Kept"]?["keepFiringSince"].string != nil
      }
      #expect(isKept)
      // States reach the file within a second.
      usleep(2_500_000)
      let before = try Self.active(server)
      #expect(before.keys.sorted() == ["Firing", "ForElapsed", "Kept", "Pending", "PendingLong"])
      #expect(before["Pending"]?["state"].string == "pending")

      server.child.killAndReap()
      server = try post.start()
      let rounds = "prometheus_rule_group_iterations_total{"
      let isAtWork = try eventually(within: .seconds(20)) {
        try server.get("/metrics").text.split(separator: "\n").contains {
          $0.hasPrefix(rounds) && Int($0.split(separator: " ").last ?? "") ?? 0 >= 3
        }
      }
      #expect(isAtWork)
      for (name, alert) in before {
        let now = try Self.active(server)[name]
        for field in ["state", "activeAt", "keepFiringSince", "labels", "annotations"] {
          if name.hasPrefix("Pending"), field == "state" || field == "activeAt" { continue }
          #expect(now?[field] == alert[field], "\(name) \(field)")
        }
        // The clock of what is pending stands still from the last round that the file knows of, some seconds ago.
        if name.hasPrefix("Pending"), now?["state"].string == "pending" {
          let earlier = try #require(RuleHistory.milliseconds(alert["activeAt"].string))
          let later = try #require(RuleHistory.milliseconds(now?["activeAt"].string))
          #expect((0...10_000).contains(later - earlier), "\(name): \(later - earlier) ms")
        }
      }
      // What was pending fires when it would have: its clock did not begin anew.
      let fired = eventually(within: .seconds(45)) { post.posted("Pending").first }
      let start = try #require(RuleHistory.milliseconds(fired?.alert["startsAt"].string))
      let active = try server.query("ALERTS_FOR_STATE{alertname=\"Pending\"}").series.first?.points.first?.value
      let waited = Double(start) / 1000 - (active ?? 0)
      #expect((20...24).contains(waited), "fired \(waited) s after it became pending")
      // Nothing was sent again meanwhile, nor told again.
      for name in ["Firing", "ForElapsed", "Kept"] {
        #expect(post.posted(name).count == 1 && post.told(name).count == 1, "\(name): \(post.posted(name))")
      }
      #expect(post.posted("Resolved").count == 2 && post.told("Resolved").count == 2)
      // The end of what began before is told, as that of the same alert.
      try Self.set(server, "load", 1)
      let end = eventually(within: .seconds(20)) { post.told("Firing").count == 2 ? post.told("Firing") : nil }
      let told = try #require(end)
      #expect(told[1].alert["status"].string == "resolved" && told[1].alert["startsAt"] == told[0].alert["startsAt"])
    }

    @Test("alerts wait for an Alertmanager that refuses, and come when it takes them, not a resend later")
    func refusing() throws {
      let post = try Post(
        rules: "groups: [{name: a, rules: [{alert: Late, expr: 'load > 10'}, {alert: Brief, expr: 'brief > 10'}]}]")
      let server = try post.start()
      post.recorder.refuse(true)
      try Self.set(server, "load", 20)
      try Self.set(server, "brief", 20)
      let isFailing = try eventually(within: .seconds(20)) {
        try server.get("/metrics").text.split(separator: "\n").contains {
          $0.hasPrefix("prometheus_notifications_errors_total{") && $0.contains("/direct/") && !$0.hasSuffix(" 0")
        }
      }
      #expect(isFailing)
      try Self.set(server, "brief", 0)
      sleepThread(.seconds(2))
      #expect(post.posted("Late").isEmpty)
      post.recorder.refuse(false)
      // The resend delay is a minute.
      #expect(eventually(within: .seconds(30)) { post.posted("Late").count == 1 && post.posted("Brief").count >= 1 })
    }

    @Test("alerts of the rounds right after a start are told at once, with the address of the server")
    func firstRounds()
      throws
    {
      let groups = (0..<1_000).map { "- {name: g\($0), interval: 1s, rules: [{alert: Many\($0), expr: vector(1)}]}" }
      let post = try Post(rules: "groups:\n\(groups.joined(separator: "\n"))\n")
      let server = try post.start()
      // What was told to nobody comes a resend delay later, which is a minute.
      let isTold = eventually(within: .seconds(30)) {
        Set(post.recorder.deliveries(to: "/direct").map(\.name)).count == groups.count
      }
      #expect(isTold)
      let links = post.recorder.deliveries(to: "/direct").map { $0.alert["generatorURL"].string ?? "" }
      #expect(links.allSatisfy { $0.hasPrefix("http://") && $0.contains(":\(server.port)/graph") })
    }
  }
}
