import Model
import Notify
import PromQL
import Rules
import TestKit
import Testing

@testable import API

@Suite struct RuleEndpointTests {
  private static func alerting(_ name: String, state: AlertState?, labels: [TemplateField]) -> RuleView {
    let terms = RuleDefinition.AlertTerms(
      holdMilliseconds: 300_000, keepFiringMilliseconds: 500,
      annotations: [TemplateField("summary", "{{ $value }} <b>")])
    var view = RuleView(
      definition: RuleDefinition(kind: .alerting(terms), name: name, expression: "up==0", labels: labels),
      query: "up == 0")
    view.state = state
    return view
  }

  private static func recording(_ name: String, labels: [TemplateField] = []) -> RuleView {
    RuleView(
      definition: RuleDefinition(kind: .recording, name: name, expression: "sum(up)", labels: labels), query: "sum(up)")
  }

  private static let groups: [RuleGroupView] = {
    var down = alerting("Down", state: .firing, labels: [TemplateField("severity", "{{ $labels.s }}")])
    (down.health, down.evaluationSeconds, down.lastEvaluation) = (.ok, 0.25, 1_700_000_000_120)
    let labels = Labels([("alertname", "Down"), ("severity", "page")])
    var firing = AlertInstance(
      labels: labels, annotations: Labels([("summary", "0 <b>")]), value: .float(0), state: .firing,
      activeAt: 1_700_000_000_000)
    firing.keepFiringSince = 1_700_000_060_500
    let pending = AlertInstance(
      labels: labels, annotations: .empty, value: .float(-1234.5), state: .pending, activeAt: 1_700_000_000_001)
    down.alerts = [firing, pending]
    down.seriesFound = 2
    var sum = recording("job:up:sum", labels: [TemplateField("team", "a")])
    (sum.health, sum.lastError) = (.err, "it <failed>")
    var first = RuleGroupView(
      file: "/b.yml", name: "g", intervalMilliseconds: 15_500, queryOffsetMilliseconds: 1000, limit: 7,
      rules: [down, sum])
    (first.evaluationSeconds, first.lastEvaluation) = (0.5, 1_700_000_000_000)
    let second = RuleGroupView(
      file: "/a.yml", name: "z", intervalMilliseconds: 60_000, queryOffsetMilliseconds: 0, limit: 0,
      rules: [alerting("Fresh", state: nil, labels: [])])
    let third = RuleGroupView(
      file: "/a.yml", name: "h", intervalMilliseconds: 60_000, queryOffsetMilliseconds: 0, limit: 0,
      rules: [recording("x")])
    let empty = RuleGroupView(
      file: "/a.yml", name: "empty", intervalMilliseconds: 60_000, queryOffsetMilliseconds: 0, limit: 0, rules: [])
    return [first, second, third, empty]
  }()

  private static let facts: RuleFacts = {
    var view = AlertmanagersView()
    var failing = AlertmanagersView.Active(url: "http://a&b:9093/api/v2/alerts")
    (failing.queued, failing.lastError, failing.failingSince) = (3, "refused", 1_700_000_000_000)
    view.active = [failing, AlertmanagersView.Active(url: "http://c:9093/api/v2/alerts")]
    view.droppedURLs = ["http://d:9093/api/v2/alerts"]
    let shown = view
    return RuleFacts(groups: { _ in groups }, alertmanagers: { _ in shown })
  }()

  private func bench() throws -> APIBench { try APIBench(rules: Self.facts) }

  /// The names of the rules of an answer, group by group.
  private func names(_ bench: APIBench, _ query: String) throws -> [String] {
    let answer = try bench.get("/api/v1/rules" + query)
    #expect(answer.status == 200, "\(answer.text)")
    let groups = try JSONValue(parsing: answer.body)["data"]["groups"].array ?? []
    return groups.map { group in
      (group["rules"].array ?? []).map { $0["name"].string ?? "?" }.joined(separator: "+")
    }
  }

