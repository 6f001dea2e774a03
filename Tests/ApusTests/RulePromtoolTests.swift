import Rules
import TestKit
import Testing

@testable import apus

/// The errors of rule files beside those of the real promtool.
@Suite(
  "Rule files next to promtool's",
  .enabled(if: PeerBinary.promtool.isExpected, Comment(rawValue: PeerBinary.promtool.absence)))
struct RulePromtoolTests {
  private static let head = "groups:\n- name: a\n  rules:\n"

  private static let samples: [String] = [
    "", "~", "{}", "x", "[a]", "groups:", "groups: a", "groups: {a: b}", "groups: []\n---\ngroups: 5\n",
    "groups: [~]", "groups: [7]", "groups: [[a]]", "groups: [{name: a}, {name: b, rules: ~}, {name: a}]",
    "groups: [{name: [a]}]", "groups: [{name: a, foo: 1, rules: [{record: x, expr: up, bar: 1}]}]\nzap: 1\n",
    "groups: [{name: a, limit: '7'}, {name: b, limit: yes}, {name: c, limit: true}, {name: d, limit: 2020-01-01}]",
    "groups: [{name: a, limit: 99999999999999999999}, {name: d, limit: abcdefghijklmnop}, {name: e, limit: [5]}]",
    "groups: [{name: a, limit: 1.5}, {name: b, limit: 0x1f}, {name: c, limit: -1}, {name: d, limit: 1e3}]",
    "groups: [{name: a, interval: 5x}]", "groups: [{name: a, interval: 60}]", "groups: [{name: a, interval: ''}]",
    "groups: [{name: a, interval: 1m1h}]", "groups: [{name: a, interval: -5m}]", "groups: [{name: a, interval: [5m]}]",
    "groups: [{name: a, interval: 0, query_offset: ~}, {name: b, interval: 1y2w3d4h5m6s7ms, query_offset: 0s}]",
    "groups: [{name: a, interval: 300y}]", "groups: [{name: a, labels: {'': x, __name__: y, z: [a]}}]",
    "groups: [{name: a, labels: {'': x, __name__: y}}, {name: ''}, {name: ''}]", "groups: [{name: a, labels: [b]}]",
    head + "  - {record: x, expr: up, for: 5m, keep_firing_for: 1s, annotations: {a: b}}\n",
    head + "  - {record: 'x{a=\"b\"}', expr: up}\n  - {record: 'é x', expr: up}\n  - {record: ~, expr: up}\n",
    head + "  - {record: x, alert: y, expr: up}\n  - {expr: up}\n  - {record: x}\n  - ~\n  - 5\n",
    head + "  - {record: x, alert: y, expr: up}\n  - {expr: up}\n  - {record: x}\n  - ~\n  - {alert: '', expr: ''}\n",
    head + "  - {alert: y, expr: up, labels: {'': a, __name__: b, alertname: c}, annotations: {'': a, __name__: b}}\n",
    head + "  - alert: y\n    expr: |\n      up +\n        on (foo\n  - alert: z\n    expr: foo()\n",
    head + "  - {alert: y, expr: 'sum('}\n  - {alert: y, expr: 'up{a=~\"(\"}'}\n  - {alert: y, expr: '1 +'}\n",
    head + "  - {alert: y, expr: 'limitk(2, up)'}\n",
    head + "  - {record: true, expr: 1, labels: {a: 1, b: ~, c: no}}\n",
    head + "  - &r {record: x, expr: up}\n  - <<: *r\n    expr: up + 1\n  - *r\n", head + "  - *r\n",
    head + "  - {record: x, expr: [up], labels: x, annotations: 5}\n", "groups:\n- name: a\n rules: [\n",
    "groups: [{name: a, name: b}]", "groups:\n\t- name: a\n", "groups: [{name: \"a\u{0}\"}]",
    head + "  - {record: x, expr: up}\n  - {record: x, expr: up + 1}\n  - {alert: x, expr: up, labels: {a: b}}\n",
    "groups:\n- {name: a, labels: {x: y}, rules: [{record: r, expr: up}]}\n"
      + "- {name: b, rules: [{record: r, expr: up, labels: {x: y}}, {record: q, expr: up}, {record: q, expr: up}]}\n",
    head + "  - {alert: y, expr: 'up', annotations: {a: '{{ $value }} {{ $labels.x | title }} {{ humanize 5 }}'}}\n",
  ]

  private static let templates = [
    "{{ $x }}", "{{ if }}", "{{ .X.. }}", "{{ foo }}", "{{ end }}", "{{ $labels.a | title }} {{ .Value }}", "{{",
    "{{ with $labels }}", "{{ tmpl \"a\" }}",
  ].map { "groups: [{name: a, rules: [{alert: y, expr: up, annotations: {a: '\($0)'}, labels: {b: '\($0)'}}]}]" }

  /// The lines of errors, as far as they are comparable: Prometheus reads each file twice and says what is wrong of both types,
  /// leaves out places that are known, and counts the lines of broken YAML otherwise.
  private static func comparable(_ lines: [Substring]) -> Set<String> {
    var comparable: Set<String> = []
    for line in lines {
      if ["RuleNode", "GroupNode", "rulefmt.ruleGroups"].contains(where: { line.contains($0) }) { continue }
      if line.contains("yaml: line ") || line.contains("yaml: ") && !line.contains("unmarshal errors") {
        comparable.insert("broken YAML")
      } else if line.contains("mapping key ") || line.contains("yaml: unmarshal errors:") {
        continue
      } else {
        comparable.insert(line.contains("group \"") ? String(line) : withoutPlace(line))
      }
    }
    return comparable
  }

  private static func withoutPlace(_ line: Substring) -> String {
    let parts = line.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, line.first?.isNumber == true, parts[0].hasSuffix(":") else { return String(line) }
    return String(parts[1])
  }

  @Test("files have the verdict, the errors and the findings that promtool has")
  func verdicts() throws {
    try withTemporaryDirectory { directory in
      let file = directory + "/r.yml"
      for text in RulePromtoolTests.samples + RulePromtoolTests.templates {
        try write(text, to: file)
        let child = try ChildProcess(try PeerBinary.promtool.path(), ["check", "rules", "--lint-fatal", file])
        let code = child.wait(within: .seconds(60))
        var lines = child.standardError.complete().split(separator: "\n")
        if lines.first == "  FAILED:" { lines.removeFirst() }
        lines = lines.map { $0.hasPrefix(file + ": ") ? $0.dropFirst(file.count + 2) : $0 }

        var own = ""
        var ownCode: Int32 = 0
        do throws(RuleFileErrors) {
          let read = try RuleFile(Array(text.utf8), path: "")
          if let finding = RuleLint().finding(read.groups) { (own, ownCode) = ("lint error " + finding, 3) }
        } catch {
          (own, ownCode) = (error.description, 1)
        }
        #expect(code == .code(ownCode), "\(text)")
        // Where a key is there twice, it is told at once that the file cannot be read.
        if lines.contains(where: { $0.contains("mapping key ") }) { continue }
        let wanted = RulePromtoolTests.comparable(lines)
        #expect(RulePromtoolTests.comparable(own.split(separator: "\n")) == wanted, "\(text)\n\(own)\n\(lines)")
      }
    }
  }
}
