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

extension AlertTemplateTests {
  @Test("only a text without actions is plain, and only one that asks for the value uses it")
  func kinds() throws {
    #expect(try AlertTemplate("a } { }} b", name: "A").isPlain)
    #expect(try !AlertTemplate("a {{/* nothing */}}", name: "A").isPlain)
    for text in [
      "{{ $value }}", "{{ .Value }}", "{{ if $labels.x }}{{ printf \"%f\" $value }}{{ end }}", "{{ $.Value }}",
      "{{ (print $value).x }}", "{{ template \"x\" .Value }}", "{{ range $labels }}{{ else }}{{ $value }}{{ end }}",
      "{{ block \"b\" . }}{{ .Value }}{{ end }}",
    ] {
      #expect(try AlertTemplate(text, name: "A").usesValue, "\(text)")
    }
    for text in ["plain", "{{ $labels.value }}", "{{ $labels.Value }}", "{{ 1 | print \"Value\" }}"] {
      #expect(try !AlertTemplate(text, name: "A").usesValue, "\(text)")
    }
  }

  @Test(
    "no text of a rule takes more than its share",
    arguments: [
      ("{{ $x := \"aaaa\" }}{{ range 40 }}{{ $x = printf \"%s%s\" $x $x }}{{ end }}", "bytes of text"),
      ("{{ range 2000 }}{{ range 2000 }}{{ end }}{{ end }}", "steps"),
      ("{{ range 100000000000 }}{{ end }}", "steps"),
      ("{{ range 100000 }}0123456789abcdef{{ end }}", "bytes: make the template print less"),
      ("{{ define \"t\" }}{{ template \"t\" }}{{ end }}{{ template \"t\" }}", "exceeded maximum template depth (250)"),
      ("{{ range 501 }}{{ query \"none\" }}{{ end }}", "more than 500 queries"),
      ("{{ printf \"%1000000d%1000000d\" 1 2 }}", "bytes of text"),
      ("{{ range 1000000 }}{{ reReplaceAll \"\" \"x\" \"aaaaaaaa\" }}{{ end }}", "more than"),
      ("{{ range $i := 100000 }}{{ match (print $i) \"x\" }}{{ end }}", "steps"),
    ])
  func limits(_ text: String, _ expected: String) throws {
    var limits = TemplateLimits()
    limits.outputBytesMax = 16 << 10
    limits.madeBytesMax = 256 << 10
    limits.stepsMax = 20_000
    let expanded = try AlertTemplate(text, name: "A").expand(Self.context(), limits: limits)
    #expect(expanded.text.contains(expected), "\(expanded.text.prefix(300))")
    #expect(expanded.error != nil)
  }

  @Test("what is nested too deep, or is too long, is refused")
  func refusals() {
    let deep = String(repeating: "{{ if true }}", count: 200) + String(repeating: "{{ end }}", count: 200)
    #expect(Self.expand(deep).contains("blocks are nested more than 100 deep"))
    let open = "{{ " + String(repeating: "(", count: 200) + "1" + String(repeating: ")", count: 200) + " }}"
    #expect(Self.expand(open).contains("max expression depth exceeded"))
    let branches = "{{ if false }}" + String(repeating: "{{ else if false }}", count: 200) + "{{ end }}"
    #expect(Self.expand(branches).contains("refused"))
    #expect(Self.expand(String(repeating: "x", count: TemplateLimits.textBytesMax + 1)).contains("make it shorter"))
  }

  @Test(
    "functions that Prometheus has since 3.6",
    arguments: [
      ("{{ toDuration 1800 }} {{ (1800 | toDuration).String }} {{ toDuration 0.5 }}", "30m0s 30m0s 500ms"),
      ("{{ toDuration 0.0000015 }} {{ toDuration -90061.25 }} {{ toDuration 0 }}", "1.5µs -25h1m1.25s 0s"),
      (
        "{{ (toDuration 90).Minutes }} {{ (toDuration 5400).Hours }} {{ (toDuration 1.5).Milliseconds }}",
        "1.5 1.5 1500"
      ),
      (
        "{{ now }} {{ (now | toTime).Format \"Mon Jan 2 15:04:05 2006\" }}",
        "1.435065584128e+09 Tue Jun 23 13:19:44 2015"
      ),
      ("{{ urlQueryEscape \"a b&c=d/é?~-_.*\" }}", "a+b%26c%3Dd%2F%C3%A9%3F~-_.%2A"),
      ("{{ printf \"%T %s\" (toDuration 60) (toDuration 60) }}", "*time.Duration 1m0s"),
      ("{{ with toDuration 0 }}{{ . }}{{ end }}", "0s"), ("{{ parseDuration \"-30m\" }}", "-1800"),
    ])
  func newer(_ text: String, _ expected: String) { #expect(Self.expand(text) == expected) }
}
