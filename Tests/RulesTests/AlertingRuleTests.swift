import Model
import PromQL
import Synchronization
import Testing

@testable import Rules

@Suite("Rules.AlertingRule") struct AlertingRuleTests {
  private static func rule(
    _ expression: String = "up==0", hold: Int64 = 0, labels: [TemplateField] = [], annotations: [TemplateField] = [],
    limit: Int = 0, query: String? = nil
  ) -> AlertingRule {
    let terms = RuleDefinition.AlertTerms(holdMilliseconds: hold, annotations: annotations)
    return AlertingRule(
      RuleDefinition(kind: .alerting(terms), name: "Down", expression: expression, labels: labels), limit: limit,
      query: query)
  }

  private static func sample(_ labels: [(name: String, value: String)], _ value: Double = 0) -> VectorSample {
    VectorSample(labels: Labels(labels), timestamp: 0, value: .float(value))
  }

  private static func evaluate(
    _ rule: inout AlertingRule, _ results: [VectorSample], at time: Int64, offset: Int64 = 0
  ) throws -> AlertEvaluation {
    try rule.evaluate(results, at: time, offset: offset, options: RuleOptions()) { (_, _) throws(QueryError) in [] }
  }

  @Test("labels are those of the result without its name, those of the rule over them, and the alert's name")
  func labels() throws {
    var rule = Self.rule(
      labels: [.init("alertname", "no"), .init("job", ""), .init("severity", "page"), .init("zone", "z")],
      annotations: [.init("summary", "s"), .init("empty", "")])
    let result = Self.sample([("__name__", "up"), ("job", "a"), ("instance", "i"), ("zone", "y"), ("alertstate", "x")])
    let evaluation = try Self.evaluate(&rule, [result], at: 5000, offset: 2000)
    let alert = try #require(rule.table.alerts.first)
    #expect("\(alert.labels)" == #"{alertname="Down", alertstate="x", instance="i", severity="page", zone="z"}"#)
    #expect(alert.annotations.pairs.map(\.name) == ["empty", "summary"])
    #expect(alert.activeAt == 5000)
    #expect(evaluation.samples.map(\.timestamp) == [3000, 3000])
    #expect(evaluation.samples.map { $0.labels["alertstate"] } == ["x", "firing"])
  }

  @Test("labels follow the results of each round, in whatever order these come") func moved() throws {
    for template in ["page", "{{ $labels.a }}"] {
      var rule = Self.rule(labels: [.init("severity", template)])
      for round: [String] in [["1", "2"], ["2", "1"], ["2", "3", "1"], ["1"], []] {
        let evaluation = try Self.evaluate(&rule, round.map { Self.sample([("a", $0)]) }, at: 0)
        let shown = rule.table.shown
        #expect(shown.map { $0.labels["a"] } == round.sorted())
        #expect(shown.map { $0.labels["severity"] } == round.sorted().map { template == "page" ? "page" : $0 })
        #expect(evaluation.samples.count == 2 * round.count)
      }
    }
  }

  @Test("an alert on a native histogram has the value zero") func histogram() throws {
    var rule = Self.rule()
    var histogram = Histogram()
    histogram.count = 5
    let result = VectorSample(labels: Labels([("a", "b")]), timestamp: 0, value: .histogram(histogram))
    _ = try Self.evaluate(&rule, [result], at: 5000)
    guard case .float(0) = rule.table.alerts[0].value else { return #expect(Bool(false), "not 0") }
  }

  @Test("results that only their names tell apart are the same alert, which is refused") func sameLabels() throws {
    var rule = Self.rule()
    let results = ["a", "b"].map { Self.sample([("__name__", $0)]) }
    #expect(throws: RuleError("vector contains metrics with the same labelset after applying alert labels")) {
      try Self.evaluate(&rule, results, at: 0)
    }
  }

