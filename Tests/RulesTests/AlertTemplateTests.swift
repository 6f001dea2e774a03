import Model
@testable import PromQL
import Testing

@testable import Rules

@Suite("Rules.AlertTemplate") struct AlertTemplateTests {
  static func context(_ value: Double = 1_353_755_652) -> TemplateContext {
    var context = TemplateContext()
    context.labels = Labels([("__name__", "up"), ("instance", "a.b.c:9100"), ("job", "node")])
    context.externalLabels = Labels([("cluster", "eu")])
    context.externalURL = "http://example.org/prom"
    context.value = .float(value)
    context.time = 1_435_065_584_128
    context.query = { (text, _) throws(QueryError) in
      if text == "bad" { throw QueryError.invalid("1:1: parse error") }
      if text == "none" { return [] }
      return [
        VectorSample(labels: Labels([("__name__", "metric"), ("instance", "b")]), timestamp: 0, value: .float(21)),
        VectorSample(labels: Labels([("__name__", "metric"), ("instance", "a")]), timestamp: 0, value: .float(11)),
      ]
    }
    return context
  }

  static func expand(_ text: String, value: Double = 1_353_755_652) -> String {
    do throws(TemplateError) {
      return try AlertTemplate(text, name: "A").expand(context(value)).text
    } catch { return "refused: \(error)" }
  }

  @Test(
    "texts of the field",
    arguments: [
      ("plain", "plain"),
      ("{{ 99 }}{{ -1 }} {{ len $labels }} {{ printf \"%d\" 7 }}", "99-1 3 7"),
      ("{{ $labels.instance }} of {{ $labels.job }}: {{ $value }}", "a.b.c:9100 of node: 1.353755652e+09"),
      ("{{ $value | humanize }}B", "1.354GB"),
      ("{{ printf \"%.2f\" $value }}", "1353755652.00"),
      ("{{ $labels }}", "map[__name__:up instance:a.b.c:9100 job:node]"),
      ("{{ with $labels.cluster -}} on {{ . }} {{- end }}", ""),
      ("{{ \"43200\" | humanizeDuration }}", "12h 0m 0s"),
      ("{{ with query \"q\" }}{{ . | first | value | humanize }}{{ end }}", "21"),
      ("{{ range query \"q\" | sortByLabel \"instance\" }}{{ .Labels.instance }}:{{ .Value }} {{ end }}", "a:11 b:21 "),
      (
        "{{ $externalLabels.cluster }} {{ $externalURL }} {{ externalURL }} {{ pathPrefix }}",
        "eu http://example.org/prom http://example.org/prom /prom"
      ),
      ("{{ reReplaceAll \"(.*):.*\" \"$1\" $labels.instance }}", "a.b.c"),
      ("{{ if gt $value 5.0 }}more{{ else }}less{{ end }}", "more"),
      ("{{ toTime 1435065584.128 }}", "2015-06-23 13:19:44.128 +0000 UTC"),
      ("{{ humanizeTimestamp 1435065584.128 }}", "2015-06-23 13:19:44.128 +0000 UTC"),
    ])
  func field(_ text: String, _ expected: String) { #expect(Self.expand(text) == expected) }
}
