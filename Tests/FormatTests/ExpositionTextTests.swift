import Model
import TestKit
import Testing

@testable import Format

/// The rules of the text format; each was read out of Prometheus's lexer and parser.
@Suite struct ExpositionTextTests {
  private func entries(_ text: String) -> [String] {
    let scanned = ScannedText(text, .text)
    #expect(scanned.error == nil, "\(text)")
    return scanned.entries
  }

  @Test("samples, types, helps and comments are read as they stand")
  func reading() {
    let text = """
      # HELP go_gc A \\"summary\\\\ of\\npauses.
      # TYPE go_gc summary
      go_gc{quantile="0"} 4.9351e-05
      go_gc{quantile="1",} 8.3835e-05
      go_gc_count 99 1700000000123
      # UNIT is a comment here
      #no blank

      \tspaced  {a = "b" , c="d"}   +Inf   5\t
      nocomma{a="b"c="d"} nan
      {"dotted.name",l="v"} 1
      {"é"} -1.5
      windows{path="C:\\\\a\\n\\"\\x",empty=""} .5
      """
    let expected = [
      "HELP go_gc A \\\"summary\\ of\npauses.", "TYPE go_gc summary",
      "go_gc{quantile=\"0\"} {__name__=\"go_gc\",quantile=\"0.0\"} 4.9351e-05",
      "go_gc{quantile=\"1\",} {__name__=\"go_gc\",quantile=\"1.0\"} 8.3835e-05",
      "go_gc_count {__name__=\"go_gc_count\"} 99.0 @1700000000123", "# UNIT is a comment here", "#no blank",
      "\tspaced  {a = \"b\" , c=\"d\"} {__name__=\"\\tspaced\",a=\"b\",c=\"d\"} inf @5",
      "nocomma{a=\"b\"c=\"d\"} {__name__=\"nocomma\",a=\"b\",c=\"d\"} nan(0x1)",
      "{\"dotted.name\",l=\"v\"} {__name__=\"dotted.name\",l=\"v\"} 1.0", "{\"é\"} {__name__=\"é\"} -1.5",
      "windows{path=\"C:\\\\a\\n\\\"\\x\",empty=\"\"} "
        + "{__name__=\"windows\",empty=\"\",path=\"C:\\\\a\\n\\\"\\\\x\"} 0.5",
    ]
    #expect(entries(text) == expected)
  }

