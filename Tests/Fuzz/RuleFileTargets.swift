import Rules

// What people write of rules.
extension FuzzTarget {
  static let ruleFiles = [ruleFile]

  /// Files that are taken have names and expressions; refusals say why.
  private static let ruleFile = FuzzTarget(
    name: "rule-file",
    seeds: {
      texts(
        "groups:\n- name: a\n  interval: 1m\n  query_offset: 0s\n  limit: 5\n  labels: {a: b}\n  rules:\n"
          + "  - {record: x, expr: sum(up), labels: {c: d}}\n",
        "groups: [{name: a, rules: [&r {alert: x, expr: up == 0, for: 5m, keep_firing_for: 1h}, {<<: *r, alert: y}]}]",
        "groups: [{name: a, rules: [{alert: x, expr: up, labels: {a: '{{ $value }}'}, annotations: {b: '{{ .x }}'}}]}]",
        "groups: [{name: [], limit: x, foo: 1}, ~, 5]\n---\nb", "name: a\nrules: [{record: x, expr: 1}]")
    }
  ) { bytes in
    let text = Array(bytes)
    for isLegacy in [false, true] {
      var options = RuleFileOptions()
      options.namesAreLegacy = isLegacy
      do throws(RuleFileErrors) {
        let groups = try RuleFile.read(text, path: "f", options: options)
        precondition(Set(groups.map { Array($0.name.utf8) }).count == groups.count, "a name twice")
        for rule in groups.flatMap(\.rules) {
          precondition(!rule.name.isEmpty && !rule.expression.isEmpty, "a rule without name or expression")
          let names = rule.labels.map { Array($0.name.utf8) }
          precondition(
            zip(names, names.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) }, "labels in disorder")
        }
      } catch {
        precondition(!error.isEmpty && error.lines.allSatisfy { $0.hasPrefix("f: ") || $0.hasPrefix("and ") })
      }
    }
    do throws(RuleFileErrors) {
      let group = try RuleFile.readGroup(text, path: "n")
      precondition(!group.name.isEmpty)
    } catch {
      precondition(!error.isEmpty)
    }
  }
}
