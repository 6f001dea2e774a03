import Model
import PromQL
import TestKit
import Testing

@testable import Rules

@Suite("Rules.RuleGroup") struct RuleGroupTests {
  private let now = RuleBench.now

  @Test("what one rule records the next one reads in the same round; labels of the rule win, an empty one removes")
  func chain() throws {
    let bench = try RuleBench()
    bench.store([("m", ["i": "1", "zone": "a"], 3), ("m", ["i": "2", "zone": "a"], 4)])
    let group = bench.group([
      .record("sum:m", "sum by (zone) (m)", [("zone", ""), ("team", "x")]),
      .record("double:m", "2 * sum:m"),
      .record("one", "1", [("a", "b")]),
    ])
    group.evaluate(at: now)
    #expect(bench.answer("sum:m") == ["{__name__=\"sum:m\", team=\"x\"} 7.0"])
    #expect(bench.answer("double:m") == ["{__name__=\"double:m\", team=\"x\"} 14.0"])
    #expect(bench.answer("one") == ["{__name__=\"one\", a=\"b\"} 1.0"])
    let shown = group.shown
    #expect(shown.rules.map(\.health) == [.ok, .ok, .ok] && shown.lastEvaluation == now)
    #expect(shown.rules.map(\.seriesFound) == [2, 1, 0])
    #expect(shown.rules[1].query == "2 * sum:m" && group.facts.samples == 3)
  }

  @Test("a series that a round no longer makes ends with it; one that comes again goes on")
  func staleness() throws {
    let bench = try RuleBench()
    let group = bench.group([.record("r", "m")])
    bench.store([("m", ["i": "1"], 1), ("m", ["i": "2"], 1), ("m", ["i": "3"], 1)])
    group.evaluate(at: now)
    #expect(bench.answer("r").count == 3)
    bench.store([("m", ["i": "2"], StaleMarker.value)], at: now + 15_000)
    group.evaluate(at: now + 15_000)
    #expect(bench.answer("r", at: now + 15_000) == [#"{__name__="r", i="1"} 1.0"#, #"{__name__="r", i="3"} 1.0"#])
    #expect(bench.answer("r", at: now + 14_999).count == 3)
    bench.store([("m", ["i": "2"], 5)], at: now + 30_000)
    group.evaluate(at: now + 30_000)
    #expect(bench.answer("r{i=\"2\"}", at: now + 30_000) == [#"{__name__="r", i="2"} 5.0"#])
    #expect(group.shown.rules[0].health == .ok)
  }

  @Test("a rule that fails writes nothing, no markers either; the next one is evaluated all the same")
  func failure() throws {
    let bench = try RuleBench()
    bench.store([("m", ["i": "1"], 1), ("n", ["i": "1"], 1)])
    let group = bench.group([.record("r", "m * on () n"), .record("s", "m")])
    group.evaluate(at: now)
    #expect(bench.answer("r").count == 1)
    bench.store([("n", ["i": "2"], 1)], at: now + 15_000)
    group.evaluate(at: now + 15_000)
    let shown = group.shown.rules
    #expect(shown.map(\.health) == [.err, .ok] && shown[0].lastError.contains("many-to-many"))
    // The last value is still the one of the round before.
    #expect(bench.answer("r", at: now + 15_000).count == 1)
    #expect(bench.answer("timestamp(r)", at: now + 15_000) == ["{} \(Double(now / 1000))"])
    group.evaluate(at: now + 30_000)
    #expect(bench.lines.text.filter { $0.contains("Evaluating rule failed") }.count == 1)
    #expect(group.counters.failures.value == 2 && group.counters.evaluations.value == 6)
  }

