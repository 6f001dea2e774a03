import Model
import Testing

@testable import Format

/// The rules of OpenMetrics; each was read out of Prometheus's lexer and parser.
@Suite struct ExpositionOpenMetricsTests {
  @Test("samples, metadata, times and exemplars are read as they stand")
  func reading() {
    let text = """
      # HELP r A \\"help\\" with\\nescapes
      # TYPE r counter
      # UNIT r_seconds seconds
      r_seconds_total{a="b"} 1 1700000000.1239 # {trace="x\\n",span="y"} 0.67 1.5
      r_seconds_total 17 # {} 0.5
      r_created 1.5
      # TYPE q summary
      q{quantile="1"} NaN -1.0015
      {"dotted.name",l="v",} 1e3
      # TYPE s stateset
      # TYPE i info
      # TYPE u unknown
      # TYPE g gaugehistogram
      # EOF
      """
    let scanned = ScannedText(text, .openMetrics)
    #expect(scanned.error == nil)
    #expect(
      scanned.entries == [
        "HELP r A \"help\" with\nescapes", "TYPE r counter", "UNIT r_seconds seconds",
        "r_seconds_total{a=\"b\"} {__name__=\"r_seconds_total\",a=\"b\"} 1.0 @1700000000123 "
          + "# {span=\"y\",trace=\"x\\\\n\"} 0.67 @1500",
        "r_seconds_total {__name__=\"r_seconds_total\"} 17.0 # {} 0.5",
        "r_created {__name__=\"r_created\"} 1.5", "TYPE q summary",
        "q{quantile=\"1\"} {__name__=\"q\",quantile=\"1.0\"} nan(0x1) @-1001",
        "{\"dotted.name\",l=\"v\",} {__name__=\"dotted.name\",l=\"v\"} 1000.0", "TYPE s stateset", "TYPE i info",
        "TYPE u unknown", "TYPE g gaugeHistogram",
      ])
  }

  @Test(
    "what OpenMetrics refuses, in Prometheus's words",
    arguments: [
      ("", "data does not end with # EOF"), ("a 1\n", "data does not end with # EOF"),
      ("a 1", "data does not end with # EOF"),
      ("a 1 5", "expected next entry after timestamp, got \" 5\" (\"EOF\") while parsing: \"a 1 5\""),
      ("\n# EOF", "expected a valid start token, got \"\\n\" (\"INVALID\") while parsing: \"\\n\""),
      (" a 1\n# EOF", "expected a valid start token, got \" \" (\"INVALID\") while parsing: \" \""),
      ("# a comment\n# EOF", "expected a valid start token, got \"# a\" (\"INVALID\") while parsing: \"# a\""),
      ("#\n# EOF", "expected a valid start token, got \"#\\n\" (\"INVALID\") while parsing: \"#\\n\""),
      ("a  1\n# EOF", "expected value after metric, got \"  \" (\"INVALID\") while parsing: \"a  \""),
      ("a\t1\n# EOF", "expected value after metric, got \"\\t\" (\"INVALID\") while parsing: \"a\\t\""),
      (
        "a{b=\"c\", d=\"e\"} 1\n# EOF",
        "expected label name, got \" \" (\"INVALID\") while parsing: \"a{b=\\\"c\\\", \""
      ),
      (
        "a{b=\"c\"d=\"e\"} 1\n# EOF",
        "expected comma or brace close, got \"d=\" (\"LNAME\") while parsing: \"a{b=\\\"c\\\"d=\""
      ),
      (
        "a{b=\"c\nd\"} 1\n# EOF",
        "expected label value, got \"\\\"c\\n\" (\"INVALID\") while parsing: \"a{b=\\\"c\\n\""
      ), ("# TYPE a untyped\n# EOF", "invalid metric type \"untyped\""),
      ("# TYPE a\n# EOF", "expected text in TYPE"), ("# HELP a\n# EOF", "expected text in HELP"),
      ("# UNIT a_seconds meters\n# EOF", "unit \"meters\" not a suffix of metric \"a_seconds\""),
      ("# UNIT seconds seconds\n# EOF", "unit \"seconds\" not a suffix of metric \"seconds\""),
      ("# UNIT aseconds seconds\n# EOF", "unit \"seconds\" not a suffix of metric \"aseconds\""),
      ("a 1 NaN\n# EOF", "invalid timestamp NaN"), ("a 1 -Inf\n# EOF", "invalid timestamp -Inf"),
      ("a 1 x\n# EOF", "strconv.ParseFloat: parsing \"x\": invalid syntax while parsing: \"a 1 x\""),
      ("a 1 1_0\n# EOF", "unsupported character in float while parsing: \"a 1 1_0\""),
      (
        "a 1 5 6\n# EOF",
        "expected next entry after timestamp, got \" 6\\n\" (\"TIMESTAMP\") while parsing: \"a 1 5 6\\n\""
      ),
      ("a 1 #\n# EOF", "strconv.ParseFloat: parsing \"#\": invalid syntax while parsing: \"a 1 #\""),
      ("a 1 # {\"x\"} 1\n# EOF", "expected label name, got \"} \" (\"BCLOSE\") while parsing: \"a 1 # {\\\"x\\\"} \""),
      (
        "a 1 # {x=\"y\"}\n# EOF",
        "expected value after exemplar labels, got \"\\n\" (\"INVALID\") while parsing: \"a 1 # {x=\\\"y\\\"}\\n\""
      ), ("a 1 # {} 1 nan\n# EOF", "invalid exemplar timestamp NaN"),
      (
        "a 1 # {} 1 2 3\n# EOF",
        "expected next entry after exemplar timestamp, got \" 3\\n\" (\"TIMESTAMP\") while parsing: "
          + "\"a 1 # {} 1 2 3\\n\""
      ), ("# EOF\na 1", "unexpected data after # EOF"), ("# EOF\n\n", "unexpected data after # EOF"),
      ("# EOFx", "unexpected data after # EOF"), ("# EOF", nil), ("# EOF\n", nil), ("# UNIT a \n# EOF", nil),
      ("a{b=\"c\",} 1\n# EOF", nil), ("# HELP a \n# EOF", nil),
    ])
  func refusals(_ text: String, _ problem: String?) {
    #expect(ScannedText(text, .openMetrics).error?.problem == problem, "\(text)")
  }

  @Test("something else behind a value is stumbled over as the next entry")
  func behindValue() {
    let scanned = ScannedText("a 1 # x\n# EOF\n", .openMetrics)
    #expect(scanned.entries == ["a {__name__=\"a\"} 1.0"])
    #expect(scanned.error?.problem == "expected a valid start token, got \"x\" (\"INVALID\") while parsing: \"x\"")
  }

  @Test("a line at fault can be skipped, up to the end")
  func skipping() {
    let scanned = ScannedText("a 1\nb\n# EOF\nc 2\nd", .openMetrics, skipsLines: true)
    #expect(
      scanned.entries.map { $0.prefix { $0 != ":" && $0 != "{" } } == [
        "a ", "error line 2", "error line 4", "c ", "error line 5",
      ])
  }
}