  private func refusal(_ bench: APIBench, _ query: String) throws -> String? {
    let answer = try bench.get("/api/v1/rules" + query)
    #expect(answer.status == 400)
    return try JSONValue(parsing: answer.body)["error"].string
  }

  private static let sum =
    #"{"name":"job:up:sum","query":"sum(up)","labels":{"team":"a"},"health":"err","lastError":"it \u003cfailed\u003e","#
    + #""evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z","type":"recording"}"#

  @Test("a group is told member by member as Prometheus does")
  func whole() throws {
    let text = try bench().get("/api/v1/rules?file[]=/b.yml").text
    let head =
      #"{"state":"firing","name":"Down","query":"up == 0","duration":300,"keepFiringFor":0.5,"#
      + #""labels":{"severity":"{{ $labels.s }}"},"annotations":{"summary":"{{ $value }} <b>"},"alerts":["#
    let firing =
      #"{"labels":{"alertname":"Down","severity":"page"},"annotations":{"summary":"0 <b>"},"state":"firing","#
      + #""activeAt":"2023-11-14T22:13:20Z","keepFiringSince":"2023-11-14T22:14:20.5Z","value":"0e+00"}"#
    let pending =
      #"{"labels":{"alertname":"Down","severity":"page"},"annotations":{},"state":"pending","#
      + #""activeAt":"2023-11-14T22:13:20.001Z","value":"-1.2345e+03"}"#
    let tail =
      #"],"health":"ok","evaluationTime":0.25,"lastEvaluation":"2023-11-14T22:13:20.12Z","type":"alerting"}"#
    #expect(
      text == #"{"status":"success","data":{"groups":[{"name":"g","file":"/b.yml","rules":["# + head + firing + ","
        + pending + tail + "," + Self.sum
        + #"],"interval":15.5,"limit":7,"evaluationTime":0.5,"lastEvaluation":"2023-11-14T22:13:20Z"}]}}"#, "\(text)")
  }

  @Test("groups come by file and name, those without rules do not; filters narrow them down")
  func filters() throws {
    let bench = try bench()
    #expect(try names(bench, "") == ["x", "Fresh", "Down+job:up:sum"])
    #expect(try names(bench, "?type=ALERT") == ["Fresh", "Down"])
    #expect(try names(bench, "?type=record") == ["x", "job:up:sum"])
    #expect(try names(bench, "?rule_name[]=x&rule_name[]=Down") == ["x", "Down"])
    #expect(try names(bench, "?rule_group[]=g&rule_group[]=h") == ["x", "Down+job:up:sum"])
    #expect(try names(bench, "?rule_group[]=g&file[]=/a.yml") == [])
    // Mimir's and Grafana's spelling.
    #expect(try names(bench, "?rule_group=g&file=/b.yml&rule_name=Down&rule_name=") == ["Down"])
    #expect(try names(bench, "?match[]={team=\"a\"}&match[]={severity=~\".*labels.*\"}") == ["Down+job:up:sum"])
    #expect(try names(bench, "?match[]={team!=\"\"}") == ["job:up:sum"])
    #expect(try names(bench, "?state=firing") == ["Down"])
    #expect(try names(bench, "?state=unknown") == ["Fresh"])
    #expect(try names(bench, "?health=err") == ["job:up:sum"])
    #expect(try refusal(bench, "?state=on") == #"invalid parameter "state": not supported value "on""#)
    #expect(try refusal(bench, "?type=x") == #"invalid parameter "type": not supported value "x""#)
  }

  @Test("alerts are left out where the request says so, and further members told where it asks for them")
  func members() throws {
    let bench = try bench()
    let bare = try bench.get("/api/v1/rules?exclude_alerts=T&rule_name[]=Down").text
    #expect(bare.contains(#""alerts":null,"health""#) && !bare.contains("activeAt"), "\(bare)")
    let fresh = try bench.get("/api/v1/rules?rule_name[]=Fresh").text
    #expect(fresh.contains(#"{"state":"unknown","name":"Fresh""#) && fresh.contains(#""alerts":[],"health":"unknown""#))
    #expect(!bare.contains("seriesFound") && !bare.contains("queryOffset"))
    let full = try bench.get("/api/v1/rules?details=true&rule_name[]=Down").text
    #expect(full.contains(#""seriesFound":2"#) && full.contains(#""queryOffset":1,"#), "\(full)")
  }