  @Test("limits, equal labels and results that are no vector are failures with Prometheus's words")
  func words() throws {
    let bench = try RuleBench()
    bench.store([("m", ["i": "1"], 1), ("m", ["i": "2"], 1)])
    let group = bench.group(
      [.record("a", "m"), .record("b", "m", [("i", "")]), .record("c", "\"text\""), .record("d", "sum(m)")], limit: 1)
    group.evaluate(at: now)
    #expect(
      group.shown.rules.map(\.lastError) == [
        "exceeded limit of 1 with 2 series",
        "vector contains metrics with the same labelset after applying rule labels",
        "rule result is not a vector or scalar", "",
      ])
    #expect(bench.answer("{__name__=~\"[abc]\"}") == [])
  }

  @Test("a sample behind the last one of its series is refused, told, and no failure")
  func late() throws {
    let bench = try RuleBench { $0.head.lateWindowMilliseconds = 3_600_000 }
    bench.store([("m", [:], 1)], at: now - 60_000)
    bench.store([("r", [:], 9)])
    let group = bench.group([.record("r", "m")])
    group.evaluate(at: now - 15_000)
    #expect(group.shown.rules[0].health == .err && group.shown.rules[0].lastError == "out of order sample")
    #expect(group.counters.failures.value == 0)
    #expect(bench.answer("r") == ["{__name__=\"r\"} 9.0"])
    group.evaluate(at: now + 15_000)
    #expect(group.shown.rules[0].health == .ok && bench.answer("r", at: now + 15_000) == ["{__name__=\"r\"} 1.0"])
  }

  @Test("with an offset queries, results and markers are at the time before")
  func offset() throws {
    let bench = try RuleBench()
    bench.store([("m", [:], 1)], at: now - 60_000)
    bench.store([("m", [:], 2)], at: now - 10_000)
    let group = bench.group([.record("r", "m"), .record("t", "time()")], offset: 30_000)
    group.evaluate(at: now)
    #expect(bench.answer("r", at: now - 30_000) == ["{__name__=\"r\"} 1.0"])
    #expect(bench.answer("r", at: now - 30_001) == [])
    #expect(bench.answer("t", at: now) == ["{__name__=\"t\"} \(Double(now / 1000 - 30))"])
  }

  @Test("an alert fires, its series say so, it is told, and its series end with it")
  func alert() throws {
    let bench = try RuleBench()
    bench.store([("up", ["job": "j"], 0)])
    let group = bench.group([.alert("Down", "up==0", hold: 15_000)])
    group.evaluate(at: now)
    #expect(bench.answer("ALERTS") == [#"{__name__="ALERTS", alertname="Down", alertstate="pending", job="j"} 1.0"#])
    #expect(bench.sent.all.isEmpty && group.shown.rules[0].state == .pending)
    group.evaluate(at: now + 15_000)
    #expect(
      bench.answer("ALERTS", at: now + 15_000) == [
        #"{__name__="ALERTS", alertname="Down", alertstate="firing", job="j"} 1.0"#
      ])
    #expect(bench.answer("ALERTS_FOR_STATE", at: now + 15_000).count == 1)
    #expect(bench.sent.all.map(\.isResolved) == [false] && group.shown.rules[0].alerts.count == 1)
    // The expression as Prometheus prints it.
    #expect(bench.sent.all.map(\.generatorURL) == ["/graph?g0.expr=up+%3D%3D+0&g0.tab=1"])
    bench.store([("up", ["job": "j"], 1)], at: now + 30_000)
    group.evaluate(at: now + 30_000)
    #expect(bench.answer("{__name__=~\"ALERTS.*\"}", at: now + 30_000) == [])
    #expect(bench.sent.all.map(\.isResolved) == [false, true])
  }

  @Test("a template that fails shows in the health of its rule; the alert is told all the same, and no failure counted")
  func templates() throws {
    let bench = try RuleBench()
    bench.store([("up", ["job": "j"], 0)])
    let text = TemplateField("text", "{{ first (query \"up > 0\") | value }}")
    let rule = RuleDefinition(kind: .alerting(.init(annotations: [text])), name: "Down", expression: "up == 0")
    let group = bench.group([rule])
    group.evaluate(at: now)
    let failing = group.shown.rules[0]
    #expect(failing.health == .err && failing.lastError.contains("error calling first: first() called on vector"))
    #expect(failing.state == .firing && bench.sent.all.count == 1 && group.counters.failures.value == 0)
    bench.store([("up", ["job": "k"], 1)])
    group.evaluate(at: now + 15_000)
    #expect(group.shown.rules[0].health == .ok && group.shown.rules[0].lastError == "")
  }

  @Test("histograms are recorded, and end like other series")
  func histograms() throws {
    let bench = try RuleBench()
    var histogram = Histogram()
    (histogram.count, histogram.sum, histogram.zeroCount) = (3, 6, 3)
    let labels = Labels([(name: "__name__", value: "h"), (name: "i", value: "1")])
    _ = bench.rules.append([VectorSample(labels: labels, timestamp: now, value: .histogram(histogram))])
    let group = bench.group([.record("r", "h")])
    group.evaluate(at: now)
    #expect(bench.answer("r") == [#"{__name__="r", i="1"} count 3.0"#])
    bench.rules.end([labels], at: now + 15_000)
    #expect(bench.answer("h", at: now + 15_000) == [])
    group.evaluate(at: now + 15_000)
    #expect(bench.answer("r", at: now + 15_000) == [])
  }

  @Test("whatever series come and go in whatever order, the last values are those of the expression")
  func model() throws {
    var random = RandomSource(for: "rules")
    let bench = try RuleBench()
    let group = bench.group([.record("r", "topk(4, m)", [("extra", "e")]), .alert("A", "m > 0.5")])
    for round in 0..<40 {
      let time = now + Int64(round) * 15_000
      let present = (0..<8).filter { _ in Bool.random(using: &random) }
      bench.store(
        (0..<8).map {
          ("m", ["i": "\($0)"], present.contains($0) ? Double.random(in: 0..<1, using: &random) : StaleMarker.value)
        }, at: time)
      group.evaluate(at: time)
      let wanted = bench.answer("sort(topk(4, m))", at: time).map { $0.split(separator: " ").last }
      let recorded = bench.answer("sort(r{extra=\"e\"})", at: time).map { $0.split(separator: " ").last }
      #expect(Set(wanted) == Set(recorded) && wanted.count == recorded.count)
      #expect(bench.answer("ALERTS", at: time).count == bench.answer("m > 0.5", at: time).count)
    }
  }
}
