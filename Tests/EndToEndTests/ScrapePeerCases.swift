import HTTP

/// A body that a target answers, to be taken or refused as Prometheus does.
struct Exposition: Sendable {
  var body: [UInt8]
  var contentType: String?

  init(_ text: String, _ contentType: String? = Response.textFormat) {
    body = Array(text.utf8)
    self.contentType = contentType
  }

  init(bytes: [UInt8], _ contentType: String? = Response.textFormat) {
    body = bytes
    self.contentType = contentType
  }

  static let cases: [Exposition] = text + openMetrics + contentTypes + protobuf
  /// The place of the first of `contentTypes`.
  static let contentTypesFrom = text.count + openMetrics.count

  private static let text: [Exposition] = [
    // Values.
    Exposition("a 1\nb -1.5e3\nc +Inf\nd -inf\ne NaN\nf nan\ng +iNf\nh 0.1\ni 1e400\nj .5\nk 5.\nl -0\n"),
    Exposition("a 0x10\n"), Exposition("a 1_000\n"), Exposition("a 1e\n"), Exposition("a Infinity\n"),
    Exposition("a inf\nb Infinity\n"), Exposition("a\n"), Exposition("a \n"), Exposition("a one\n"),
    Exposition("a 123456789012345678901234567890.5\nb 4.9e-324\nc 1.7976931348623157e308\nd 2.2250738585072014e-308\n"),
    // Names.
    Exposition("{\"utf.8 name\"} 1\n{\"other\",\"quoted label\"=\"v\"} 2\na:b_c 3\n_x 4\n"),
    Exposition("{\"a\",x=\"1\",} 1\n"), Exposition("{x=\"1\"} 1\n"), Exposition("{\"a\",\"b\"} 1\n"),
    Exposition("1a 1\n"), Exposition("a-b 1\n"), Exposition("a.b 1\n"), Exposition("é 1\n"), Exposition("{} 1\n"),
    Exposition("{x=\"1\",\"late\"} 1\n"), Exposition("a{\"b\"} 1\n"),
    // Labels.
    Exposition("a{x=\"1\"} 1\na{x=\"2\",} 2\na{ y = \"3\" , } 3\na{} 4\n"), Exposition("a{x=\"1\" y=\"2\"} 1\n"),
    Exposition("a{x=\"1\",x=\"2\"} 1\n"), Exposition("a{x='1'} 1\n"), Exposition("a{x=1} 1\n"),
    Exposition("a{x=\"\\\\ \\\" \\n \\t\"} 1\n"), Exposition("a{x=\"1} 1\n"), Exposition("a{x=\"1\" 1\n"),
    Exposition("a{x=\"}\",y=\"{\"} 1\n"), Exposition("a{x=\"\"} 1\n"), Exposition("a{=\"\"} 1\n"),
    Exposition("a{1x=\"\"} 1\n"), Exposition("a{,} 1\n"), Exposition("a{x=\"1\",,y=\"2\"} 1\n"),
    Exposition("a{x=\"two\nlines\"} 1\n"), Exposition("a{__name__=\"b\"} 1\n"), Exposition("a{le=\"1\"} 1\n"),
    Exposition(
      "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"1e1\"} 2\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 1\n"),
    Exposition(
      "# TYPE s summary\ns{quantile=\"1\"} 1\ns{quantile=\"0.50\"} 1\ns{quantile=\"x\"} 1\ns_sum 1\ns_count 1\n"),
    Exposition(bytes: Array("a{x=\"".utf8) + [0xff, 0xfe] + Array("\"} 1\n".utf8)),
    Exposition(bytes: Array("a".utf8) + [0xff] + Array(" 1\n".utf8)),
    Exposition(bytes: Array("a".utf8) + [0, 32, 49, 10]),
    // Times.
    Exposition("a 1 -1\n"), Exposition("a 1 +1\n"), Exposition("a 1 1.5\n"), Exposition("a 1 2 3\n"),
    Exposition("a 1 99999999999999999999\n"),
    // Lines.
    Exposition("a 1"), Exposition("a 1\r\n"), Exposition("\n\n a 1\n"), Exposition("\ta 1\n"),
    Exposition("a\t1\t\nb  2  \n"), Exposition("a {x=\"1\"} 1\n"), Exposition("a{x=\"1\"}1\n"),
    Exposition("a 1 # comment\n"),
    Exposition("# comment\n#\n#comment\n##\na 1\n"), Exposition("# EOF\na 1\n"), Exposition("\u{feff}a 1\n"),
    Exposition("\n"), Exposition("#\n"), Exposition(" \n"), Exposition("a 1\nb 2\nc three\nd 4\n"),
    // Types and helps.
    Exposition("# TYPE a gauge\n# HELP a text\na 1\n"), Exposition("# TYPE a unknown\na 1\n"),
    Exposition("# TYPE a Gauge\na 1\n"),
    Exposition("# TYPE a untyped\na 1\n# TYPE a counter\na 1\n"), Exposition("# TYPE a\na 1\n"),
    Exposition("# HELP a\na 1\n"),
    Exposition("# HELP\na 1\n"), Exposition("# TYPE a gauge extra\na 1\n"), Exposition("#TYPE a wrong\na 1\n"),
    Exposition("# HELP a b\\nc \\\\ \\\" \\x é\na 1\n"), Exposition("#  TYPE  a  gauge\na 1\n"),
    Exposition("# UNIT a seconds\na 1\n"), Exposition("# HELP \"a b\" text\n# TYPE \"a b\" gauge\n{\"a b\"} 1\n"),
    Exposition(bytes: Array("# HELP a ".utf8) + [0xff] + Array("\na 1\n".utf8)),
    // Duplicates.
    Exposition("a 1\na 1\n"), Exposition("a 1\na 2\nb 3\n"), Exposition("a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\n"),
    Exposition("a{x=\"\"} 1\na 2\n"), Exposition("a 1 1600000000000\na 2 1600000000000\n"),
    Exposition("a 1 # {x=\"1\"} 2\n"), Exposition("# TYPE a gaugehistogram\na 1\n"),
    Exposition("# TYPE a_total counter\na_total 1\n"),
  ]

