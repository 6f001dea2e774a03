import Model
import PromQL
import Synchronization

@testable import Rules

// Unit tests of rules: the notation of their series, and whole files, run as far as they ask for few rounds.
extension FuzzTarget {
  static let unitTests = [
    FuzzTarget(name: "series-notation", seeds: { seriesNotations }) { bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      _ = try? SeriesNotation.parseMetric(text)
      guard let series = try? SeriesNotation.parse(text) else { return }
      var cursor = SeriesNotation.Cursor(series)
      var taken = 0
      while taken < 100, let sample = cursor.take() {
        taken += 1
        guard case .histogram(let histogram)? = sample, let written = SeriesNotation.text(histogram) else { continue }
        // An infinite count is written with a sign, and no bounds as an empty list: neither is read, as in Prometheus.
        if written.contains("Inf") || written.contains("[]") { continue }
        precondition(
          (try? SeriesNotation.parse("a \(written)")) != nil, "\(text) is written as \(written), which is not read")
      }
      precondition(taken == min(100, series.count), "\(text) has \(taken) samples of \(series.count)")
    },
    FuzzTarget(name: "rule-unit-test", seeds: { unitTestFiles }) { bytes in
      guard bytes.count < 4000, let file = try? UnitTestFile.read(Array(bytes)) else { return }
      for test in file.tests where test.lastTime / file.intervalMilliseconds < 20 {
        let asked = AskedOften()
        let database = UnitTestDatabase(subqueryStep: file.intervalMilliseconds) { asked.isTooMuch }
        let interval = test.intervalMilliseconds ?? file.intervalMilliseconds
        if test.lastTime / interval > 1000 { continue }
        var options = RuleOptions()
        options.concurrentEvaluationsMax = 1
        let rule = RuleDefinition(kind: .alerting(.init()), name: "A", expression: "up == 0")
        let definition = RuleGroupDefinition(file: "f", name: "g", rules: [rule])
        let group = RuleGroup(definition, options: options, database: database)
        var run = UnitTestRun(test, of: file, groups: [group], database: database)
        for fault in run.run() { precondition(!fault.text.isEmpty) }
      }
    },
  ]

  private static var seriesNotations: [[UInt8]] {
    texts(
      "up{job=\"a\",\"x y\"='z'} 1 0+2x3 -1-1x2 _ _x3 stale Inf 1e-3", "{\"m\"} .5x2",
      "a {{schema:1 sum:-0.3 count:32.1 z_bucket:7.1 z_bucket_w:0.05 buckets:[5.1 10 7] offset:-3 n_buckets:[4.1 5]}}x2",
      "a {{schema:-53 custom_values:[1 2] buckets:[1 2] counter_reset_hint:gauge}}-{{schema:-53 sum:1}}x3")
  }

  private static var unitTestFiles: [[UInt8]] {
    texts(
      """
      evaluation_interval: 1m
      fuzzy_compare: true
      tests:
      - name: t
        interval: 30s
        start_timestamp: 2024-01-01T00:00:00Z
        external_labels: {c: d}
        input_series: [{series: 'up{a="b"}', values: '1 0x9'}]
        alert_rule_test: [{eval_time: 3m, alertname: A, exp_alerts: [{exp_labels: {a: b}, exp_annotations: {s: t}}]}]
        promql_expr_test: [{expr: sum(up), eval_time: 2m, exp_samples: [{labels: '{}', value: 0}]}]
      """, "tests: [{promql_expr_test: [{expr: h, exp_samples: [{labels: h, histogram: '{{sum:1}}'}]}]}]")
  }
}

/// A deadline that does not depend on a clock: so many questions whether to stop.
private final class AskedOften: Sendable {
  private let count = Atomic<Int>(0)
  var isTooMuch: Bool { count.add(1, ordering: .relaxed).newValue > 20_000 }
}
