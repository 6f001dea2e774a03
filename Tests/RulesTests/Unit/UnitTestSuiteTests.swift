import Glibc
import Model
import Platform
import PlatformSimulation
import PromQL
import Testing

@testable import Rules

@Suite("unit tests of rules") struct UnitTestSuiteTests {
  private static let rules = """
    groups:
    - name: one
      rules:
      - record: job:up:sum
        expr: sum by (job) (up)
      - alert: Down
        expr: up == 0
        for: 2m
        labels: {severity: page}
        annotations: {summary: "{{ $labels.job }} in {{ $externalLabels.zone }} at {{ $externalURL }}, {{ pathPrefix }}"}
    - name: two
      rules:
      - record: twice
        expr: job:up:sum * 2

    """

  private func run(_ tests: String, rules: String = rules, _ change: (inout UnitTestOptions) -> Void = { _ in }) throws
    -> UnitTestReport
  {
    let disk = SimulatedDisk()
    try disk.makeDirectory("/t")
    try AtomicReplace.write(Array(rules.utf8), to: "/t/rules.yml", on: disk)
    try AtomicReplace.write(Array(tests.utf8), to: "/t/test.yml", on: disk)
    var options = UnitTestOptions()
    change(&options)
    return UnitTestSuite(on: disk, options: options).run("/t/test.yml")
  }

  @Test("tests may come from a pipe, and are run; what has no end is refused") func pipes() throws {
    let folder = "/tmp/unit-test-pipe-\(getpid())"
    try LinuxDisk().makeDirectory(folder)
    defer { try? LinuxDisk().removeTree(folder) }
    let path = folder + "/p"
    #expect(mkfifo(path, 0o600) == 0)
    let text = file("  promql_expr_test: [{expr: '1', exp_samples: [{labels: '{}', value: 2}]}]\n")
    let writer = try NamedThread(name: "writer") {
      guard let pipe = fopen(path, "w") else { return }
      fputs(text, pipe)
      fclose(pipe)
    }
    let report = UnitTestSuite(on: LinuxDisk()).run(path)
    writer.join()
    #expect(report.cases.count == 1 && !report.isSuccess)
    let endless = UnitTestSuite(on: LinuxDisk()).run("/dev/zero")
    #expect(endless.errors.first?.hasSuffix("the file is longer than \(UnitTestFile.limits.bytesMax) bytes") == true)
  }

  private func file(_ cases: String, _ more: String = "") -> String {
    """
    rule_files: [rules.yml]
    \(more)
    tests:
    - name: first
      external_labels: {zone: z}
      external_url: http://h/p
      input_series:
      - {series: 'up{job="a"}', values: '1 1 0x9'}
      - {series: 'up{job="b"}', values: '1x3 stale'}
    \(cases)
    """
  }

  @Test("rules, chains, alerts, templates and ALERTS are as a server makes them") func whole() throws {
    let report = try run(
      file(
        """
          alert_rule_test:
          - {eval_time: 3m59s, alertname: Down, exp_alerts: []}
          - eval_time: 4m
            alertname: Down
            exp_alerts:
            - exp_labels: {job: a, severity: page}
              exp_annotations: {summary: 'a in z at http://h/p, /p'}
          promql_expr_test:
          - {expr: twice, eval_time: 1m, exp_samples: [{labels: 'twice{job="a"}', value: 2}, {labels: 'twice{job="b"}', value: 2}]}
          - {expr: twice, eval_time: 5m, exp_samples: [{labels: 'twice{job="a"}', value: 0}]}
          - {expr: "count_over_time(ALERTS[1h])", eval_time: 6m, exp_samples: [
              {labels: '{alertname="Down",alertstate="pending",job="a",severity="page"}', value: 2},
              {labels: '{alertname="Down",alertstate="firing",job="a",severity="page"}', value: 3}]}
          - {expr: time(), eval_time: 5m, exp_samples: [{value: 300}]}
        """))
    #expect(report.errors.isEmpty && report.warnings.isEmpty, "\(report.errors) \(report.warnings)")
    #expect(report.cases.map(\.name) == ["first"])
    #expect(report.isSuccess, "\(report.cases.flatMap(\.faults).map(\.text).joined(separator: "\n"))")
  }