  private static let openMetrics: [Exposition] = [
    "a 1\n# EOF\n", "a 1\n", "a 1\n# EOF", "a 1\n# EOF\nb 2\n", "a 1\n# EOF\n\n", "# EOF\n", "a  1\n# EOF\n",
    "a 1 \n# EOF\n",
    "\na 1\n# EOF\n", "a\t1\n# EOF\n", "# comment\na 1\n# EOF\n", "# TYPE a untyped\na 1\n# EOF\n",
    "# TYPE a unknown\na 1\n# EOF\n", "# TYPE a_seconds gauge\n# UNIT a_seconds seconds\na_seconds 1\n# EOF\n",
    "# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n", "# UNIT a_seconds \na_seconds 1\n# EOF\n",
    "a 1 1600000000.1239\n# EOF\n",
    "a 1 -1.5\n# EOF\n", "a 1 NaN\n# EOF\n", "a 1 Inf\n# EOF\n", "a 1 1e9\n# EOF\n",
    "a NaN\nb +Inf\nc -Inf\nd 1e5\ne 0x1p4\n# EOF\n",
    "a 0x1\n# EOF\n", "a 1_0\n# EOF\n", "a{x=\"1\",} 1\n# EOF\n", "a{x=\"1\", y=\"2\"} 1\n# EOF\n", "a{} 1\n# EOF\n",
    "a 1 # {} 2\n# EOF\n", "a 1 # {x=\"y\"} 2 1600000000.5\n# EOF\n", "a 1 1600000000 # {x=\"y\"} 2\n# EOF\n",
    "a 1 # {x=\"y\"}\n# EOF\n", "a 1 # {x=\"y\"} NaN\n# EOF\n", "a 1 #{x=\"y\"} 1\n# EOF\n",
    "a 1 # {x=\"y\"} 1 NaN\n# EOF\n",
    "# TYPE a counter\na 1\n# EOF\n", "# TYPE a counter\na_total 1\na_created 5\n# EOF\n",
    "# HELP a x\\ny \\\" \\\\\na 1\n# EOF\n",
    "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n# EOF\n",
    "{\"a.b\",\"c d\"=\"e\"} 1\n# EOF\n", "# TYPE \"a b\" gauge\n{\"a b\"} 1\n# EOF\n", "a 1\r\n# EOF\n",
    "a{x=\"\\t\"} 1\n# EOF\n",
    "# HELP a\na 1\n# EOF\n", "# TYPE a gauge \na 1\n# EOF\n", "#TYPE a gauge\na 1\n# EOF\n",
    "# TYPE a stateset\na{a=\"b\"} 2\n# EOF\n",
    "a 1\nb 2\nc three\n# EOF\n", "# EOF \n", "# eof\n",
  ].map { Exposition($0, Response.openMetrics) }

  private static let contentTypes: [Exposition] = [
    nil, "", "text/html", "text/plain", "TEXT/PLAIN", "text/plain; version=9.9.9", "text/plain;q=1;charset=latin1",
    "text/plain; ;",
    "application/json", "application/openmetrics-text", "application/openmetrics-text; version=0.0.1", "nonsense",
    "text/",
    "text/plain; version", "application/vnd.google.protobuf", "text / plain", "*/*", "text/plain; a=b; a=c",
    "text/plain, text/html",
    "application/vnd.google.protobuf; proto=other; encoding=text",
  ].map { Exposition("typed 1\n# EOF\n", $0) }

  private static let protobuf: [Exposition] = [
    // Lengths: none, of nothing, of more than there is, malformed ones.
    [], [0], [1], [0xff, 0xff], [5, 10, 1, 97], [3, 10, 1, 97],
    [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2],
    // A gauge; twice; without a name; with an empty label; with a label that is no UTF-8; a metric without a value.
    gauge, gauge + gauge, delimited([24, 1, 34, 11] + one), delimited(named + [34, 17, 10, 4, 10, 0, 18, 0] + one),
    delimited(named + [34, 19, 10, 6, 10, 1, 98, 18, 1, 0xff] + one), delimited(named + [34, 0]),
    // A family without metrics, and one with a type that there is not.
    delimited(named), delimited([10, 1, 97, 24, 9, 34, 11] + one), gauge + [7],
  ].map { Exposition(bytes: $0, Response.protobufFormat) }

  private static let named: [UInt8] = [10, 1, 97, 24, 1]
  private static let one: [UInt8] = [18, 9, 9, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]
  private static let gauge = delimited(named + [34, 11] + one)

  private static func delimited(_ message: [UInt8]) -> [UInt8] { [UInt8(message.count)] + message }
}
