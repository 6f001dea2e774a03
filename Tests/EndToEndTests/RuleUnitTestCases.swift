/// Files of unit tests for rules, passing and failing ones, that promtool gives its verdict on.
enum RuleUnitTestCases {
  static let rules = """
    groups:
    - name: one
      interval: 5m
      rules:
      - record: job:up:sum
        expr: sum by (job) (up)
      - record: took:quantile
        expr: histogram_quantile(0.5, took)
      - alert: Down
        expr: up == 0
        for: 3m
        keep_firing_for: 2m
        labels: {severity: page, cluster: '{{ $externalLabels.cluster }}'}
        annotations:
          summary: '{{ $labels.job }} has been {{ $value | humanizePercentage }} up for {{ 180.0 | humanizeDuration }}'
          link: '{{ $externalURL }}/x'
          total: '{{ with query "sum(up)" }}{{ . | first | value }}{{ end }}'
      - alert: Many
        expr: sum(up) > 1
      - alert: Many
        expr: count(up) > 1
        labels: {by: count}
    - name: two
      rules:
      - record: job:up:twice
        expr: job:up:sum * 2
      - record: summary
        expr: count by (alertname, alertstate) (ALERTS)

    """

  static let failingRules = """
    groups:
    - name: failing
      rules:
      - record: both
        expr: up * on (zone) group_left other
      - record: same
        expr: up
        labels: {job: x}

    """

  private static let series = """
      input_series:
      - {series: 'up{job="a"}', values: '1 1 0x7 1x5'}
      - {series: 'up{job="b"}', values: '1x9 stale'}
      - {series: 'took{job="a"}', values: '{{schema:0 sum:3 count:2 buckets:[1 1]}}+{{schema:0 sum:1 count:1 buckets:[1]}}x9'}

    """

  private static func test(_ cases: String, _ more: String = "", head: String = "") -> String {
    "rule_files: [rules.yml]\n\(head)tests:\n- name: t\n\(more)\(series)\(cases)\n"
  }

