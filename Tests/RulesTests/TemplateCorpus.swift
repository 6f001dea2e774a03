/// Templates of every part of the language, one a line: what Prometheus makes of them is what we make of them.
enum TemplateCorpus {
  /// The expression that has the labels and the value of `AlertTemplateTests.context`.
  static let expression = [("__name__", "up"), ("instance", "a.b.c:9100"), ("job", "node")]
    .reduce("vector(1353755652)") { "label_replace(\($0), \"\($1.0)\", \"\($1.1)\", \"\", \"\")" }

  /// Texts that can be read, whether they fail later or not. `⏎` stands for a line break.
  static let readable = lines(
    #"""
    {{ $labels.instance }} {{ .Labels.job }} {{ $value }} {{ .Value }} {{ $labels }} {{ $labels.missing }}|
    {{ . }}
    {{ $ }}
    {{ .Foo }}
    {{ .Labels.a.b }}
    {{ .Value.x }}
    {{ $value.x }}
    {{ $value.x.y }}
    {{ $labels.x.y }}
    {{ $externalLabels.cluster }} {{ $externalURL }} {{ externalURL }} {{ pathPrefix }} {{ .ExternalURL }} {{ .ExternalLabels }}
    {{ 1 }} {{ 1.5 }} {{ -3 }} {{ +4 }} {{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 017 }} {{ 1_000 }} {{ 1e3 }} {{ 1e20 }} {{ 1e21 }} {{ 0x1p4 }} {{ .5 }} {{ 1. }} {{ 'a' }} {{ '\n' }} {{ 'é' }}
    {{ 9223372036854775807 }} {{ -9223372036854775808 }}
    {{ 9223372036854775808 }}
    {{ "a\tb\"\\\u00e9\x41\101" }} {{ `raw "x" \n` }} {{ "é" }} {{ true }} {{ false }}
    {{ nil }}
    {{ 3 4 }}
    {{ "a" "b" }}
    {{ 1 | print }} {{ "x" | printf "%s-%s" "y" }} {{ 1 2.5 | print }}
    {{ print 1 2 "a" 3 "b" "c" 4 5.5 true nil }}
    {{ print }}|{{ println 1 "a" 2 }}|{{ println }}|
    {{ print (1 | print) 2 }} {{ (1) }} {{ ((2)) }}
    a  {{- 1 -}}  b {{- /* c */ -}} d {{/* e */}} f⏎{{- 2 }}⏎ {{ 3 -}} ⏎	g
    {{ $x := 1 }}{{ $x }}{{ $x = 2 }}{{ $x }}{{ $x := "y" }}{{ $x }}
    {{ $x := 1 }}{{ if true }}{{ $x = 5 }}{{ $x := 7 }}{{ end }}{{ $x }}
    {{ if gt $value 5.0 }}more{{ else }}less{{ end }} {{ if lt $value 5.0 }}a{{ else if gt $value 1e9 }}b{{ else }}c{{ end }}
    {{ if gt $value 5 }}x{{ end }}
    {{ if $labels.missing }}x{{ else }}y{{ end }} {{ if $labels.job }}x{{ end }} {{ if 0 }}x{{ else }}0{{ end }} {{ if 0.0 }}x{{ else }}0.0{{ end }} {{ if "" }}x{{ else }}e{{ end }} {{ if .Labels }}m{{ end }} {{ if . }}root{{ end }}
    {{ with $labels.job }}[{{ . }}]{{ end }}{{ with $labels.missing }}x{{ else }}none{{ end }}{{ with $x := $labels.job }}{{ $x }}{{ end }}
    {{ with $labels.missing }}x{{ else with $labels.job }}{{ . }}{{ end }}
    {{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }} {{ range $labels }}{{ . }},{{ end }} {{ range $v := $labels }}{{ $v }}.{{ end }}
    {{ range $i, $s := query "label_replace(vector(1), \"a\", \"b\", \"\", \"\")" }}{{ $i }}:{{ $s.Labels.a }}:{{ $s.Value }}{{ end }}
    {{ range query "vector(1) > 2" }}x{{ else }}empty{{ end }}
    {{ range 3 }}{{ . }}{{ end }}{{ range $i := 3 }}{{ $i }}{{ end }}{{ range 0 }}x{{ else }}none{{ end }}
    {{ range $i, $j := 3 }}{{ . }}{{ end }}
    {{ range 1.5 }}{{ . }}{{ end }}
    {{ range "abc" }}{{ . }}{{ end }}
    {{ range $k, $v := $labels }}{{ if eq $k "instance" }}{{ continue }}{{ end }}{{ $k }}{{ if eq $k "job" }}{{ break }}{{ end }};{{ end }}
    {{ range args 1 "b" 2.5 }}{{ . }},{{ end }} {{ args 1 "b" }} {{ (args 1 2).arg1 }} {{ (args 1).arg5 }} {{ $a := args "x" }}{{ $a.arg0 }}
    {{ $x := 0 }}{{ range $x = $labels }}{{ end }}{{ $x }}
    {{ define "t" }}<{{ . }}>{{ end }}{{ template "t" 1 }}{{ template "t" $labels.job }}{{ template "t" }}
    {{ define "t" }}{{ .arg0 }} {{ .arg1 }}{{ end }}{{ template "t" (args 1 "2") }}
    {{ block "b" $value }}[{{ . }}]{{ end }}
    {{ template "missing" }}
    {{ define "r" }}{{ if . }}x{{ end }}{{ end }}{{ template "r" 1 }}{{ template "r" 0 }}
    {{ define "e" }}{{ .Foo }}{{ end }}{{ template "e" 1 }}
    {{ and 1 0 2 }} {{ and 1 2 }} {{ or 0 "" 3 }} {{ or 0 "" }} {{ not 0 }} {{ not "a" }} {{ and }}
    {{ and 1 0 2 }} {{ and 1 2 }} {{ or 0 "" 3 }} {{ or 0 "" }} {{ not 0 }} {{ not "a" }}
    {{ or 1 (index $labels 1) }} {{ 1 | and 0 }} {{ 2 | or 0 }} {{ and true (gt $value 1.0) }}
    {{ eq 1 1 }} {{ eq 1 2 3 1 }} {{ eq "a" "a" }} {{ eq 1.0 1.0 }} {{ ne 1 2 }} {{ lt 1 2 }} {{ le 2 2 }} {{ gt "b" "a" }} {{ ge 1.5 2.5 }} {{ eq true true }} {{ lt "a" "b" }}
    {{ eq 1 1.0 }}
    {{ eq 1 "1" }}
    {{ eq $labels $labels }}
    {{ eq $labels.job nil }}
    {{ eq nil nil }}
    {{ eq 1 }}
    {{ eq }}
    {{ lt 1 }}
    {{ lt true false }}
    {{ lt $labels 1 }}
    {{ lt 1 1.5 }}
    {{ eq . . }}
    {{ eq (index "abc" 1) 98 }} {{ lt (index "abc" 1) 99 }}
    {{ len "abc" }} {{ len $labels }} {{ len "é" }} {{ len (query "vector(1)") }} {{ len (args 1 2) }}
    {{ len 3 }}
    {{ len nil }}
    {{ len $value }}
    {{ index $labels "job" }} {{ index $labels "x" }}| {{ index "abc" 0 }} {{ (index (query "vector(5)") 0).Value }} {{ index (args 7) "arg0" }}
    {{ index $labels 1 }}
    {{ index "abc" 3 }}
    {{ index "abc" 4 }}
    {{ index "abc" -1 }}
    {{ index "abc" "a" }}
    {{ index "abc" nil }}
    {{ index 1 2 }}
    {{ index nil }}
    {{ index $labels nil }}
    {{ index (query "vector(1)") 5 }}
    {{ slice "abcdef" 1 3 }} {{ slice "abc" 1 }} {{ slice "abc" }} {{ len (slice (query "vector(1)") 0 0) }}
    {{ slice "abc" 2 1 }}
    {{ slice "abc" 0 1 2 }}
    {{ slice "abc" 5 }}
    {{ slice 5 1 }}
    {{ call 1 }}
    {{ call nil }}
    {{ html "<a href='x'>&\"" }} {{ js "it's <b> \"x\" & = \\ é \n" }} {{ urlquery "a b&c/é" "x" }} {{ html 1 2 $labels }} {{ js 5 }}
    {{ printf "%d|%5d|%-5d|%05d|%+d|% d|%x|%X|%o|%b|%c|%q|%U|%#x|%#o|%O" 42 42 42 42 42 42 42 42 42 42 65 65 65 255 8 8 }}
    {{ printf "%d %05d %+d %x" -42 -42 -42 -255 }} {{ printf "%.5d %8.5d %-8.3d|" 42 42 7 }} {{ printf "%.0d|" 0 }}
    {{ printf "%f|%.2f|%8.2f|%-8.2f|%08.2f|%+.1f|% .1f|%e|%E|%.3e|%g|%G|%.3g|%.10g" 1.5 2.345 3.14159 3.14159 -3.14159 1.0 1.0 12345.678 12345.678 12345.678 1e-7 1e-7 1234.5678 1234.5678 }}
    {{ printf "%v %v %v %v %v %v" 100000.0 1000000.0 123456789.0 0.0001 0.00001 1e21 }} {{ printf "%.0f %.0f %.0f %.0f" 0.5 1.5 2.5 0.7 }} {{ printf "%.3f %.20f %.1f" 1.0005 0.1 0.25 }}
    {{ printf "%.2f" $value }} {{ printf "%.1f%%" 12.34 }} {{ printf "%.4g" 100000.0 }} {{ printf "%.4g" 0.00001234567 }} {{ printf "%0.4g" 1234.5 }} {{ printf "%.4g" 12345678.9 }} {{ $value | printf "%.3e" }}
    {{ printf "%s|%10s|%-10s|%.2s|%q|%x|%X|% x|%#x|%v|%#q|%+q" "abc" "abc" "abc" "abc" "a\"b\n" "hi" "hi" "hi" "hi" "v" "raw" "é" }} {{ printf "%5.1s|%05s" "é日" "ab" }}
    {{ printf "%t %v %5t|%q" true false true "x" }} {{ printf "%T %T %T %T %T %T" 1 1.5 "a" true $labels (query "vector(1)") }} {{ printf "%T" nil }} {{ printf "%T" (query "vector(1)" | first) }}
    {{ printf "%d" 1.5 }} {{ printf "%s" 5 }} {{ printf "%f" 5 }} {{ printf "%d" "x" }} {{ printf "%t" 1 }} {{ printf "%z" 1 }} {{ printf "%5d" 1.25 }} {{ printf "%.1d" 1.25 }} {{ printf "%s" nil }} {{ printf "%d" nil }} {{ printf "%v" nil }} {{ printf "%s" true }}
    {{ printf "%d %d" 1 }} {{ printf "%d" 1 2 "x" nil }} {{ printf "%" }} {{ printf "%!" 1 }} {{ printf "100%" }} {{ printf "%%" }} {{ printf "x" }} {{ printf "%-" 1 }}
    {{ printf "%[2]d %[1]d" 1 2 }} {{ printf "%[3]d" 1 }} {{ printf "%[x]d" 1 }} {{ printf "%*d|%-*d|%.*f" 5 42 5 42 2 3.14159 }} {{ printf "%*d" "x" 1 }} {{ printf "%[1]d" 1 2 }} {{ printf "%[1" 1 }} {{ printf "%.*d" -1 5 }} {{ printf "%.[2]*[1]f" 2.0 3 }}
    {{ printf "%s %v %q %d" $labels $labels $labels $labels }} {{ printf "%v %s" (args 1 "a") (args 1 "a") }}
    {{ printf "%v" (query "label_replace(vector(1), \"a\", \"b\", \"\", \"\")" | first) }} {{ query "label_replace(vector(1), \"a\", \"b\", \"\", \"\")" | first }} {{ print (query "vector(1)" | first) }}
    {{ printf "%6.2f|%6.2f|%06.1f|%+v|%x" 1.0 -1.0 -2.55 1.5 "é" }} {{ printf "%v" 1e100 }} {{ printf "%f" 1e22 }} {{ printf "%.1f" 1e-320 }} {{ printf "%g" 5e-324 }} {{ printf "%.30g" 0.1 }}
    {{ printf 1 }}
    {{ printf $value }}
    {{ printf }}
    {{ humanize 0.0 }} {{ humanize 1.0 }} {{ humanize 1234567.0 }} {{ humanize 0.12 }} {{ humanize -1.0 }} {{ humanize "12345" }} {{ humanize 999.96 }} {{ humanize 1e30 }} {{ humanize 1e-30 }} {{ humanize 5 }} {{ humanize "Inf" }} {{ humanize "-inf" }} {{ humanize "NaN" }} {{ humanize "0x10" | len }}
    {{ humanize "0x1p4" }} {{ humanize "1e3" }} {{ humanize ".5" }} {{ humanize "5." }} {{ humanize "+5" }} {{ humanize "infinity" }} {{ humanize "0x1_0p4" }}
    {{ humanize "1_000" }}
    {{ humanize "one" }}
    {{ humanize "" }}
    {{ humanize " 1" }}
    {{ humanize "1e999" }}
    {{ humanize "+nan" }}
    {{ humanize true }}
    {{ humanize nil }}
    {{ humanize $labels }}
    {{ humanize }}
    {{ humanize 1 2 }}
    {{ humanize1024 0.0 }} {{ humanize1024 1.0 }} {{ humanize1024 1048576.0 }} {{ humanize1024 0.12 }} {{ humanize1024 1234567 }} {{ humanize1024 -5000.0 }} {{ humanize1024 1e30 }} {{ humanize1024 "Inf" }} {{ humanize1024 1023.99 }}
    {{ humanizePercentage 0.1234567 }} {{ humanizePercentage 1.23456 }} {{ humanizePercentage -0.22222 }} {{ humanizePercentage 1234567 }} {{ humanizePercentage 0.0 }} {{ "0.5" | humanizePercentage }}
    {{ humanizeDuration 0 }} {{ humanizeDuration 1 }} {{ humanizeDuration 60 }} {{ humanizeDuration 3600 }} {{ humanizeDuration 86400 }} {{ humanizeDuration 90000.5 }} {{ humanizeDuration -183845 }} {{ humanizeDuration 899.99 }} {{ humanizeDuration .1 }} {{ humanizeDuration .0001 }} {{ humanizeDuration .12345 }} {{ humanizeDuration 60.1 }} {{ humanizeDuration 1.2345 }} {{ humanizeDuration 12.345 }} {{ humanizeDuration "43200" }} {{ humanizeDuration 1e300 }} {{ humanizeDuration "NaN" }} {{ humanizeDuration -0.5 }} {{ humanizeDuration -59.999 }}
    {{ humanizeDuration "one" }}
    {{ humanizeTimestamp 0 }} {{ humanizeTimestamp 1435065584.128 }} {{ humanizeTimestamp -1 }} {{ humanizeTimestamp 1435065584.1 }} {{ humanizeTimestamp "1435065584" }} {{ humanizeTimestamp "Inf" }} {{ humanizeTimestamp 1.0001 }} {{ humanizeTimestamp -0.5 }}
    {{ humanizeTimestamp 1e300 }}
    {{ toTime 1435065584.128 }} {{ (toTime 1435065584.128).Format "Mon Jan 2 15:04:05.000 2006 MST -0700 Z07:00 pm PM 3 03 _2 002 January Monday 06 1 01" }} {{ (toTime 0).Year }} {{ (toTime 86399).Hour }} {{ (toTime 0).Month }} {{ (toTime 0).Weekday }} {{ (toTime 5).Unix }} {{ (toTime 0).String }} {{ (toTime 0).YearDay }} {{ (toTime 0).UnixMilli }}
    {{ toTime "Inf" }}
    {{ (toTime 0).Foo }}
    {{ (toTime 0).Format }}
    {{ (toTime 0).Format 1 }}
    {{ (toTime 0).Year 1 }}
    {{ (toTime 100).Sub (toTime 40) | humanizeDuration }}
    {{ parseDuration "1h" }} {{ parseDuration "1d2h3m4s5ms" }} {{ parseDuration "0" }}
    {{ parseDuration "x" }}
    {{ parseDuration "" }}
    {{ parseDuration "1h1h" }}
    {{ parseDuration 5 }}
    {{ title "foo bar" }}|{{ title "foo-bar foo_bar foo.bar don't it's 1abc a1b x:y a/b FOO bAR" }}|{{ title "élan ßa ǆa ﬁn" }}|{{ title "a.b:c,d;e'f" }}|{{ title "" }}|{{ title "_a 'b' (c)" }}
    {{ toUpper "aBc é ß ŉ" }} {{ toLower "ABC É İ Σ" }}
    {{ match "a.*b" "xaccb" }} {{ match "^a" "ba" }} {{ match "" "x" }} {{ match "(?i)A" "a" }} {{ match "a.b" "a\nb" }} {{ match "a$" "a\n" }}
    {{ match "(" "x" }}
    {{ match "a**" "x" }}
    {{ reReplaceAll "(a)b" "x$1" "ab" }} {{ reReplaceAll "a" "b" "banana" }} {{ reReplaceAll "x*" "-" "abc" }} {{ reReplaceAll "(.*):.*" "$1" "h:1" }} {{ reReplaceAll "a*" "-" "baac" }} {{ reReplaceAll "(?P<n>b)" "[${n}$n]" "abc" }} {{ reReplaceAll "b" "$$1" "abc" }} {{ reReplaceAll "^a" "x" "aaa" }} {{ reReplaceAll "\\b" "|" "ab cd" }} {{ reReplaceAll "é*" "-" "aéb" }} {{ reReplaceAll "(a)(b)?" "<$2$1>" "ab a" }} {{ reReplaceAll "" "-" "" }}
    {{ reReplaceAll "(" "x" "y" }}
    {{ reReplaceAll "[a`" "x" "y" }}
    {{ reReplaceAll 1 "x" "y" }}
    {{ graphLink "up{job=\"a b\"}" }} {{ tableLink "rate(x[5m]) > 0" }}
    {{ stripPort "foo.example.com" }} {{ stripPort "foo.example.com:12345" }} {{ stripPort "[2001:0DB8::1]:12345" }} {{ stripPort "[2001:0DB8::1]::12345" }} {{ stripPort "2001:0DB8::1" }} {{ stripPort "192.0.2.1:12345" }} {{ stripPort ":80" }} {{ stripPort "[::1]" }} {{ stripPort "a:" }} {{ stripPort "[a]b:1" }} {{ stripPort "a]:1" }}
    {{ stripDomain "foo.example.com" }} {{ stripDomain "foo.example.com:12345" }} {{ stripDomain "192.0.2.1:12345" }} {{ stripDomain "192.0.2.1" }} {{ stripDomain "2001:0DB8::1" }} {{ stripDomain "[2001:0DB8::1]:12345" }} {{ stripDomain "foo" }} {{ stripDomain "[foo.example.com]:12345" }} {{ stripDomain "1.2.3" }} {{ stripDomain "a.b:" }} {{ stripDomain "::ffff:1.2.3.4" }} {{ stripDomain "1::2::3" }} {{ stripDomain "300.1.1.1:1" }}
    {{ safeHtml "<b>" | toUpper }}
    {{ query "vector(1.5)" | first | value }} {{ query "label_replace(vector(1), \"a\", \"b\", \"\", \"\")" | first | label "a" }} {{ query "label_replace(vector(1), \"__value__\", \"s\", \"\", \"\")" | first | strvalue }} {{ query "1.5" | first | value }} {{ with query "vector(7)" }}{{ . | first | value | humanize }}{{ end }}
    {{ range query "label_replace(vector(2), \"a\", \"y\", \"\", \"\") or label_replace(vector(1), \"a\", \"x\", \"\", \"\")" | sortByLabel "a" }}{{ .Labels.a }}:{{ .Value }} {{ .Labels }} {{ . }};{{ end }}
    {{ query "vector(1) > 2" | first }}
    {{ query "(" }}
    {{ query "\"x\"" }}
    {{ query 5 }}
    {{ query nil }}
    {{ first nil }}
    {{ first 1 }}
    {{ value nil }}
    {{ label "a" nil }}
    {{ value $value }}
    {{ (query "vector(1)").banana }}
    {{ (query "vector(1)" | first).banana }}
    {{ (query "vector(1)" | first).Value.x }}
    {{ (query "vector(1)" | first).Labels.x }}|{{ (query "vector(3)" | first).Value }}
    {{ printf `up{instance="%s"}` $labels.instance | query | len }}
    {{ $labels.job | toUpper | printf "%s!" }} {{ "a" | toUpper | len }}
    {{ 1 | toUpper }}
    {{ toUpper 1 }}
    {{ toUpper nil }}
    {{ toUpper $labels.x }}|
    {{ $labels.job 1 }}
    {{ 1 | $labels.job }}
    {{ .Labels 1 }}
    {{ 1 | .Labels }}
    {{ $value 1 }}
    {{ (1) 2 }}
    {{ 1 | (print) }}
    {{ print | toUpper 1 }}
    {{ sortByLabel "a" 1 }}
    {{ sortByLabel 1 (query "vector(1)") }}
    {{ "x" }}{{/* comment⏎two */}}{{ "y" }}⏎{{ humanize "one" }}
    text ⏎⏎ {{ if true }}⏎ {{ humanize "é日" }}{{ end }}
    {{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" | humanize }}
    {{ with humanize "x" }}{{ end }}
    {{ if (humanize "x") }}{{ end }}
    {{ $x := humanize "x" }}
    {{ range humanize "x" }}{{ end }}
    {{ template "x" (humanize "x") }}
    {{define "x"}}{{end}}{{ template "x" (humanize "x") }}
    {{ print (printf "%s" (humanize "x")) }}
    {{ printf "%s" (index $labels (humanize "x")) }}
    {{ if not (match "a" "b") }}no{{ end }} {{ if and (match "a" "a") (gt $value 1.0) }}yes{{ end }}
    }} { { {{ "{{" }} {{ `}}` }} %d %!s
    日本 {{ $labels.job }} é
    {{ $x = 1 }}
    {{ 1 | }}
    {{ template "x" 1 2 | }}
    {{ humanize $value | }}
    {{ safeHtml "<b>" }} {{ printf "%T" (safeHtml "x") }} {{ eq (safeHtml "a") "a" }} {{ print (safeHtml "a") "b" 1 2 }}
    {{ safeHtml "a" | len }}
    {{ (toTime 100).Sub (toTime 40) }} {{ (toTime 100).Add 60000000000 }} {{ (toTime 100).After (toTime 40) }} {{ ((toTime 100).Sub (toTime 8.5)).Minutes }} {{ ((toTime 100).Sub (toTime 8.5)).Round 60000000000 }}
    {{ printf "%v %d" (toTime 0) ((toTime 100).Sub (toTime 40)) }} {{ (toTime 0).Weekday | printf "%d" }} {{ printf "%d %s" (toTime 0).Month (toTime 0).Month }}
    """#)

  /// Texts that are refused when the rule is read.
  static let refused = lines(
    #"""
    {{
    {{ }}
    {{ . 
    {{ end }}
    {{ else }}
    {{ if }}{{ end }}
    {{ if true }}
    {{ if true }}{{ else }}{{ else }}{{ end }}
    {{ range }}{{ end }}
    {{ with }}{{ end }}
    {{ foo }}
    {{ tmpl "x" . }}
    {{ $x }}
    {{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}
    {{ "abc }}
    {{ `abc }}
    {{ 'ab }}
    {{ 'ab' }}
    {{ '' }}
    {{ "\q" }}
    {{ 1a }}
    {{ 0x }}
    {{ 1_ }}
    {{ 99999999999999999999 }}
    {{ 08 }}
    {{ ( }}
    {{ (1 }}
    {{ (1 -}} x
    {{ 1) }}
    {{ | 1 }}
    {{ 1 | 2 }}
    {{ 1 | "a" | . }}
    {{ 1.x }}
    {{ "a".x }}
    {{ true.x }}
    {{ nil.x }}
    {{ ..x }}
    {{ .x.. }}
    {{ $labels..x }}
    {{ a-b }}
    {{ $labels-x }}
    {{ .a-b }}
    {{ 1 : 2 }}
    {{ $x : 1 }}
    {{ $x, $y := 1 }}
    {{ range $a, $b, $c := $labels }}{{ end }}
    {{ range $a, 1 := $labels }}{{ end }}
    {{ break }}
    {{ continue }}
    {{ range 1 }}{{ break 1 }}{{ end }}
    {{ if true }}{{ break }}{{ end }}
    {{ template }}
    {{ template x }}
    {{ define }}{{ end }}
    {{ define "a" }}
    {{ define "a" }}{{ else }}{{ end }}
    {{ define "a" }}1{{ end }}{{ define "a" }}2{{ end }}
    {{ define "a" 1 }}{{ end }}
    {{ define "a" }}{{ $labels.x }}{{ end }}
    {{ if true }}{{ define "a" }}{{ end }}{{ end }}
    {{ block "b" }}{{ end }}
    {{ block "b" 1 }}
    {{ block "b" 1 }}{{ else }}{{ end }}
    {{/* unclosed
    {{/* a */ }}
    {{ /* a */ }}
    {{ end x }}
    {{ else x }}
    {{ if true }}{{ else x }}{{ end }}
    {{ if true }}{{ else if }}{{ end }}
    {{ range 1 }}{{ else if true }}{{ end }}
    {{ % }}
    {{ 1 % 2 }}
    {{ é }}
    {{ \ }}
    {{   }}
    {{ “quoted” }}
    {{ $labels.instance } }
    {{ $labels.é-x }}
    ok⏎{{ foo }}
    ⏎⏎{{ if ⏎ true
    ⏎{{ "a⏎b" }}
    {{ print⏎⏎ foo }}
    {{ if eq 1⏎⏎ }}{{ } }}
    {{ aaaaaaaaaaaaaaaaaaaaaaa"b }}
    {{ if "aaaaaaaaaaaaaaaaaaaa" "b" = }}{{ end }}
    {{ print "aaaaaaaaaaaaéaaaaaa"= }}
    {{ print , }}
    {{ print := }}
    {{ $value := }}
    {{ := 1 }}
    {{ range := }}{{end}}
    {{ .5.x }}
    {{ if true }}a{{ end }}b{{ end }}
    {{ with 1 }}{{ else if 1 }}{{ end }}
    """#)

  private static func lines(_ text: String) -> [String] {
    text.split(separator: "\n").map { String($0).replacing("⏎", with: "\n") }
  }
}