  @Test(
    "what the text format refuses, in Prometheus's words",
    arguments: [
      ("a", "expected value after metric, got \"\\n\" (\"INVALID\") while parsing: \"a\\n\""),
      ("a{", "expected label name, got \"\\n\" (\"INVALID\") while parsing: \"a{\\n\""),
      ("a{b='c'} 1", "expected label value, got \"'\" (\"INVALID\") while parsing: \"a{b='\""),
      ("a{b=\"c} 1", "expected label value, got \"\\\"c} 1\\n\" (\"INVALID\") while parsing: \"a{b=\\\"c} 1\\n\""),
      ("a{b} 1", "expected equal, got \"} \" (\"BCLOSE\") while parsing: \"a{b} \""),
      ("a{,b=\"c\"} 1", "expected label name, got \",b\" (\"COMMA\") while parsing: \"a{,b\""),
      (
        "a{b=\"c\",,} 1",
        "expected label name, got \",}\" (\"COMMA\") while parsing: \"a{b=\\\"c\\\",,}\""
      ), ("a{b=\"c\"}", "expected value after metric, got \"\\n\" (\"INVALID\") while parsing: \"a{b=\\\"c\\\"}\\n\""),
      ("a{}{} 1", "expected value after metric, got \"{}\" (\"BOPEN\") while parsing: \"a{}{}\""),
      ("{b=\"c\"} 1", "metric name not set while parsing: \"{b=\\\"c\\\"} 1\""),
      ("{} 1", "metric name not set while parsing: \"{} 1\""),
      ("{\"a\",\"b\"} 1", "metric name already set while parsing: \"{\\\"a\\\",\\\"b\\\"}\""),
      ("a{\"b\"} 1", "metric name already set while parsing: \"a{\\\"b\\\"}\""),
      ("a x", "strconv.ParseFloat: parsing \"x\": invalid syntax while parsing: \"a x\""),
      ("a 1_000", "unsupported character in float while parsing: \"a 1_000\""),
      ("a 0x1p-3", "unsupported character in float while parsing: \"a 0x1p-3\""),
      ("a 0x1", "strconv.ParseFloat: parsing \"0x1\": invalid syntax while parsing: \"a 0x1\""),
      ("a 1e400", "strconv.ParseFloat: parsing \"1e400\": value out of range while parsing: \"a 1e400\""),
      ("a +nan", "strconv.ParseFloat: parsing \"+nan\": invalid syntax while parsing: \"a +nan\""),
      ("a 1.2.3", "strconv.ParseFloat: parsing \"1.2.3\": invalid syntax while parsing: \"a 1.2.3\""),
      ("a 1\r", "strconv.ParseFloat: parsing \"1\\r\": invalid syntax while parsing: \"a 1\\r\""),
      ("a 1 -5", "expected timestamp or new record, got \"-\" (\"INVALID\") while parsing: \"a 1 -\""),
      ("a 1 5.5", "expected next entry after timestamp, got \".\" (\"INVALID\") while parsing: \"a 1 5.\""),
      ("a 1 5 6", "expected next entry after timestamp, got \"6\\n\" (\"TIMESTAMP\") while parsing: \"a 1 5 6\\n\""),
      (
        "a 1 99999999999999999999",
        "strconv.ParseInt: parsing \"99999999999999999999\": value out of range while parsing: "
          + "\"a 1 99999999999999999999\""
      ), ("a 1 # {t=\"x\"} 1", "expected timestamp or new record, got \"#\" (\"INVALID\") while parsing: \"a 1 #\""),
      ("5a 1", "expected a valid start token, got \"5\" (\"INVALID\") while parsing: \"5\""),
      ("-a 1", "expected a valid start token, got \"-\" (\"INVALID\") while parsing: \"-\""),
      ("# TYPE a unknown", "invalid metric type \"unknown\""), ("# TYPE a Gauge", "invalid metric type \"Gauge\""),
      ("# TYPE a  gauge", "invalid metric type \" gauge\""), ("# TYPE a gauge ", "invalid metric type \"gauge \""),
      ("# TYPE a", "invalid metric type \"\""), ("# TYPE a info", "invalid metric type \"info\""),
      ("# TYPE a gaugehistogram", "invalid metric type \"gaugehistogram\""),
      ("# TYPE 5 gauge", "expected metric name after TYPE, got \"5\" (\"INVALID\") while parsing: \"# TYPE 5\""),
      ("# HELP", nil), ("# TYPE", nil), ("#TYPE a x", nil), ("# EOF", nil), ("", nil), ("\n\n \t\n", nil), ("a 1", nil),
      ("a 1\n\0junk that nobody reads", nil), ("a{b=\"c\"d=\"e\"} 1", nil), ("a{b=\"line\nbreak\"} 1", nil),
    ])
  func refusals(_ line: String, _ problem: String?) {
    // As the second line, and with more behind it, so that it comes by all ways.
    for behind in ["", "\n" + String(repeating: "behind{a=\"b\"} 1\n", count: 9)] {
      let scanned = ScannedText("ok 1\n" + line + behind, .text)
      guard !line.contains("\"c} 1") || behind.isEmpty else { continue }
      #expect(scanned.error == problem.map { ExpositionError(line: 2, problem: $0) }, "\(line)")
      #expect(scanned.entries.first == "ok {__name__=\"ok\"} 1.0")
    }
  }

  @Test("names and values that are no UTF-8")
  func encoding() {
    let value = ScannedText(Array("a{b=\"".utf8) + [0xff] + Array("\"} 1".utf8), .text)
    #expect(value.error?.problem == "invalid UTF-8 label value: \"\\\"\\xff\\\"\"")
    let help = ScannedText(Array("# HELP a ".utf8) + [0xc3, 0x28] + Array("\n".utf8), .text)
    #expect(help.error?.problem == "help text \"\\xc3(\" is not a valid utf8 string")
    // A quoted label name is looked at by whoever stores the series.
    let name = ScannedText(Array("a{\"".utf8) + [0xff] + Array("\"=\"b\"} 1".utf8), .text)
    #expect(name.error == nil && name.entries.count == 1)
  }

