/// Alerting rules of every kind, but for their templates.
enum RulePeerAlerts {
  static let text = #"""
    groups:
    - name: basics
      rules:
      - alert: Now
        expr: g > 10
        labels: {severity: page}
        annotations: {summary: '{{ $labels.instance }} of {{ $labels.zone }} is at {{ $value }}', empty: ''}
      - {alert: For, expr: g > 10, for: 2s, labels: {severity: warn}, annotations: {value: '{{ $value | humanize }}'}}
      - {alert: ForLong, expr: g > 10, for: 1h, annotations: {value: '{{ .Value }}'}}
      - {alert: Keep, expr: g > 10, keep_firing_for: 2s, annotations: {value: '{{ $value }}'}}
      - {alert: KeepLong, expr: g > 10, keep_firing_for: 1h, annotations: {value: '{{ $value }}'}}
      - {alert: ForKeep, expr: g > 10, for: 1s, keep_firing_for: 1s}
      - {alert: Never, expr: g > 1e9, annotations: {text: '{{ $value }}'}}
      - {alert: Plain, expr: 'up == 0'}
    - name: identities
      labels: {team: core, level: group}
      rules:
      - {alert: ValueInLabel, expr: g > 10, labels: {value: '{{ $value }}'}}
      - {alert: TemplatedLabel, expr: g > 10, labels: {level: '{{ if gt $value 26.0 }}high{{ else }}low{{ end }}'}}
      - {alert: LabelsRemoved, expr: 'g{n="1"} > 10', labels: {instance: '', zone: '', team: ''}}
      - {alert: NameOverwritten, expr: 'g{n="1"} > 10', labels: {alertname: another}}
      - {alert: Duplicates, expr: g > 10, labels: {n: same, zone: same, instance: same}}
      - {alert: Utf8, expr: '{"with.dot"} > 11', labels: {'dotted.label': 'ü {{ $value }}'}}
      - {alert: 'A name: with "spaces"', expr: 'g{n="1"} > 10', annotations: {same: 'of {{ $labels.n }}'}}
      - {alert: LateLabels, expr: late, annotations: {path: '{{ $labels.path }}', value: '{{ $value }}'}}
      - {alert: SameTwice, expr: 'g{n="1"} > 10', labels: {which: first}}
      - {alert: SameTwice, expr: 'g{n="3"} > 10', labels: {which: second}}
    - name: shapes
      rules:
      - {alert: OfNumber, expr: '1', annotations: {value: '{{ $value }}', labels: '{{ $labels }}'}}
      - {alert: OfVector, expr: 'vector(2)', annotations: {value: '{{ $value }}'}}
      - {alert: OfNaN, expr: 'vector(0) / 0', annotations: {value: '{{ $value }} {{ $value | humanize }}'}}
      - {alert: OfInfinity, expr: 'vector(1) / 0', annotations: {value: '{{ $value }}'}}
      - {alert: OfAbsence, expr: 'absent(gone{job="x"})', annotations: {job: '{{ $labels.job }}'}}
      - {alert: OfAbsenceNot, expr: 'absent(always{job="x"})'}
      - {alert: OfString, expr: '"text"'}
      - {alert: OfHistogram, expr: h, annotations: {value: '{{ $value }}'}}
      - {alert: OfAggregation, expr: 'count by (zone) (g > 10) > 0', annotations: {value: '{{ $value }} in {{ $labels.zone }}'}}
      - {alert: OfNothing, expr: no_such_series}
      - {alert: OfMany, expr: 'sum by (zone) (g) * on () sum(g)'}
      - {alert: OfJoin, expr: '(g > 10) * on (n) group_left (version) info', annotations: {v: '{{ $labels.version }}'}}
      - {alert: WithName, expr: 'g{n="1"}', annotations: {name: '{{ $labels.__name__ }}', all: '{{ $labels }}'}}
    - name: alerts of alerts
      rules:
      - {alert: First, expr: g > 10, labels: {severity: low}}
      - {alert: Second, expr: 'count by (severity) (ALERTS{alertname="First",alertstate="firing"})', annotations: {value: '{{ $value }}'}}
      - {alert: Third, expr: 'ALERTS_FOR_STATE{alertname="First"} > bool 1e9', annotations: {n: '{{ $labels.n }}'}}
      - {record: 'alerts:count', expr: 'count(ALERTS{alertname=~"First|Second"})'}
    - name: limited alerts
      limit: 2
      rules:
      - {alert: LimitKept, expr: 'topk(2, g) > 10'}
      - {alert: LimitExceeded, expr: g > 10 or always}
      - {alert: LimitSometimes, expr: 'g >= 0 and on () (flag == 1) or flag'}
    - name: behind alerts
      query_offset: 1s
      rules:
      - {alert: Behind, expr: g > 10, annotations: {value: '{{ $value }}'}}
      - {alert: BehindFor, expr: g > 10, for: 2s, annotations: {value: '{{ $value }}'}}
    - name: slow alerts
      interval: 2s
      rules:
      - {alert: Slow, expr: 'g{n="1"} > 10'}
      - {alert: Dropped, expr: 'g{n="1"} > 10', labels: {drop: me}}
    """#
}
