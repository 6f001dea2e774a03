/// Recording rules of every kind. Series that hold what only a round of another group decides begin with `cross`.
enum RulePeerRecordings {
  /// `moment`: the second at which the samples of the past end.
  static func text(moment: Int64) -> String {
    groups.replacing("@T", with: "@ \(moment)")
  }

  private static let groups = #"""
    groups:
    - name: chain
      rules:
      - {record: 'chain:one', expr: sum by (zone) (g)}
      - {record: 'chain:two', expr: 'chain:one * 2'}
      - {record: 'chain:three', expr: 'sum(chain:two)'}
      - {record: 'chain:four', expr: 'chain:three / scalar(chain:three)'}
      - {record: 'chain:again', expr: 'chain:one'}
      - {record: 'chain:again', expr: 'chain:two', labels: {from: two}}
    - name: labels
      labels: {team: core, level: group, gone: ''}
      rules:
      - {record: 'labels:group', expr: g}
      - {record: 'labels:rule', expr: g, labels: {level: rule, extra: 'x y', zone: '', instance: ''}}
      - {record: 'labels:literal', expr: 'g{n="1"}', labels: {text: '{{ $value }} {{ if'}}
      - {record: 'labels:utf8', expr: 'g{n="1"}', labels: {'dotted.name': 'ü', _x: '1'}}
      - {record: 'utf8.name with space', expr: '{"with.dot"}'}
      - {record: 'labels:removed_all', expr: 'g{n="1"}', labels: {n: '', zone: '', instance: '', team: '', level: ''}}
    - name: shapes
      rules:
      - {record: 'shape:number', expr: '1 + 2 * 3'}
      - {record: 'shape:scalar', expr: 'scalar(g{n="1"})'}
      - {record: 'shape:scalar_of_many', expr: 'scalar(g)', labels: {kind: nan}}
      - {record: 'shape:vector', expr: 'vector(0.1)', labels: {of: vector}}
      - {record: 'shape:infinite', expr: 'vector(1) / 0'}
      - {record: 'shape:negative_infinite', expr: '-vector(1) / 0'}
      - {record: 'shape:nothing', expr: no_such_series}
      - {record: 'shape:absent', expr: 'absent(no_such_series{job="x",a=~"y"})'}
      - {record: 'shape:absent_not', expr: absent(g)}
      - {record: 'shape:topk', expr: 'topk(2, g)'}
      - {record: 'shape:quantile', expr: 'quantile by (zone) (0.5, g)'}
      - {record: 'shape:count_values', expr: 'count_values("val", g)'}
      - {record: 'shape:stddev', expr: stddev(g)}
      - {record: 'shape:group', expr: group by (zone) (g)}
      - {record: 'shape:replace', expr: 'label_replace(g, "host", "$1", "instance", "([^.:]+).*")'}
      - {record: 'shape:join', expr: 'label_join(g, "both", "/", "zone", "n")'}
      - {record: 'shape:filter', expr: 'g > 2'}
      - {record: 'shape:bool', expr: 'g > bool 2'}
      - {record: 'shape:and', expr: 'g and on (n) info'}
      - {record: 'shape:or', expr: 'g or other'}
      - {record: 'shape:unless', expr: 'g unless on (n) info'}
      - {record: 'shape:info', expr: 'g * on (n) group_left (version) info'}
      - {record: 'shape:regex', expr: 'sum({__name__=~"g|other"})'}
      - {record: 'shape:sort', expr: 'sort_desc(g)'}
      - {record: 'shape:last', expr: 'last_over_time(g[5m])'}
      - {record: 'shape:clamp', expr: 'round(clamp(g / 3, 1, 9.5), 0.25)'}
      - {record: 'shape:day', expr: 'day_of_week(vector(1.7e9))'}
      - {record: 'shape:when', expr: 'timestamp(c_total @T)'}
    - name: past
      rules:
      - {record: 'past:rate', expr: 'rate(c_total[2m] @T)'}
      - {record: 'past:increase', expr: 'increase(c_total[5m] @T)'}
      - {record: 'past:resets', expr: 'resets(c_total[9m] @T)'}
      - {record: 'past:deriv', expr: 'deriv(wave[4m] @T)'}
      - {record: 'past:subquery', expr: 'max_over_time(rate(c_total[1m])[4m:30s] @T)'}
      - {record: 'past:offset', expr: 'wave @T offset 1m'}
      - {record: 'past:quantile', expr: 'histogram_quantile(0.7, sum by (le) (rate(b_bucket[3m] @T)))'}
      - {record: 'past:native', expr: 'rate(h[2m] @T)'}
      - {record: 'past:smooth', expr: 'avg_over_time(wave[1m] @T)'}
    - name: histograms
      rules:
      - {record: 'hist:self', expr: h}
      - {record: 'hist:sum', expr: sum(h)}
      - {record: 'hist:twice', expr: 'hist:self * 2', labels: {of: self}}
      - {record: 'hist:quantile', expr: 'histogram_quantile(0.9, h)'}
      - {record: 'hist:count', expr: histogram_count(h)}
      - {record: 'hist:average', expr: 'histogram_sum(hist:sum) / histogram_count(hist:sum)'}
      - {record: 'hist:mixed', expr: '{__name__=~"h|g"}', labels: {kind: mixed}}
    - name: failing
      rules:
      - {record: 'fail:string', expr: '"text"'}
      - {record: 'fail:range', expr: 'g[1m]'}
      - {record: 'fail:many', expr: 'sum by (zone) (g) * on () info{n="1"} * on () (info)'}
      - {record: 'fail:after', expr: 'vector(1)', labels: {is: fine}}
      - {record: 'fail:duplicates', expr: g, labels: {n: same, zone: same, instance: same}}
      - {record: 'fail:quantile_label', expr: 'count_values("not a name", g)'}
      - {record: 'fail:regexp', expr: 'label_replace(g, "x", "$1", "n", "(")'}
    - name: limited
      limit: 2
      rules:
      - {record: 'limit:kept', expr: 'topk(2, g)'}
      - {record: 'limit:exceeded', expr: g or other}
      - {record: 'limit:sometimes', expr: 'g > 22'}
    - {name: unlimited, limit: -1, rules: [{record: 'limit:none', expr: g}]}
    - name: behind
      query_offset: 1s
      rules:
      - {record: 'behind:one', expr: g}
      - {record: 'behind:two', expr: 'behind:one + 1'}
    - {name: not behind, query_offset: 0s, interval: 1s, rules: [{record: 'behind:none', expr: g}]}
    - name: slower
      interval: 2s
      rules:
      - {record: 'slower:one', expr: 'g{n="1"}'}
      - {record: 'slower:empty_name', expr: '{__name__="g",n="2"}'}
    - name: cross
      rules:
      - {record: 'cross:one', expr: 'chain:three + 1'}
      - {record: 'cross:firing', expr: 'count by (alertname) (ALERTS{alertstate="firing",alertname=~"Now|For"})'}
      - {record: 'cross:self', expr: 'count(cross:one)'}
    - {name: empty, rules: []}
    - name: 'name; with "quotes" and ü'
      rules:
      - {record: 'odd:one', expr: "g{n=\"1\"}\n  +\n  # a comment\n  1\n"}
      - {record: 'odd:two', expr: "  sum  by(zone)(g)  "}
      - {record: 'odd:three', expr: 'g{n="1",} + on(n) group_right() other', labels: {}}
    """#
}