  @Test("numbers are those of Go, bit for bit, by the quick way and by the slow one")
  func numbers() {
    let texts = [
      "0", "-0", "1", "+1", "1.", ".5", "-.5e1", "1e3", "1E+3", "1e-5", "123456789012345678", "9007199254740993",
      "9007199254740992", "0.1", "1.7976931348623157e308", "5e-324", "1e-400", "1e22", "1e23", "123456789e-31",
      "12345678901234567890", "0.000000000000000000000000000001", "1.5139607552e+10", "4.9351e-05", "1675859837.123",
      "2.2250738585072011e-308", "17976931348623157e292", "1234567890123456789e-19", "9007199254740993e-3",
    ]
    var random = RandomSource(for: "numbers in text")
    let drawn = (0..<2000).map { _ in
      let value = Double(bitPattern: random.next())
      return value.isFinite ? "\(value)" : "\(Float(random.unit()))"
    }
    for text in texts + drawn {
      for behind in ["", String(repeating: "x 1\n", count: 40)] {
        let scanned = scannedValues("a \(text)\n" + behind)
        #expect(scanned.first == Double(text)?.bitPattern, "\(text)")
      }
    }
    for (text, bits) in [
      ("NaN", 0x7ff8_0000_0000_0001), ("nan", 0x7ff8_0000_0000_0001), ("+Inf", 0x7ff0_0000_0000_0000),
      ("inf", 0x7ff0_0000_0000_0000), ("-Inf", 0xfff0_0000_0000_0000), ("-infinity", 0xfff0_0000_0000_0000),
    ] as [(String, UInt64)] {
      for behind in ["", String(repeating: "x 1\n", count: 40)] {
        #expect(scannedValues("a \(text)\n" + behind).first == bits)
      }
    }
  }

  private func scannedValues(_ text: String) -> [UInt64] {
    Array(text.utf8).lend { bytes in
      var scanner = ExpositionScanner(bytes, .text)
      var values: [UInt64] = []
      while let entry = try? scanner.next(), entry != .end { values.append(scanner.value.bitPattern) }
      return values
    }
  }

  @Test("behind a bad line the scan goes on with the next one, and tells each by its number")
  func skipping() {
    let text = "a 1\nb x\nc{\n\n# TYPE d nothing\nd 2\ne{f=\"g\nh 3\ni 4\n"
    let scanned = ScannedText(text, .text, skipsLines: true)
    let lines = scanned.entries.map { $0.prefix { $0 != ":" && $0 != "{" } }
    #expect(
      lines == ["a ", "error line 2", "error line 3", "error line 5", "d ", "error line 7", "h ", "i "])
  }

  @Test("labels: doubled names, order, bounds of buckets")
  func labels() {
    var scanner = ExpositionScanner(LentBytes(), .text)
    #expect((try? scanner.next()) == .end)
    #expect((try? scanner.next()) == .end)
    let text = """
      # TYPE h histogram
      h_bucket{z="1",le="5",a="2",a="3"} 1
      h_bucket{le="+Inf"} 1
      h_bucket{le="1e6"} 1
      h_bucket{le="0.00001"} 1
      h_bucket{le="abc"} 1
      # TYPE g gauge
      g{le="5",quantile="1"} 1
      """
    #expect(
      entries(text).filter { !$0.hasPrefix("TYPE") }.map { $0.drop { $0 != " " }.dropFirst() } == [
        "{__name__=\"h_bucket\",a=\"2\",a=\"3\",le=\"5.0\",z=\"1\"} 1.0", "{__name__=\"h_bucket\",le=\"+Inf\"} 1.0",
        "{__name__=\"h_bucket\",le=\"1e+06\"} 1.0", "{__name__=\"h_bucket\",le=\"1e-05\"} 1.0",
        "{__name__=\"h_bucket\",le=\"abc\"} 1.0", "{__name__=\"g\",le=\"5\",quantile=\"1\"} 1.0",
      ])
  }
}
