import Model
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
}