  @Test("what is not as expected is told in promtool's words, and what differs with its place") func differences()
    throws
  {
    let report = try run(
      file(
        """
          alert_rule_test:
          - {eval_time: 5m, alertname: Down, exp_alerts: [{exp_labels: {job: a, severity: ticket}}]}
          - {eval_time: 5m, alertname: Dwon, exp_alerts: [{}]}
          promql_expr_test:
          - {expr: twice, eval_time: 1m, exp_samples: [{labels: 'twice{job="a"}', value: 3}]}
          - {expr: 'up[5m]', eval_time: 1m}
          - {expr: 'up +', eval_time: 1m}
          - {expr: up, eval_time: 1m, exp_samples: [{labels: 'up{'}]}
        """))
    let faults = report.cases[0].faults
    #expect(!report.isSuccess && faults.count == 6)
    #expect(
      faults[0].text == """
            name: first,
            alertname: Down, time: 5m, \n        exp:[
                    0:
                      Labels:{alertname="Down", job="a", severity="ticket"}
                      Annotations:{}
                    ], \n        got:[
                    0:
                      Labels:{alertname="Down", job="a", severity="page"}
                      Annotations:{summary="a in z at http://h/p, /p"}
                    ]
        """)
    #expect(
      faults[0].differences == [
        #"alert {alertname="Down", job="a", severity="page"}: label severity: expected "ticket", got "page""#,
        #"alert {alertname="Down", job="a", severity="page"}: annotation summary: not expected, got "a in z at http://h/p, /p""#,
      ])
    #expect(faults[0].position.map { "\($0)" } == "11:5" && faults[0].diff.contains(#"-   label severity: "ticket""#))
    #expect(faults[1].differences.last == "no rule of the files makes an alert Dwon")
    #expect(
      faults[2].text == """
            expr: "twice", time: 1m,
                exp: {__name__="twice", job="a"} 3E+00
                got: {__name__="twice", job="a"} 2E+00, {__name__="twice", job="b"} 2E+00
        """)
    #expect(faults[3].text == #"    expr: "up[5m]", time: 1m, err: rule result is not a vector or scalar"#)
    #expect(faults[4].text == #"    expr: "up +", time: 1m, err: 1:5: parse error: unexpected end of input"#)
    #expect(faults[5].text.contains(#"err: labels "up{": 1:4: parse error: unexpected end of input inside braces"#))
  }

  @Test("a rule that fails ends its test, not the others") func failing() throws {
    let tests = """
      rule_files: [rules.yml]
      tests:
      - input_series: [{series: a, values: 1}]
        promql_expr_test: [{expr: b, eval_time: 5m}]
      - promql_expr_test: [{expr: b, eval_time: 0, exp_samples: [{labels: b, value: 1}]}]
      """
    let rules =
      "groups: [{name: g, rules: [{record: b, expr: 'label_replace(a, \"x\", \"$1\", \"__name__\", \"(.*)\") or vector(1)', labels: {x: ''}}]}]"
    let report = try run(tests, rules: rules)
    #expect(
      report.cases.map { $0.faults.map(\.text) } == [
        ["    rule: b, time: 0s, err: vector contains metrics with the same labelset after applying rule labels"], [],
      ])
    #expect(report.cases.map(\.name) == ["unnamed#0", "unnamed#1"])
  }

  @Test("files that cannot be read, and tests that would be endless, are refused") func refusals() throws {
    #expect(
      try run("tests: [{}]\nrule_files: [rules.yml]", rules: "groups: [{}]").errors.first?.hasPrefix("/t/rules.yml: ")
        == true)
    #expect(
      try run("tests: [{nme: a}]").errors == [
        "/t/test.yml:1:10: field nme not found: the keys of a test are interval, input_series, alert_rule_test, promql_expr_test, external_labels, external_url, name, start_timestamp"
      ])
    #expect(UnitTestSuite(on: SimulatedDisk()).run("/no.yml").errors.count == 1)
    func first(_ test: String) throws -> String { try run(test).cases.first?.faults.first?.text ?? "" }
    #expect(
      try first("evaluation_interval: 1ms\ntests: [{promql_expr_test: [{expr: a, eval_time: 1d}]}]").contains(
        "more than 2000000 times"))
    #expect(
      try first(
        "tests: [{interval: 1ms, input_series: [{series: a, values: 1}], promql_expr_test: [{expr: a, eval_time: 1d}]}]"
      )
      .contains("more than 50000000 samples"))
    #expect(try first("tests: [{input_series: [{series: 'a{', values: 1}]}]").contains("parse error"))
    #expect(
      try first("tests: [{input_series: [{series: a, values: '{{count:-1}}'}]}]").contains("err: observation count is"))
    #expect(
      try first("tests: [{name: n, alert_rule_test: [{eval_time: 5m}]}]")
        == "an item under alert_rule_test misses required attribute alertname at eval_time 5m (in TestGroup n)")
  }

  @Test("tests are chosen by name, groups ordered by name, and mistakes that are none for promtool warned of")
  func terms() throws {
    let tests = file(
      "  promql_expr_test: [{expr: twice, eval_time: 0, exp_samples: []}]\n- name: second",
      "group_eval_order: [two, one, three]")
    let report = try run(tests) { options in
      do throws(RegexError) { try options.choose(["^sec", "x"]) } catch { Issue.record("\(error)") }
    }
    #expect(report.cases.map(\.name) == ["second"])
    #expect(report.warnings == ["group_eval_order names three, which no rule file has"])
    #expect(try run(tests).isSuccess)
    #expect(try run(tests.replacing("[two, one, three]", with: "[one, two]")).isSuccess == false)
    #expect(throws: RegexError.self) {
      var options = UnitTestOptions()
      try options.choose(["("])
    }
    let twice = try run(
      "rule_files: [no*.yml]\ntests: [{input_series: [{series: a, values: 1}, {series: a, values: 2}]}]"
    ) { $0.dumps = true }
    #expect(
      twice.warnings == [
        "no file match pattern /t/no*.yml",
        #"test unnamed#0: the series {__name__="a"} is given more than once: the last one counts"#,
      ])
    #expect(twice.cases.map(\.dump) == ["{__name__=\"a\"} =>\n2 @[0]\n"])
    let broken = try run(
      "rule_files: [rules.yml]\ntests: [{promql_expr_test: [{expr: '1', eval_time: 5m, exp_samples: [{value: 1}]}]}]",
      rules: "groups: [{name: g, rules: [{alert: A, expr: '1', annotations: {a: '{{ humanize \"x\" }}'}}]}]")
    #expect(
      broken.isSuccess && broken.warnings.count == 1
        && broken.warnings[0].contains("alert A: <error expanding template: "))
  }
}
