import Format
import PromQL
import Testing

@testable import Rules

@Suite("Rule files") struct RuleFileTests {
  private func errors(_ text: String, _ options: RuleFileOptions = .init()) -> [String] {
    do throws(RuleFileErrors) {
      _ = try RuleFile.read(Array(text.utf8), path: "f", options: options)
      return []
    } catch {
      return error.lines
    }
  }

  @Test("a file with every key is read whole") func whole() throws {
    let text = """
      groups:
      - name: a
        interval: 1m30s
        query_offset: 0s
        limit: 7
        labels: {team: infra, site: x}
        rules:
        - &first
          record: job:up:sum
          expr: sum by (job) (up)
          labels: {site: y, empty: ~, number: 1.50, word: yes}
        - alert: Down
          expr: |
            up == 0
          for: 5m
          keep_firing_for: 1h
          labels: {severity: "{{ $labels.x }}"}
          annotations: {summary: "{{ $value }}", a: ""}
        - <<: *first
          record: job:up:sum2
      - name: b
        interval: 0
        rules: ~
      """
    let groups = try RuleFile.read(Array(text.utf8), path: "f")
    #expect(groups.map(\.name) == ["a", "b"] && groups.map(\.key) == ["f;a", "f;b"])
    #expect(groups[0].intervalMilliseconds == 90_000 && groups[0].queryOffsetMilliseconds == 0 && groups[0].limit == 7)
    #expect(groups[1].intervalMilliseconds == nil && groups[1].queryOffsetMilliseconds == nil)
    #expect(groups[1].limit == 0 && groups[1].rules.isEmpty)
    let rules = groups[0].rules
    let labels = [
      TemplateField("empty", ""), TemplateField("number", "1.50"), TemplateField("site", "y"),
      TemplateField("team", "infra"), TemplateField("word", "yes"),
    ]
    #expect(
      rules[0]
        == RuleDefinition(
          kind: .recording, name: "job:up:sum", expression: "sum by (job) (up)", labels: labels))
    #expect(rules[2].name == "job:up:sum2" && rules[2].labels == labels)
    #expect(rules[1].name == "Down" && rules[1].expression == "up == 0\n")
    #expect(
      rules[1].alert
        == RuleDefinition.AlertTerms(
          holdMilliseconds: 300_000, keepFiringMilliseconds: 3_600_000,
          annotations: [TemplateField("a", ""), TemplateField("summary", "{{ $value }}")]))
    #expect(
      rules[1].labels == [
        TemplateField("severity", "{{ $labels.x }}"), TemplateField("site", "x"), TemplateField("team", "infra"),
      ])
  }

  @Test("nothing, and a key without a value, is a file without groups; the first document counts") func empty() throws {
    for text in ["", "~", "{}", "groups:", "groups: []", "# only words\n"] { #expect(errors(text) == [], "\(text)") }
    let file = try RuleFile(Array("groups: []\n---\ngroups: 5\n".utf8), path: "f")
    #expect(
      file.warnings == [
        "f: Multiple document yaml rules files are not supported, only the first document is processed"
      ])
  }

  @Test("a shape that does not fit is told for each place at once") func shapes() {
    let text = """
      groups:
      - name: [a]
        foo: 1
        limit: "7"
        rules:
        - record: {x: 1}
          expr: up
          bar: 1
        - 5
        - labels: x
          annotations: {a: [b]}
      - limit: abcdefghijklmnop
      - 1.5
      zap: 1
      """
    #expect(
      errors(text) == [
        """
        f: yaml: unmarshal errors:
          line 2: cannot unmarshal !!seq into string
          line 3: field foo not found in type rulefmt.RuleGroup
          line 4: cannot unmarshal !!str `7` into int
          line 6: cannot unmarshal !!map into string
          line 8: field bar not found in type rulefmt.Rule
          line 9: cannot unmarshal !!int `5` into rulefmt.Rule
          line 10: cannot unmarshal !!str `x` into map[string]string
          line 11: cannot unmarshal !!seq into string
          line 12: cannot unmarshal !!str `abcdefg...` into int
          line 13: cannot unmarshal !!float `1.5` into rulefmt.RuleGroup
          line 14: field zap not found in type rulefmt.RuleGroups
        """
      ])
    var options = RuleFileOptions()
    options.ignoresUnknownKeys = true
    #expect(errors("groups: [{name: a, foo: 1, rules: [{record: x, expr: up, bar: 1}]}]\nx: 1\n", options) == [])
    #expect(errors("[a]") == ["f: yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into rulefmt.RuleGroups"])
    #expect(errors("a: [").first?.hasPrefix("f: yaml: line ") == true)
  }

  @Test("each duration that is none is told with its place") func durations() {
    #expect(
      errors(
        "groups:\n- name: a\n  interval: 5x\n  rules:\n  - {alert: b, expr: up, for: 60}\n- {name: c, interval: ''}\n")
        == [
          "f: 3:13: unknown unit \"x\" in duration \"5x\"", "f: 5:31: not a valid duration string: \"60\"",
          "f: 6:23: empty duration string",
        ])
  }

  @Test("every mistake in rules is told in Prometheus's words, with group, number and name") func mistakes() {
    let text = """
      groups:
      - name: a
        labels: {"": x, __name__: y}
        rules:
        - record: x{a="b"}
          expr: up
          for: 1m
          keep_firing_for: 1s
          annotations: {a: b}
        - record: x
          alert: y
          expr: sum(
        - expr: ""
        - alert:
          record: ~
          labels: {"": b}
        - {alert: z, expr: up, annotations: {"": b}}
      - name: ""
      - name: a
      """
    #expect(
      errors(text) == [
        "f: invalid label name: ", "f: invalid label name: __name__",
        "f: 5:13: group \"a\", rule 1, \"x{a=\\\"b\\\"}\": invalid field 'annotations' in recording rule",
        "f: 5:13: group \"a\", rule 1, \"x{a=\\\"b\\\"}\": invalid field 'for' in recording rule",
        "f: 5:13: group \"a\", rule 1, \"x{a=\\\"b\\\"}\": invalid field 'keep_firing_for' in recording rule",
        "f: 5:13: group \"a\", rule 1, \"x{a=\\\"b\\\"}\": braces present in the recording rule name; should it be in "
          + "expr?: x{a=\"b\"}",
        "f: 10:13: 11:12: group \"a\", rule 2, \"y\": only one of 'record' and 'alert' must be set",
        "f: 12:11: group \"a\", rule 2, \"y\": could not parse expression: 1:5: parse error: unclosed left parenthesis",
        "f: 0:0: 0:0: group \"a\", rule 3, \"\": one of 'record' or 'alert' must be set",
        "f: 13:11: group \"a\", rule 3, \"\": field 'expr' must be set in rule",
        "f: 15:13: 14:11: group \"a\", rule 4, \"\": one of 'record' or 'alert' must be set",
        "f: 0:0: group \"a\", rule 4, \"\": field 'expr' must be set in rule",
        "f: group \"a\", rule 4, \"\": invalid label name: ",
        "f: group \"a\", rule 5, \"z\": invalid annotation name: ",
        "f: 18:3: Groupname must not be empty", "f: 19:3: groupname: \"a\" is repeated in the same file",
      ])
  }

  @Test("names beyond ASCII are taken, unless the narrow charset is asked for") func names() {
    let text = """
      groups:
      - name: a
        rules:
        - {record: "é x", expr: up, labels: {"ü": a}}
        - {alert: "é", expr: up, annotations: {"ü": a}}
      """
    var options = RuleFileOptions()
    #expect(errors(text, options) == [])
    options.namesAreLegacy = true
    #expect(
      errors(text, options) == [
        "f: 4:14: group \"a\", rule 1, \"é x\": invalid recording rule name: é x",
        "f: group \"a\", rule 1, \"é x\": invalid label name: ü",
        "f: group \"a\", rule 2, \"é\": invalid annotation name: ü",
      ])
  }

  @Test("expressions have the parts of the language that are on") func language() {
    let text = "groups: [{name: a, rules: [{record: x, expr: 'limitk(2, up)'}]}]"
    var options = RuleFileOptions()
    #expect(errors(text, options).count == 1)
    options.language = .all
    #expect(errors(text, options) == [])
  }

  @Test("a value in a label of an alert is warned of") func values() throws {
    let text = """
      groups:
      - name: a
        rules:
        - {alert: b, expr: up, labels: {v: "{{ $value }}"}, annotations: {v: "{{ $value }}"}}
        - {record: c, expr: up, labels: {v: "{{ $value }}"}}
      """
    #expect(
      try RuleFile(Array(text.utf8), path: "f").warnings == [
        "f: group \"a\", rule 1, \"b\": label \"v\" has $value: each change of the value ends the alert and begins "
          + "another one; annotations may have it"
      ])
  }

  @Test("one group is read by itself") func group() throws {
    let text = "name: a\ninterval: 1m\nrules:\n- {record: x, expr: up}\n"
    let group = try RuleFile.readGroup(Array(text.utf8), path: "ns")
    #expect(group.key == "ns;a" && group.rules.count == 1 && group.intervalMilliseconds == 60_000)
    #expect(throws: RuleFileErrors.self) { try RuleFile.readGroup(Array("groups: []".utf8), path: "ns") }
    #expect(throws: RuleFileErrors.self) { try RuleFile.readGroup(Array("name: ''".utf8), path: "ns") }
  }

  @Test("aliases of aliases do not take the memory that they stand for") func bomb() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for depth in 1...9 {
      text += "a\(depth): &a\(depth) [" + repeatElement("*a\(depth - 1)", count: 10).joined(separator: ", ") + "]\n"
    }
    #expect(errors(text).first?.contains("nodes once aliases are expanded") == true)
  }

  @Test("errors that aliases make long are counted, and do not take the memory that they stand for") func longErrors() {
    let long = String(repeating: "x", count: RuleFileErrors.bytesMax / 4)
    let rules = repeatElement("{record: a, expr: up, for: *a}", count: 20).joined(separator: ", ")
    let lines = errors("groups: [{name: a, labels: {b: &a \(long)}, rules: [\(rules)]}]")
    #expect((2...5).contains(lines.count) && lines.last?.hasSuffix("more errors") == true)
  }

  @Test("the errors of one file are counted beyond those that are kept") func many() {
    let rules = repeatElement("{record: 'a{', expr: up}", count: RuleFileErrors.errorsMax + 5).joined(separator: ", ")
    let lines = errors("groups: [{name: a, rules: [\(rules)]}]")
    #expect(lines.count == RuleFileErrors.errorsMax + 1 && lines.last == "and 5 more errors")
  }
}
