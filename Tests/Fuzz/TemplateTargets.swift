import Model
import PromQL
import Rules

// Templates of alerts: any text is taken or refused, and one that is taken ends within its limits.
extension FuzzTarget {
  static let templates = [
    FuzzTarget(name: "alert-template", seeds: { alertTemplates }) { bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      guard let template = try? AlertTemplate(text, name: "A") else { return }
      var limits = TemplateLimits()
      limits.outputBytesMax = 16 << 10
      limits.madeBytesMax = 64 << 10
      limits.stepsMax = 20_000
      limits.depthMax = 50
      limits.queriesMax = 20
      var context = TemplateContext()
      context.labels = Labels([("__name__", "up"), ("instance", "a.b.c:9100"), ("job", "é")])
      context.value = .float(1.5)
      context.time = 1_700_000_000_000
      context.query = { (text, time) throws(QueryError) in
        if text.isEmpty { throw .invalid("no expression found in input") }
        let labels = Labels([("a", text)])
        return [VectorSample(labels: labels, timestamp: time, value: .float(Double(text.utf8.count)))]
      }
      let expanded = template.expand(context, limits: limits)
      precondition(
        expanded.error != nil || template.isPlain || expanded.text.utf8.count <= 3 * limits.outputBytesMax,
        "a text of \(expanded.text.utf8.count) bytes")
      _ = template.usesValue
    }
  ]

  private static var alertTemplates: [[UInt8]] {
    texts(
      "{{ $labels.instance }} of {{ .Labels.job }} {{- $value | humanize1024 -}} B",
      "{{ if gt $value 1.0 }}a{{ else }}b{{ end }}",
      "{{ range $k, $v := $labels }}{{ if eq $k \"job\" }}{{ break }}{{ end }}{{ $k }}={{ $v }}{{ end }}",
      "{{ define \"t\" }}{{ .arg0 }}{{ end }}{{ template \"t\" (args 1 \"x\") }}{{ block \"b\" . }}{{ end }}",
      "{{ printf \"%[2]*.[1]*f|%-8q|%+d|%x|%v\" 2 8 1.5 \"é\" 3 \"a\" $labels }}",
      "{{ query \"up\" | first | value }}{{ with query `x` }}{{ . | sortByLabel \"a\" | len }}{{ end }}",
      "{{ reReplaceAll \"(a+)b*\" \"$1${1}\" \"aabab\" }}{{ match \"^x\" \"y\" }}{{ title \"foo bar\" }}",
      "{{ (toTime 1.5).Format \"Mon Jan _2 15:04:05.999 2006\" }}{{ toDuration 90 }}{{ humanizeDuration 1e9 }}",
      "{{ slice \"abc\" 1 2 }}{{ index $labels \"job\" }}{{ html \"<\" }}{{ js \"<\" }}{{ urlquery \" \" }}{{ 0x1p4 }}{{ 'a' }}",
      "{{ $x := \"a\" }}{{ range 20 }}{{ $x = printf \"%s%s\" $x $x }}{{ end }}{{ $x }}",
      "{{ stripDomain \"[::1]:80\" }}{{ stripPort \"a:1\" }}{{ parseDuration \"1h\" }}{{/* c */}}{{ and 1 (or 0 nil) }}"
    )
  }
}