  @Test("pages follow one another by the token of their first group")
  func pages() throws {
    let bench = try bench()
    var (query, seen): (String, [String]) = ("", [])
    for _ in 0..<10 {
      seen += try names(bench, "?group_limit=1" + query)
      let data = try JSONValue(parsing: try bench.get("/api/v1/rules?group_limit=1" + query).body)["data"]
      guard let token = data["groupNextToken"].string else { break }
      #expect(token.utf8.count == 64)
      query = "&group_next_token=" + token
    }
    #expect(seen == ["x", "Fresh", "Down+job:up:sum"])
    // SHA-256 of `/a.yml;z`, as Prometheus has it.
    let first = try JSONValue(parsing: try bench.get("/api/v1/rules?group_limit=1").body)["data"]["groupNextToken"]
    #expect(first.string == "d2dc45a86f79bdb985f29915cffb3e3e5fd7a7c9eb19d186300e7cfbcee73103")
    #expect(
      try refusal(bench, "?group_limit=1&group_next_token=x")
        == #"invalid parameter "group_next_token": invalid group_next_token 'x'. were rule groups changed?"#)
    #expect(
      try refusal(bench, "?group_limit=0")
        == #"invalid parameter "group_limit": group_limit needs to be greater than 0"#)
    #expect(
      try refusal(bench, "?group_next_token=x")
        == #"invalid parameter "group_next_token": group_limit needs to be present in order to paginate over the groups"#
    )
  }

  @Test("the alerts of all rules are one list")
  func alerts() throws {
    let answer = try bench().get("/api/v1/alerts")
    let alerts = try JSONValue(parsing: answer.body)["data"]["alerts"].array ?? []
    #expect(alerts.map { $0["state"].string } == ["firing", "pending"])
    #expect(answer.text.hasPrefix(#"{"status":"success","data":{"alerts":[{"labels":{"alertname":"Down""#))
    #expect(answer.text.hasSuffix(#""value":"-1.2345e+03"}]}}"#))
  }

  @Test("an Alertmanager that cannot be reached says since when and why, the others only where they are")
  func alertmanagers() throws {
    let text = try bench().get("/api/v1/alertmanagers").text
    #expect(
      text == #"{"status":"success","data":{"activeAlertmanagers":[{"url":"http://a\u0026b:9093/api/v2/alerts","#
        + #""failingSince":"2023-11-14T22:13:20Z","lastError":"refused","queued":3},"#
        + #"{"url":"http://c:9093/api/v2/alerts"}],"droppedAlertmanagers":[{"url":"http://d:9093/api/v2/alerts"}]}}"#,
      "\(text)")
  }

  @Test("ten thousand rules and a rule of ten thousand alerts arrive whole, in pieces")
  func large() throws {
    var many = Self.groups[0]
    many.rules = (0..<10_000).map { Self.recording("r\($0)") }
    var loud = Self.groups[1]
    var rule = Self.alerting("Loud", state: .pending, labels: [])
    rule.alerts = (0..<10_000).map {
      AlertInstance(
        labels: Labels([("n", "\($0)")]), annotations: .empty, value: .float(1), state: .pending, activeAt: 0)
    }
    loud.rules = [rule]
    let groups = [many, loud]
    let bench = try APIBench(
      rules: RuleFacts(groups: { _ in groups }, alertmanagers: { _ in AlertmanagersView() }))
    let data = try JSONValue(parsing: try bench.get("/api/v1/rules").body)["data"]["groups"]
    #expect(data[1]["rules"].array?.count == 10_000 && data[1]["rules"][9999]["name"].string == "r9999")
    #expect(data[0]["rules"][0]["alerts"].array?.count == 10_000)
    #expect(try JSONValue(parsing: try bench.get("/api/v1/alerts").body)["data"]["alerts"].array?.count == 10_000)
  }
}
