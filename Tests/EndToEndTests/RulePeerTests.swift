import TestKit
import Testing

extension EndToEnd {
  /// A real Prometheus and Apus evaluate the same rules over the same samples, each with a real Alertmanager.
  @Suite(
    "Rules beside Prometheus", .serialized, .timeLimit(.minutes(3)),
    .enabled(if: PeerBinary.alertmanager.isExpected, Comment(rawValue: PeerBinary.alertmanager.absence)))
  struct RulePeers {
    /// Longer than any `for` that ends within a test, and than two rounds of the slowest group.
    private static let plateau = Duration.milliseconds(4600)

    /// Nothing when both servers come to show the same within some rounds, else what differs.
    private static func settle(_ pair: RulePeerPair, _ what: String) throws {
      var differences: [String] = []
      let isSame = try eventually(within: .seconds(15), every: .milliseconds(300)) {
        differences = try pair.differences()
        return differences.isEmpty
      }
      #expect(isSame, "\(what): \(differences.count):\n\(differences.joined(separator: "\n"))")
    }

    @Test("the same rules over the same samples are the same series, alerts and notifications")
    func sameOutcome() throws {
      let pair = try RulePeerPair()
      try pair.write(RulePeerSamples.body(step: 0, at: nowMilliseconds()))
      try pair.writeRules([
        "recordings.yml": RulePeerRecordings.text(moment: pair.moment), "alerts.yml": RulePeerAlerts.text,
        "templates.yml": RulePeerTemplates.text, "empty.yml": "",
      ])
      #expect(try pair.reload().map(\.status) == [200, 200])
      for step in 0..<RulePeerSamples.steps {
        if step > 0 { try pair.write(RulePeerSamples.body(step: step, at: nowMilliseconds())) }
        sleepThread(Self.plateau)
        try Self.settle(pair, "step \(step)")
        if step == 2 { try Self.compareRequests(pair) }
      }
      let theirs = try pair.history(of: 0)
      let ours = try pair.history(of: 1)
      let differences = ours.differences(from: theirs)
      #expect(differences.isEmpty, "\(differences.count):\n\(differences.joined(separator: "\n"))")
      #expect(theirs.faults.isEmpty && ours.faults.isEmpty, "\(theirs.faults) \(ours.faults)")
      #expect(pair.recorder.damaged.isEmpty)
      #expect(theirs.series.count > 200 && theirs.posted.count > 60 && theirs.told.count > 60)
    }

