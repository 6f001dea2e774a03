/// Alerting rules whose annotations use all that templates have.
enum RulePeerTemplates {
  static let text = #"""
    groups:
    - name: templates
      rules:
      - alert: BrokenNumbers
        expr: size_bytes
        annotations:
          plain: '{{ $value }} {{ .Value }} {{- " trimmed" -}} '
          humanize: '{{ $value | humanize }} {{ humanize 0.0 }} {{ humanize 0.00012 }} {{ humanize -12345678 }} {{ humanize "1e30" }}'
          humanize1024: '{{ $value | humanize1024 }} {{ humanize1024 1048576 }} {{ humanize1024 0.5 }}'
          percentage: '{{ $value | humanizePercentage }} {{ humanizePercentage 0.959 }} {{ 0.123456 | humanizePercentage }}'
          duration: '{{ $value | humanizeDuration }} {{ humanizeDuration 135.3563 }} {{ "43200" | humanizeDuration }} {{ humanizeDuration 0.0001 }} {{ humanizeDuration -90061 }}'
          timestamp: '{{ humanizeTimestamp 1435065584.128 }} {{ humanizeTimestamp 1643114203 }} {{ $value | humanizeTimestamp }}'
          times: '{{ (1435065584.128 | toTime).Format "2006-01-02T15:04:05.000Z07:00" }} {{ (toTime 1e9).Year }} {{ (toTime 1e9).UTC }}'
          parsed: '{{ parseDuration "1h30m" }}'
          printf: '{{ printf "%.0f|%.1f|%6.2f|%-8.3g|%e|%v|%s|%q" $value $value $value $value $value $value "s" "q" }} {{ $value | printf "%.2f" }} {{ printf "%d %x %t %%" 12 255 true }} {{ printf "%d" $value }} {{ printf "%s" }} {{ printf "x" 1 }}'
          print: '{{ print 1 2 "a" "b" 3.5 true nil }}|{{ println $value "x" }}|{{ 100000.0 }} {{ 1000000.0 }} {{ 1e21 }} {{ 0.00001 }} {{ 1_000 }} {{ 0x1F }} {{ ''c'' }}'
      - alert: Labels
        expr: g > 10
        annotations:
          fields: '{{ $labels.instance }} {{ .Labels.zone }} [{{ $labels.missing }}] {{ index $labels "n" }} {{ $labels.__name__ }}'
          whole: '{{ $labels }} VALUE = {{ $value }}'
          external: '{{ $externalLabels.cluster }} {{ .ExternalLabels.cluster }} {{ $externalLabels }} {{ $externalURL }} {{ externalURL }} {{ pathPrefix }} {{ .ExternalURL }}'
          ports: '{{ $labels.instance | stripPort }} {{ stripPort "[2001:db8::1]:1" }} {{ stripPort "a:b:c" }} {{ stripDomain "a.b.c:1" }} {{ $labels.instance | stripDomain }}'
          case: '{{ title "this part ünï" }} {{ toUpper "straße" }} {{ toLower "ÀB" }} {{ $labels.zone | title | printf "%s!" }}'
          regex: '{{ if match "^web-[0-9]+" $labels.instance }}web{{ else if match "10" $labels.instance }}ten{{ else }}none{{ end }} {{ reReplaceAll "([a-z]+)-([0-9])" "$2-${1}" $labels.instance }}'
          urls: '{{ urlquery "a b" }} {{ html "<a&''>" }} {{ js "it''s <b>" }} {{ safeHtml "<b>" }}'
          links: '{{ graphLink "up == 1 + 1" }} {{ tableLink "g{n=\"1\"}" }}'
          compare: '{{ eq $labels.zone "b" "a" }} {{ ne 1 2 }} {{ lt 1.0 $value }} {{ le "a" "b" }} {{ gt 2 1 }} {{ ge 1 1 }} {{ and true $labels.zone }} {{ or "" "else" }} {{ not "" }} {{ len $labels.zone }} {{ slice "abcdef" 1 3 }}'
      - alert: Control
        expr: 'g{n="1"} > 10'
        annotations:
          with: '{{ with $labels.cluster -}} on {{ . }} {{- else }}nowhere{{ end }} {{ with $labels.zone }}in {{ . }} of {{ $labels.n }}{{ end }}'
          with_else: '{{ with "" }}a{{ else with "b" }}{{ . }}{{ else }}c{{ end }}'
          if: '{{ if and (gt $value 10.0) (lt $value 1e3) }}in{{ else }}out{{ end }} {{ if $labels.missing }}x{{ else if eq 1 1 }}y{{ end }}'
          range_map: '{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }} {{ range $labels }}{{ . }},{{ end }}'
          range_query: '{{ range query "g" | sortByLabel "n" }}{{ .Labels.n }}:{{ .Value }} {{ end }}{{ range $i, $s := query "other" }}{{ $i }} {{ $s.Labels.n }} {{ $s | value }}{{ end }}'
          range_else: '{{ range query "no_such_series" }}x{{ else }}nothing{{ end }} {{ range query "g" | sortByLabel "n" }}{{ if eq .Labels.n "2" }}{{ continue }}{{ end }}{{ if eq .Labels.n "3" }}{{ break }}{{ end }}{{ .Labels.n }}{{ end }}'
          query: '{{ query "sum(info)" | first | value }} {{ (query "info{n=\"1\"}" | first).Labels.version }} {{ query "info" | sortByLabel "version" | first | label "version" }} {{ len (query "info") }}'
          query_label: '{{ with printf "g{instance=\"%s\"}" $labels.instance | query }}{{ . | first | value | humanize }}{{ end }}'
          strvalue: '{{ query "label_replace(other, \"__value__\", \"$1\", \"n\", \"(.*)\")" | first | strvalue }}'
          define: '{{ define "one" }}[{{ .arg0 }} {{ .arg1 }} {{ .arg2 }}]{{ end }}{{ template "one" (args "a" 2) }} {{ block "two" $labels.n }}<{{ . }}>{{ end }}'
          variables: '{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }} {{ $y := $labels.zone }}{{ $y }} {{ range $i, $s := query "info" }}{{ $x = $i }}{{ end }}{{ $x }}'
          comment: '{{/* nothing */}}a {{- /* trims */ -}} b'
          raw: '{{ `raw {{ "text" }} \n` }} {{ "esc \t \"q\" \u00fc" }} $value {notemplate}'
      - alert: Lines
        expr: 'g{n="1"} > 10'
        annotations:
          description: "Line one {{ $value }}\n  VALUE = {{ $value }}\n  LABELS = {{ $labels }}"
          folded: >
            {{ $labels.instance }} has
            {{ if gt $value 25.0 -}} more {{- else -}} less {{- end }}
            than it should.
    - name: templates that break
      rules:
      - {alert: BrokenFirst, expr: 'g{n="1"} > 10', annotations: {a: '{{ first (query "no_such_series") }}', fine: '{{ $value }}'}}
      - {alert: BrokenNumber, expr: 'g{n="1"} > 10', annotations: {a: 'before {{ humanize "one" }} after'}}
      - {alert: BrokenQuery, expr: 'g{n="1"} > 10', annotations: {a: '{{ query "sum(" }}'}}
      - {alert: BrokenTypes, expr: 'g{n="1"} > 10', annotations: {a: '{{ if gt $value 5 }}x{{ end }}'}}
      - {alert: BrokenField, expr: 'g{n="1"} > 10', annotations: {a: '{{ .Missing }}'}}
      - {alert: BrokenTemplate, expr: 'g{n="1"} > 10', annotations: {a: '{{ template "missing" }}'}}
      - {alert: BrokenIndex, expr: 'g{n="1"} > 10', annotations: {a: '{{ index (query "g") 99 }}'}}
      - {alert: BrokenLabel, expr: 'g{n="1"} > 10', labels: {made: '{{ first (query "no_such_series") }}'}}
      - {alert: BrokenDuration, expr: 'g{n="1"} > 10', annotations: {a: '{{ parseDuration "1x" }}'}}
      - {alert: BrokenRegex, expr: 'g{n="1"} > 10', annotations: {a: '{{ match "(" "a" }}'}}
    """#
}
