import TestKit

/// All that a server that evaluates rules has to show at one moment, in a form that can be compared with another's.
struct RuleOutcome {
  /// By file, group and place each rule's fields.
  var rules: [String: String] = [:]
  /// By the labels of each pending or firing alert its fields.
  var alerts: [String: String] = [:]
  /// The series that rules made and that an instant query finds, with their values.
  var present: [String: String] = [:]
  /// Names and labels of the server's own metrics of rules.
  var metrics: [String: String] = [:]

  /// Fields that no two servers have alike.
  private static let ownFields: Set<String> = ["evaluationTime", "lastEvaluation", "activeAt"]
  /// Rules whose templates fail: Apus says so in their health.
  private static let brokenPrefix = "Broken"

  /// Everything that rules make: the series that tests send are left out.
  static let made =
    "{__name__=~\".+\",__name__!~\"g|other|info|late|always|up|size_bytes|with.dot|flag|c_total|b_bucket|wave|h\"}"

  /// The part that an answer of `/api/v1/rules` has.
  init(rules data: JSONValue) {
    for group in data["groups"].array ?? [] {
      let name = "\(group["file"].string ?? "?");\(group["name"].string ?? "?")"
      let list = group["rules"].array ?? []
      rules[name] = "\(list.count) rules \(Self.text(group, without: ["rules"]))"
      for (place, rule) in list.enumerated() {
        let isBroken = rule["name"].string?.hasPrefix(Self.brokenPrefix) ?? false
        let key = "\(name) \(place) \(rule["name"].string ?? "?")"
        let alerts = rule["alerts"].array.map { $0.map { Self.text($0) }.sorted().joined(separator: "\n") } ?? "null"
        rules[key] =
          Self.text(rule, without: isBroken ? ["alerts", "health", "lastError"] : ["alerts"]) + "\n" + alerts
      }
    }
  }

  init(_ server: ServerProcess) throws {
    self.init(rules: try Self.data(server, "/api/v1/rules"))
    for alert in try Self.data(server, "/api/v1/alerts")["alerts"].array ?? [] {
      let key = ScrapeOutcome.text(alert["labels"])
      // A name may be two alerts', but not with the same labels.
      alerts[key, default: ""] += Self.text(alert)
    }
    for series in try Self.data(server, "/api/v1/query?query=\(percentEncoded(Self.made))")["result"].array ?? [] {
      let isTime = series["metric"]["__name__"].string == "ALERTS_FOR_STATE"
      let value = series["histogram"].isNull ? series["value"][1] : series["histogram"][1]
      present[ScrapeOutcome.text(series["metric"])] = isTime ? "a time" : ScrapeOutcome.valueText(value)
    }
    for line in try server.get("/metrics").text.split(separator: "\n") where line.hasPrefix("prometheus_rule_") {
      // One that Prometheus does not take back when its group goes.
      if line.hasPrefix("prometheus_rule_group_last_rule_duration_sum_seconds") { continue }
      guard let end = line.lastIndex(of: " ") else { continue }
      let key = String(line[..<end])
      let isFixed = key.hasPrefix("prometheus_rule_group_rules") || key.hasPrefix("prometheus_rule_group_interval")
      metrics[key] = isFixed ? String(line[line.index(after: end)...]) : "some"
    }
  }

  static func data(_ server: ServerProcess, _ target: String) throws -> JSONValue {
    let answer = try server.get(target)
    let json = try JSONValue(parsing: answer.body)
    guard answer.status == 200 else { throw QueryAnswer.Refusal(status: answer.status, body: answer.text) }
    return json["data"]
  }

  private static func text(_ json: JSONValue, without fields: Set<String> = []) -> String {
    guard let members = json.members else { return ScrapeOutcome.text(json) }
    // Builds of Prometheus differ in whether they show labels that are none.
    let shown = members.filter { !ownFields.contains($0.name) && !fields.contains($0.name) && $0.value != .object([]) }
    let kept = shown.map {
      $0.name == "keepFiringSince" ? JSONValue.Member(name: $0.name, value: .string("a time")) : $0
    }
    return ScrapeOutcome.text(.object(kept))
  }

  /// Each thing that differs from Prometheus's, a line. Of metrics Apus may have more.
  func differences(from peer: RuleOutcome) -> [String] {
    ScrapeOutcome.differences("rule", peer.rules, rules) + ScrapeOutcome.differences("alert", peer.alerts, alerts)
      + ScrapeOutcome.differences("present", peer.present, present)
      + ScrapeOutcome.differences("metric", peer.metrics, metrics.filter { peer.metrics[$0.key] != nil })
  }
}