  /// Name, text, and true if all is as expected.
  static let all: [(name: String, text: String, passes: Bool)] = [
    ("empty", "", true), ("no-tests", "rule_files: [rules.yml]\ntests: []\n", true),
    (
      "recording",
      test(
        expression(
          "job:up:twice", "5m",
          "{labels: 'job:up:twice{job=\"b\"}', value: 2}, {labels: 'job:up:twice{job=\"a\"}', value: 0}")), true
    ),
    ("recording-wrong", test(expression("job:up:twice", "5m", "{labels: 'job:up:twice{job=\"b\"}', value: 3}")), false),
    (
      "between-rounds", test(expression("timestamp(job:up:sum{job='b'})", "90s", "{labels: '{job=\"b\"}', value: 60}")),
      true
    ),
    ("stale", test(expression("job:up:sum{job='b'}", "10m", "")), true),
    ("lookback", test(expression("up{job='a'}", "17m", "{labels: 'up{job=\"a\"}', value: 1}")), true),
    ("lookback-over", test(expression("up", "20m", "")), true),
    ("scalar", test(expression("1 + 1", "0", "{value: 2}")), true),
    ("string", test(expression("'a'", "0", "")), false), ("syntax", test(expression("up +", "0", "")), false),
    (
      "histogram",
      test(
        expression(
          "took", "2m",
          "{labels: 'took{job=\"a\"}', histogram: '{{count:4 sum:5 counter_reset_hint:not_reset buckets:[3 1]}}'}")),
      true
    ),
    (
      "histogram-wrong",
      test(expression("took", "2m", "{labels: 'took{job=\"a\"}', histogram: '{{count:5 sum:5 buckets:[3 1]}}'}")), false
    ),
    (
      "alerts-metric",
      test(
        expression(
          "summary", "6m",
          "{labels: 'summary{alertname=\"Down\",alertstate=\"firing\"}', value: 1}, {labels: 'summary{alertname=\"Many\",alertstate=\"firing\"}', value: 1}"
        )), true
    ),
    ("pending", test(alert("Down", "4m", "[]")), true),
    ("firing", test(alert("Down", "5m", "[\(down)]"), external), true),
    ("kept-firing", test(alert("Down", "10m", "[\(downKept)]"), external), true),
    ("resolved", test(alert("Down", "12m", "[]")), true),
    (
      "firing-wrong-label",
      test(alert("Down", "5m", "[{exp_labels: {job: a, severity: ticket, cluster: c}}]"), external), false
    ),
    ("not-expected", test(alert("Down", "5m", "[]"), external), false),
    ("two-rules-of-a-name", test(alert("Many", "1m", "[{}, {exp_labels: {by: count}}]")), true),
    ("unknown-alert", test(alert("Nothing", "1m", "[{}]")), false),
    ("no-alertname", test("  alert_rule_test: [{eval_time: 1m, exp_alerts: []}]"), false),
    (
      "interval",
      test(
        expression("count_over_time(job:up:sum{job='a'}[10m])", "5m", "{labels: '{job=\"a\"}', value: 11}"),
        head: "evaluation_interval: 30s\n"), true
    ),
    ("order", test(expression("job:up:twice", "0", ""), head: "group_eval_order: [two, one]\n"), true),
    ("order-repeated", test("", head: "group_eval_order: [two, two]\n"), false),
    ("fuzzy", test(expression("vector(0.1) + vector(0.2)", "0", "{value: 0.3}"), head: "fuzzy_compare: true\n"), true),
    ("not-fuzzy", test(expression("vector(0.1) + vector(0.2)", "0", "{value: 0.3}")), false),
    ("nan", test(expression("vector(NaN)", "0", "{value: .nan}")), false),
    (
      "subquery-step",
      test(
        expression("count_over_time(up{job='a'}[5m:])", "10m", "{labels: '{job=\"a\"}', value: 10}"),
        head: "evaluation_interval: 30s\n"), true
    ),
    ("bad-series", "tests: [{input_series: [{series: 'up{', values: '1'}]}]\n", false),
    ("bad-values", "tests: [{input_series: [{series: up, values: '1x'}]}]\n", false),
    ("bad-labels", test(expression("up", "0", "{labels: 'up{', value: 1}")), false),
    ("unknown-key", "tests: [{nme: a}]\n", false), ("bad-duration", "evaluation_interval: 1x\n", false),
    (
      "missing-rules",
      "rule_files: [none.yml]\ntests: [{promql_expr_test: [{expr: '1', exp_samples: [{value: 1}]}]}]\n", true
    ),
    (
      "globbed-rules",
      "rule_files: ['r?l*.yml']\ntests: [{promql_expr_test: [{expr: 'count(job:up:sum)', exp_samples: []}]}]\n", true
    ),
    (
      "failing-rule",
      "rule_files: [failing.yml]\ntests: [{input_series: [{series: 'up{zone=\"z\"}', values: 1}, {series: 'other{zone=\"z\",n=\"1\"}', values: 1}, {series: 'other{zone=\"z\",n=\"2\"}', values: 1}]}]\n",
      false
    ),
    (
      "same-labels",
      "rule_files: [failing.yml]\ntests: [{input_series: [{series: 'up{job=\"1\"}', values: 1}, {series: 'up{job=\"2\"}', values: 1}]}]\n",
      false
    ),
    ("broken-rules", "rule_files: [broken.yml]\ntests: [{}]\n", false), ("not-yaml", "tests: [\n", false),
  ]

  private static let external = "  external_labels: {cluster: c}\n  external_url: http://h\n"
  private static let down =
    "{exp_labels: {job: a, severity: page, cluster: c}, exp_annotations: {summary: 'a has been 0% up for 3m 0s', link: 'http://h/x', total: '1'}}"
  private static let downKept =
    "{exp_labels: {job: a, severity: page, cluster: c}, exp_annotations: {summary: 'a has been 0% up for 3m 0s', link: 'http://h/x', total: '1'}}"

  private static func expression(_ text: String, _ time: String, _ samples: String) -> String {
    "  promql_expr_test: [{expr: \"\(text)\", eval_time: \(time), exp_samples: [\(samples)]}]\n"
  }

  private static func alert(_ name: String, _ time: String, _ expected: String) -> String {
    "  alert_rule_test: [{eval_time: \(time), alertname: \(name), exp_alerts: \(expected)}]\n"
  }
}
