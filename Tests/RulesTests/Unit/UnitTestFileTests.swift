import Model
import Testing

@testable import Rules

@Suite("files of unit tests") struct UnitTestFileTests {
  private func read(_ text: String) throws -> UnitTestFile { try UnitTestFile.read(Array(text.utf8)) }

  private func faults(_ text: String) -> [String] {
    do throws(UnitTestFileError) {
      _ = try UnitTestFile.read(Array(text.utf8))
      return []
    } catch { return error.faults.map { "\($0.position): \($0.text)" } }
  }

  @Test("every key is read") func keys() throws {
    let file = try read(
      """
      rule_files: [a.yml, 'b/*.yml']
      evaluation_interval: 30s
      group_eval_order: [two, one]
      fuzzy_compare: true
      tests:
      - name: first
        interval: 15s
        start_timestamp: 2024-01-01T00:00:00Z
        external_labels: {cluster: c, n: 5}
        external_url: http://x/y
        input_series:
        - series: 'up{job="a"}'
          values: 0x3
        alert_rule_test:
        - eval_time: 1h30m
          alertname: Down
          exp_alerts:
          - exp_labels: {severity: page}
            exp_annotations: {summary: s}
          - {}
          - ~
        promql_expr_test:
        - expr: up
          eval_time: 5m
          exp_samples:
          - {labels: up, value: 0.5}
          - {labels: '{a="b"}', histogram: '{{sum:1}}'}
      - start_timestamp: 1609459200.5
        alert_rule_test:
      """)
    #expect(file.ruleFiles == ["a.yml", "b/*.yml"] && file.groupOrder == ["two", "one"])
    #expect(file.intervalMilliseconds == 30_000 && file.isFuzzy && file.tests.count == 2)
    let test = file.tests[0]
    #expect(test.name == "first" && test.intervalMilliseconds == 15_000 && test.startTime == 1_704_067_200_000)
    #expect(test.externalLabels == Labels([("cluster", "c"), ("n", "5")]) && test.externalURL == "http://x/y")
    #expect(test.series.map(\.series) == ["up{job=\"a\"}"] && test.series.map(\.values) == ["0x3"])
    #expect(test.alertCases.map(\.alert) == ["Down"] && test.alertCases[0].time == 5_400_000)
    #expect(test.alertCases[0].expected.map(\.labels) == [Labels([("severity", "page")]), .empty, .empty])
    #expect(test.alertCases[0].expected[0].annotations == Labels([("summary", "s")]))
    #expect(test.expressionCases[0].expected.map(\.value) == [0.5, 0] && test.lastTime == 5_400_000)
    #expect(test.expressionCases[0].expected[1].histogram == "{{sum:1}}")
    #expect(file.tests[1].startTime == 1_609_459_200_500 && file.tests[1].lastTime == 0)
  }

  @Test("nothing, and a file without tests, is a file") func empty() throws {
    #expect(try read("").tests.isEmpty)
    #expect(try read("tests:\nrule_files:\n").intervalMilliseconds == 60_000)
    #expect(try read("evaluation_interval: 0s").intervalMilliseconds == 60_000)
  }

  @Test("every fault is told with its place") func refusals() {
    #expect(
      faults(
        """
        rulefiles: []
        evaluation_interval: 1x
        group_eval_order: [a, b, a]
        fuzzy_compare: maybe
        tests:
        - intervall: 1m
          start_timestamp: yesterday
          external_labels: [a]
          input_series: {a: b}
          promql_expr_test:
          - eval_time: -5m
            exp_samples: [{value: many, label: a}, 7]
        """) == [
          "1:1: field rulefiles not found: the keys of a file of unit tests are rule_files, evaluation_interval, "
            + "group_eval_order, tests, fuzzy_compare",
          "2:22: evaluation_interval: unknown unit \"x\" in duration \"1x\"",
          "3:19: group name repeated in evaluation order: a",
          "4:16: fuzzy_compare is true or false, not \"maybe\"",
          "6:3: field intervall not found: the keys of a test are interval, input_series, alert_rule_test, "
            + "promql_expr_test, external_labels, external_url, name, start_timestamp",
          "7:20: cannot parse \"yesterday\" to a valid timestamp",
          "8:20: external_labels is a section of names and texts, not a list",
          "9:17: input_series is a list, not a section",
          "11:16: eval_time: not a valid duration string: \"-5m\"",
          "12:33: field label not found: the keys of an expected sample are labels, value, histogram",
          "12:27: value is a number (.inf, .nan), not \"many\"",
          "12:44: an expected sample is a section with the keys labels, value, histogram, not a single value",
        ])
    #expect(faults("tests: [") == ["2:1: did not find expected node content while parsing a flow node"])
  }

  @Test("unknown keys can be passed over") func unknown() throws {
    let file = try UnitTestFile.read(Array("x: 1\ntests: [{y: 2, name: a}]".utf8), ignoresUnknownKeys: true)
    #expect(file.tests.map(\.name) == ["a"])
  }

  @Test("faults are told of a bounded number, and none at length") func bounds() {
    let many = "tests: [" + Array(repeating: "{x: 1}", count: 500).joined(separator: ", ") + "]"
    #expect(faults(many).count == UnitTestFileReader.faultsMax)
    let long = faults("evaluation_interval: " + String(repeating: "x", count: 100_000))
    #expect(long.count == 1 && long[0].utf8.count < 2 * UnitTestFileReader.faultBytesMax)
  }
}