  @Test("notices name the page of the query") func page() throws {
    var rule = Self.rule("up{job=~'a b'}==0", query: #"up{job=~"a b"} == 0"#)
    _ = try Self.evaluate(&rule, [Self.sample([("a", "b")])], at: 1000)
    var options = RuleOptions()
    options.externalURL = "http://h:9090/p"
    let notices = rule.notices(at: 1000, intervalMilliseconds: 30_000, options: options)
    #expect(notices.map(\.generatorURL) == ["http://h:9090/p/graph?g0.expr=up%7Bjob%3D~%22a+b%22%7D+%3D%3D+0&g0.tab=1"])
    #expect(notices.map(\.endsAt) == [241_000])
  }

  @Test("a rule that fails tells its firing alerts on, unless that is turned off") func failing() throws {
    var rule = Self.rule()
    _ = try Self.evaluate(&rule, [Self.sample([("a", "b")])], at: 0)
    var options = RuleOptions()
    #expect(rule.notices(at: 0, intervalMilliseconds: 30_000, options: options).count == 1)
    #expect(rule.notices(at: 60_000, intervalMilliseconds: 30_000, options: options, isFailing: true).count == 1)
    options.holdsAlertsOnFailure = false
    #expect(rule.notices(at: 120_000, intervalMilliseconds: 30_000, options: options, isFailing: true).isEmpty)
    #expect(rule.notices(at: 120_000, intervalMilliseconds: 30_000, options: options).count == 1)
  }

  @Test("a rule that is taken away resolves what it has told of, unless that is turned off") func taken() throws {
    var rule = Self.rule()
    _ = try Self.evaluate(&rule, [Self.sample([("a", "b")])], at: 0)
    var options = RuleOptions()
    _ = rule.notices(at: 0, intervalMilliseconds: 30_000, options: options)
    #expect(rule.resolutions(at: 7, options: options).map(\.endsAt) == [7])
    options.resolvesRemovedAlerts = false
    #expect(rule.resolutions(at: 7, options: options).isEmpty)
  }

  @Test("a reload keeps the alerts of a rule with the same name and labels, under the new terms") func reload() throws {
    var old = Self.rule(hold: 60_000, labels: [.init("a", "b")])
    _ = try Self.evaluate(&old, [Self.sample([("x", "y")])], at: 0)
    var new = Self.rule("up == 1", hold: 10_000, labels: [.init("a", "b")], limit: 1)
    #expect(new.definition.isSuccessor(of: old.definition))
    #expect(!Self.rule(labels: [.init("a", "c")]).definition.isSuccessor(of: old.definition))
    new.adopt(old)
    #expect(new.table.terms == .init(holdMilliseconds: 10_000, limit: 1))
    _ = try Self.evaluate(&new, [Self.sample([("x", "y")])], at: 10_000)
    #expect(new.table.alerts.map(\.state) == [.firing] && new.table.alerts[0].activeAt == 0)
  }

  @Test(
    "labels and annotations are templates over the result; one that fails says so in its place, and the alert lives")
  func templates() throws {
    var rule = Self.rule(
      labels: [.init("name", "{{ $labels.__name__ }}"), .init("none", "{{ $labels.none }}")],
      annotations: [
        .init("broken", "{{ $value"), .init("failing", "{{ $value | toUpper | first }}"),
        .init("known", "{{ with query \"up\" }}{{ . | first | value }}{{ end }}"),
        .init("summary", "{{ $labels.instance }} is {{ $value }}"),
      ])
    let evaluation = try rule.evaluate(
      [
        Self.sample([("__name__", "up"), ("instance", "i")], 2),
        Self.sample([("__name__", "up"), ("instance", "j")], 3),
      ],
      at: 5000, offset: 0, options: RuleOptions()
    ) { (_, time) throws(QueryError) in
      [VectorSample(labels: .empty, timestamp: time, value: .float(Double(time)))]
    }
    let alert = try #require(rule.table.alerts.first)
    #expect("\(alert.labels)" == #"{alertname="Down", instance="i", name="up"}"#)
    #expect(alert.annotations["summary"] == "i is 2")
    #expect(alert.annotations["known"] == "5000")
    #expect(
      alert.annotations["broken"]?.hasPrefix(
        "<error expanding template: error parsing template __alert_Down: template: __alert_Down:1: ") == true)
    #expect(
      alert.annotations["failing"]?.hasPrefix("<error expanding template: error executing template __alert_Down: ")
        == true)
    #expect(alert.state == .firing && rule.table.alerts.count == 2)
    #expect(evaluation.expansions == 12 && evaluation.failedExpansions == 4)
    // Of each error one is kept, as long as they are the same.
    #expect(evaluation.templateErrors.count == 2)
  }

  @Test("the same query of many alerts is asked once in a round; different ones up to a number") func queries() throws {
    let asked = Asked()
    let queries = AlertQueries { (expression, _) throws(QueryError) in
      asked.add()
      if expression == "bad" { throw .execution("no") }
      return [VectorSample(labels: .empty, timestamp: 0, value: .float(1))]
    }
    for _ in 0..<5 { #expect(try queries.answer("up", 7).count == 1) }
    #expect(asked.count == 1)
    for _ in 0..<2 { #expect(throws: QueryError.execution("no")) { try queries.answer("bad", 7) } }
    #expect(asked.count == 3)
    for number in 0..<(AlertQueries.queriesMax - 3) { _ = try queries.answer("q\(number)", 7) }
    #expect(throws: QueryError.self) { try queries.answer("one more", 7) }
    #expect(asked.count == AlertQueries.queriesMax)
    #expect(try queries.answer("up", 7).count == 1)
  }

  @Test("the states of 1,000 alerts with 180 bytes of annotations take less than 350 kB") func size() throws {
    var rule = Self.rule(
      labels: [.init("severity", "page")],
      annotations: [
        .init("description", String(repeating: "d", count: 150)), .init("summary", String(repeating: "s", count: 30)),
      ])
    let results = (0..<1000).map {
      Self.sample([("instance", "10.0.\($0 / 256).\($0 % 256):9100"), ("job", "node"), ("cluster", "production-eu-1")])
    }
    let clock = ContinuousClock()
    let round = try clock.measure { _ = try Self.evaluate(&rule, results, at: 0) }
    let saved = try #require(rule.saved)
    var bytes: [UInt8] = []
    let encoding = clock.measure { bytes = AlertStateFile.encode([saved]) }
    print("1,000 alerts: a round \(round), \(bytes.count) bytes in \(encoding)")
    #expect(bytes.count < 350_000)
  }
}

private final class Asked: Sendable {
  private let state = Mutex(0)
  func add() { state.withLock { $0 += 1 } }
  var count: Int { state.withLock { $0 } }
}
