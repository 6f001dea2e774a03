/// Rules before and after a reload, and files that no reload takes. An alert that fires when its `for` is raised is pending
/// again only in later versions of Prometheus, and left out.
enum RulePeerReloads {
  static let before = #"""
    groups:
    - name: kept
      rules:
      - {record: 'kept:one', expr: g}
      - {record: 'kept:two', expr: g, labels: {made: before}}
      - {record: 'kept:three', expr: g}
      - {alert: Untouched, expr: g > 10}
      - {alert: ForLowered, expr: g > 10, for: 1h}
      - {alert: ExpressionChanged, expr: g > 10, for: 1s}
      - {alert: AnnotationsChanged, expr: g > 10, annotations: {text: before}}
      - {alert: LabelsChanged, expr: g > 10, labels: {made: before}}
      - {alert: KeepChanged, expr: g > 10, keep_firing_for: 1h}
      - {alert: Twice, expr: 'g{n="1"} > 10'}
      - {alert: Twice, expr: 'g{n="2"} > 10'}
      - {alert: Removed, expr: g > 10}
    - name: same
      rules: [{alert: Same, expr: g > 10}, {record: 'same:one', expr: g}]
    - name: gone
      rules: [{alert: Gone, expr: g > 10}, {record: 'gone:one', expr: g}, {record: 'moved:one', expr: 'g * 2'}]
    - {name: interval, interval: 1s, rules: [{alert: IntervalChanged, expr: g > 10}, {record: 'interval:one', expr: g}]}
    - {name: renamed, rules: [{alert: OfRenamedGroup, expr: g > 10}]}
    """#

  static let after = #"""
    groups:
    - {name: added, rules: [{alert: Added, expr: g > 10}, {record: 'added:one', expr: g}]}
    - name: kept
      rules:
      - {record: 'kept:three', expr: 'g + 1'}
      - {record: 'kept:two', expr: g, labels: {made: after}}
      - {alert: Untouched, expr: g > 10}
      - {alert: ForLowered, expr: g > 10, for: 0s}
      - {alert: ExpressionChanged, expr: g > 24, for: 1s}
      - {alert: AnnotationsChanged, expr: g > 10, annotations: {text: 'after {{ $value }}'}}
      - {alert: LabelsChanged, expr: g > 10, labels: {made: after}}
      - {alert: KeepChanged, expr: g > 10, keep_firing_for: 0s}
      - {alert: Twice, expr: 'g{n="1"} > 11'}
      - {alert: Twice, expr: 'g{n="2"} > 11'}
    - name: same
      rules: [{alert: Same, expr: g > 10}, {record: 'same:one', expr: g}]
    - {name: interval, interval: 2s, rules: [{alert: IntervalChanged, expr: g > 10}, {record: 'interval:one', expr: g}]}
    - {name: renamed again, rules: [{alert: OfRenamedGroup, expr: g > 10}]}
    - {name: taker, rules: [{record: 'moved:one', expr: 'g * 3'}]}
    """#

  /// Files that are refused, each with a part of what is said of it.
  static let broken: [(text: String, reason: String)] = [
    ("groups: [{name: a, rules: [{record: 'r:a', expr: 'sum('}]}]", "could not parse expression"),
    ("groups: [{name: a, rules: [{record: 'r:a', expr: '1', for: 1s}]}]", "invalid field 'for' in recording rule"),
    ("groups: [{name: a}, {name: a}]", "is repeated in the same file"),
    ("groups: [{name: a, rules: [{alert: A, expr: '1', annotations: {t: '{{ nope }}'}}]}]", "\"nope\" not defined"),
    ("groups: [{name: a, surprise: 1}]", "field surprise not found in type rulefmt.RuleGroup"),
    ("groups: [", "yaml"),
  ]
}
