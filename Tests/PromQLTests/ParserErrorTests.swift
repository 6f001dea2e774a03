import Testing

@testable import PromQL

/// Queries that are none, with the place and the words of the complaint.
private let refusals: [(query: String, complaint: String)] = [
  ("", "unknown position: parse error: no expression found in input"),
  ("# just a comment\n\n", "1:1: parse error: no expression found in input"),
  ("1+", "1:3: parse error: unexpected end of input"),
  (".", "1:1: parse error: unexpected character: '.'"),
  ("2.5.", "1:1: parse error: bad number or duration syntax: \"2.5.\""),
  ("100..4", "1:1: parse error: bad number or duration syntax: \"100..\""),
  ("0deadbeef", "1:1: parse error: bad number or duration syntax: \"0de\""),
  ("1 /", "1:4: parse error: unexpected end of input"),
  ("*1", "1:1: parse error: unexpected <op:*>"),
  ("(1))", "1:5: parse error: unexpected right parenthesis ')'"),
  ("((1)", "1:5: parse error: unclosed left parenthesis"),
  ("1 and 1", "1:1: parse error: set operator \"and\" not allowed in binary scalar expression"),
  ("1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"),
  ("1 !~ 1", "1:3: parse error: unexpected character after '!': '~'"),
  ("1 =~ 1", "1:3: parse error: unexpected character after '=': '~'"),
  (
    "-\"string\"",
    "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got \"string\""
  ),
  (
    "-test[5m]",
    "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got \"range vector\""
  ),
  ("@@", "1:1: parse error: unexpected <op:@>"),
  (
    "1 offset 1d",
    "1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery"
  ),
  ("foo offset 1s offset 2s", "1:1: parse error: offset may not be set multiple times"),
  ("a - on(b) ignoring(c) d", "1:11: parse error: unexpected <ignoring>"),
  ("foo == on(bar) 10", "1:1: parse error: vector matching only allowed between instant vectors"),
  ("foo + group_left(baz) bar", "1:7: parse error: unexpected <group_left>"),
  ("foo and on(bar) group_left(baz) bar", "1:1: parse error: no grouping allowed for \"and\" operation"),
  (
    "a{b=\"c\"} + on(instance) group_left(job,instance) d{e=\"f\"}",
    "1:10: parse error: label \"instance\" must not occur in ON and GROUP clause at once"
  ),
  ("foo + bool bar", "1:5: parse error: bool modifier can only be used on comparison operators"),
  ("foo @ +Inf", "1:1: parse error: timestamp out of bounds for @ modifier: +Inf"),
  ("foo @ NaN", "1:1: parse error: timestamp out of bounds for @ modifier: NaN"),
  ("foo @ 9223372036854775807", "1:1: parse error: timestamp out of bounds for @ modifier: 9223372036854775808.000000"),
  ("{", "1:2: parse error: unexpected end of input inside braces"),
  ("}", "1:1: parse error: unexpected character: '}'"),
  ("some{a=b}", "1:8: parse error: unexpected identifier \"b\" in label matching, expected string"),
  ("some{a:b=\"b\"}", "1:7: parse error: unexpected character inside braces: ':'"),
  ("foo{gibberish}", "1:14: parse error: unexpected \"}\" in label matching, expected label matching operator"),
  ("{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
  ("{x=~\".*\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
  ("{x!~\".+\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
  ("{x!=\"a\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
  ("foo{__name__=\"bar\"}", "1:1: parse error: metric name must not be set twice: \"foo\" or \"bar\""),
  ("foo{__name__= =}", "1:15: parse error: unexpected \"=\" in label matching, expected string"),
  ("foo{,}", "1:5: parse error: unexpected \",\" in label matching, expected identifier or \"}\""),
  ("foo{a=\"b\" lol}", "1:11: parse error: unexpected identifier \"lol\" in label matching, expected \",\" or \"}\""),
  ("foo[5mm]", "1:5: parse error: bad number or duration syntax: \"5mm\""),
  ("foo[5y1hs]", "1:5: parse error: unknown unit \"hs\" in duration \"5y1hs\""),
  ("foo[5m1h]", "1:5: parse error: not a valid duration string: \"5m1h\""),
  ("foo[0m]", "1:5: parse error: duration must be greater than 0"),
  ("foo[-1]", "1:5: parse error: duration must be greater than 0"),
  ("foo[\"5m\"]", "1:5: parse error: unexpected character in duration expression: '\"'"),
  (
    "foo[]",
    "1:5: parse error: unexpected \"]\" in subquery or range selector, expected number, duration, step(), or range()"
  ),
  (
    "m[5m] OFFSET",
    "1:13: parse error: unexpected end of input in offset, expected number, duration, step(), or range()"
  ),
  ("m OFFSET 1m[5m]", "1:12: parse error: no offset modifiers allowed before range"),
  ("m[5m] @", "1:8: parse error: unexpected end of input in @, expected timestamp"),
  ("m @ start() [5m]", "1:13: parse error: no @ modifiers allowed before range"),
  ("(foo + bar)[5m]", "1:12: parse error: ranges only allowed for vector selectors"),
  ("sum by (\"foo)(m{})", "1:9: parse error: unterminated quoted string"),
  ("sum without(==)(m)", "1:13: parse error: unexpected <op:==> in grouping opts, expected label"),
  ("sum without(foo,,)(m)", "1:17: parse error: unexpected \",\" in grouping opts, expected label"),
  ("sum m by (test)", "1:5: parse error: unexpected identifier \"m\""),
  ("sum (m) by test", "1:12: parse error: unexpected identifier \"test\" in grouping opts, expected \"(\""),
  ("sum () by (test)", "1:1: parse error: no arguments for aggregate expression provided"),
  ("sum (m) without (test) by (test)", "1:24: parse error: unexpected <by>"),
  (
    "topk(m)",
    "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1"
  ),
  ("topk(m,)", "1:7: parse error: trailing commas not allowed in function call args"),
  ("topk(m, n)", "1:6: parse error: expected type scalar in aggregation parameter, got instant vector"),
  ("floor()", "1:1: parse error: expected 1 argument(s) in call to \"floor\", got 0"),
  ("floor(1)", "1:7: parse error: expected type instant vector in call to function \"floor\", got scalar"),
  ("hour(a, b, c)", "1:1: parse error: expected at most 1 argument(s) in call to \"hour\", got 3"),
  ("label_join(a)", "1:1: parse error: expected at least 3 argument(s) in call to \"label_join\", got 1"),
  ("nothing()", "1:1: parse error: unknown function with name \"nothing\""),
  ("-=", "1:2: parse error: unexpected \"=\""),
  ("`\\``", "1:4: parse error: unterminated raw string"),
  ("\"\\c\"", "1:1: parse error: unknown escape sequence U+0063 'c'"),
  ("\"\\x.\"", "1:1: parse error: illegal character U+002E '.' in escape sequence"),
  ("a[5d] OFFSET 10s [10m:5s]", "1:1: parse error: subquery is only allowed on instant vector, got matrix instead"),
  (
    "info(rate(a{}[5m]), t{foo=\"bar\"})",
    "1:21: parse error: expected label selectors only, got vector selector instead"
  ),
  ("foo[5s/0d]", "1:7: parse error: division by zero"),
  ("foo[5s%0d]", "1:7: parse error: modulo by zero"),
  ("foo offset 9.5e10", "1:12: parse error: duration out of range"),
  ("sum(", "1:5: parse error: unclosed left parenthesis"),
  ("foo[5s x 5s]", "1:8: parse error: unexpected character: 'x', expected ':'"),
  ("\n\n  foo{a=}", "3:9: parse error: unexpected \"}\" in label matching, expected string"),
  ("foo{a=~\"(\"}", "1:5: parse error: error parsing regexp: missing closing ): `(`"),
  ("sum(foo bar)", "1:9: parse error: unexpected identifier \"bar\" in aggregation"),
  ("a + fill(\"x\") b", "1:10: parse error: unexpected string \"\\\"x\\\"\""),
]

struct ParserErrorTests {
  @Test("what is not in the language is refused with Prometheus's place and words", arguments: refusals)
  func refusal(query: String, complaint: String) {
    let error = #expect(throws: ParseError.self) { try Parser.parse(query, options: .all) }
    #expect(error?.description == complaint)
  }

  @Test("parts behind feature flags are refused while they are off")
  func flags() {
    let refusals = [
      "limitk(1, a)":
        "1:1: parse error: limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
      "mad_over_time(a[5m])": "1:1: parse error: function \"mad_over_time\" is not enabled",
      "a + fill(0) b": "1:1: parse error: binop fill modifiers are experimental and not enabled",
      "rate(a[5m] anchored)": "1:6: parse error: anchored modifier is experimental and not enabled",
    ]
    for (query, complaint) in refusals {
      let error = #expect(throws: ParseError.self) { try Parser.parse(query) }
      #expect(error?.description == complaint)
    }
  }

  @Test("nesting is bounded, however it is made")
  func nesting() {
    let deep = 100_000
    let texts = [
      String(repeating: "(", count: deep), String(repeating: "-", count: deep) + "1",
      String(repeating: "(", count: deep) + "1" + String(repeating: ")", count: deep),
      "1" + String(repeating: "+1", count: deep), "1" + String(repeating: "^1", count: deep),
      "a" + String(repeating: "[1m:]", count: deep), String(repeating: "abs(", count: deep),
      "a[" + String(repeating: "(", count: deep), "a[1" + String(repeating: "+1", count: deep) + "]",
      "a[" + String(repeating: "-", count: deep) + "1]", String(repeating: "1+-", count: deep),
      "a offset " + String(repeating: "-", count: deep) + "1",
    ]
    for text in texts { #expect(throws: ParseError.self) { try Parser.parse(text, options: .all) } }
  }

  @Test("chains inside chains are bounded together")
  func chainsInChains() throws {
    func text(_ chains: Int, _ operators: Int) -> String {
      (0..<chains).reduce("1") { text, _ in "(" + text + ")" + String(repeating: "*1", count: operators) }
    }
    #expect(throws: ParseError.self) { try Parser.parse(text(8, 900)) }
    #expect(throws: ParseError.self) { try Parser.parse("abs(" + text(2, 700) + ")") }
    #expect(throws: ParseError.self) {
      try Parser.parse("-(" + text(1, 1000) + String(repeating: ")*(1", count: 600) + ")")
    }
    _ = try Parser.parse(text(100, 10))
    let nested = Parser.nestingMaximum - 1
    let parens = String(repeating: "(", count: nested) + "1" + String(repeating: ")", count: nested)
    _ = try Parser.parse(parens + String(repeating: "*1", count: Parser.depthMaximum))
  }

  @Test("a tree of the greatest depth is parsed, printed and let go")
  func deepest() throws {
    let count = Parser.depthMaximum
    let chain = "1" + String(repeating: " + 1", count: count)
    #expect(try Parser.parse(chain).description == chain)
    let nested = Parser.nestingMaximum - 1
    let parens = String(repeating: "(", count: nested) + "1" + String(repeating: ")", count: nested)
    #expect(try Parser.parse(parens).description == parens)
  }
}