    /// Every parameter of the endpoint, while many alerts fire.
    private static func compareRequests(_ pair: RulePeerPair) throws {
      let alerts = percentEncoded("\(pair.site.directory.path)/rules/alerts.yml")
      let targets = [
        "rules?type=alert", "rules?type=ReCord", "rules?type=alerts", "rules?exclude_alerts=true&type=alert",
        "rules?exclude_alerts=maybe", "rules?rule_name[]=Now&rule_name[]=For",
        "rules?rule_group[]=basics&rule_name[]=Now",
        "rules?file[]=\(alerts)&type=alert&rule_group[]=identities", "rules?rule_name[]=none",
        "rules?match[]=\(percentEncoded("{team=\"core\"}"))&match[]=\(percentEncoded("{severity=~\"p.*\"}"))",
        "rules?match[]=\(percentEncoded("{value=~\".+value.+\"}"))", "rules?match[]=%7B", "rules?group_limit=2",
        "rules?group_limit=0", "rules?group_limit=x", "rules?group_next_token=abc",
        "rules?group_limit=1&group_next_token=abc",
      ]
      for target in targets { try same(pair, target) }
      try comparePages(pair)
      let managers = try pair.servers.map { try RuleOutcome.data($0, "/api/v1/alertmanagers") }
      #expect(managers.map { $0["droppedAlertmanagers"].array?.count } == [1, 1])
      for (place, data) in managers.enumerated() {
        let urls = Set((data["activeAlertmanagers"].array ?? []).compactMap { $0["url"].string })
        #expect(
          urls == [
            "http://127.0.0.1:\(pair.alertmanagers[place].port)/api/v2/alerts",
            "http://\(pair.recorder.address)/\(RulePeerPair.names[place])/api/v2/alerts",
          ])
      }
    }

    /// All pages, one after the other. What the tokens are made of differs between versions of Prometheus.
    private static func comparePages(_ pair: RulePeerPair) throws {
      var tokens = ["", ""]
      var pages = 0
      repeat {
        let data = try zip(pair.servers, tokens).map { server, token in
          try RuleOutcome.data(server, "/api/v1/rules?group_limit=4&type=alert\(token)")
        }
        let outcomes = data.map { RuleOutcome(rules: $0) }
        let differences = outcomes[1].differences(from: outcomes[0])
        #expect(differences.isEmpty, "page \(pages):\n\(differences.joined(separator: "\n"))")
        tokens = data.map { page in page["groupNextToken"].string.map { "&group_next_token=\($0)" } ?? "" }
        #expect(tokens[0].isEmpty == tokens[1].isEmpty)
        pages += 1
      } while !tokens[0].isEmpty && !tokens[1].isEmpty && pages < 10
      #expect(pages == 3)
    }

    /// Nothing where both give the answer alike.
    private static func same(_ pair: RulePeerPair, _ target: String) throws {
      let answers = try pair.servers.map { try $0.get("/api/v1/\(target)") }
      let bodies = try answers.map { try JSONValue(parsing: $0.body) }
      #expect(answers[0].status == answers[1].status, "\(target): \(answers[1].text)")
      if answers[0].status == 200 {
        let outcomes = bodies.map { RuleOutcome(rules: $0["data"]) }
        let differences = outcomes[1].differences(from: outcomes[0])
        #expect(differences.isEmpty, "\(target):\n\(differences.joined(separator: "\n"))")
      } else {
        #expect(bodies[0] == bodies[1], "\(target)")
      }
    }

    @Test("a reload keeps the states that Prometheus keeps, and broken files change nothing")
    func reloads() throws {
      let pair = try RulePeerPair()
      try pair.write(RulePeerSamples.body(step: 1, at: nowMilliseconds()))
      try pair.writeRules(["rules.yml": RulePeerReloads.before])
      #expect(try pair.reload().map(\.status) == [200, 200])
      sleepThread(Self.plateau)
      try Self.settle(pair, "before")
      let before = try pair.servers.map { try Self.activity($0) }

      for (text, reason) in RulePeerReloads.broken {
        try pair.writeRules(["rules.yml": RulePeerReloads.after, "broken.yml": text])
        #expect(try pair.reload().map(\.status) == [500, 500], "\(reason)")
        try Self.settle(pair, reason)
        let isSaid = eventually(within: .seconds(5)) {
          pair.apus.child.standardError.text.replacing("\\", with: "").contains(reason)
        }
        #expect(isSaid, "\(reason): \(pair.apus.child.standardError.text.suffix(1000))")
      }
      #expect(try pair.servers.map { try Self.activity($0) } == before)
      #expect(try pair.apus.get("/metrics").text.contains("\nprometheus_config_last_reload_successful 0\n"))

      try pair.writeRules(["broken.yml": ""])
      #expect(try pair.reload().map(\.status) == [200, 200])
      sleepThread(Self.plateau)
      try Self.settle(pair, "after")
      let after = try pair.servers.map { try Self.activity($0) }
      let kept = zip(before, after).map { before, after in after.filter { before[$0.key] == $0.value }.keys.sorted() }
      #expect(kept[0] == kept[1])
      #expect(kept[0].count > 10 && kept[0].count < after[0].count)

      // Without any rule, all that they made ends.
      try pair.writeRules(["rules.yml": "groups: []"])
      #expect(try pair.reload().map(\.status) == [200, 200])
      try Self.settle(pair, "without rules")
      for server in pair.servers {
        let isGone = try eventually(within: .seconds(15), every: .milliseconds(300)) {
          try server.query(RuleOutcome.made).series.isEmpty
        }
        #expect(isGone)
      }
    }

    /// By labels the moments since when alerts are active.
    private static func activity(_ server: ServerProcess) throws -> [String: String] {
      var activity: [String: String] = [:]
      for alert in try RuleOutcome.data(server, "/api/v1/alerts")["alerts"].array ?? [] {
        activity[ScrapeOutcome.text(alert["labels"])] = alert["activeAt"].string
      }
      return activity
    }
  }
}
