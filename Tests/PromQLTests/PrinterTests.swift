import Testing

@testable import PromQL

/// Queries and the one form they print in.
private let printed: [(query: String, text: String)] = [
  ("1", "1"), ("+Inf", "+Inf"), ("-0.5e-3", "-0.0005"), ("0x1F", "31"), ("1_000", "1000"), ("010", "8"),
  ("1e21", "1000000000000000000000"), ("1h30m", "1h30m"), ("-5m", "-5m"), (".5", "0.5"),
  ("\"a\\nb\\\"\" ", "\"a\\nb\\\"\""), ("'a\"b'", "\"a\\\"b\""), ("`a\\b`", "\"a\\\\b\""),
  ("foo", "foo"), ("foo{}", "foo"), ("foo{a!=\"d\",b='c'}", "foo{a!=\"d\",b=\"c\"}"),
  ("{\"a b\"=~\"x.*\", \"my.metric\"}", "{\"a b\"=~\"x.*\",__name__=\"my.metric\"}"),
  ("foo[5m] offset 1w", "foo[5m] offset 1w"), ("foo offset -1h30m", "foo offset -1h30m"),
  ("foo @ 1603774568", "foo @ 1603774568.000"), ("foo[5m] @ start()", "foo[5m] @ start()"),
  ("foo offset 1m @ 10.5", "foo @ 10.500 offset 1m"),
  ("sum by (a, `b.c`) (foo)", "sum by (a, \"b.c\") (foo)"), ("sum(foo) without(a)", "sum without (a) (foo)"),
  ("topk(5, foo) by ()", "topk(5, foo)"), ("sum without () (foo)", "sum without () (foo)"),
  ("a + on() b", "a + on () b"), ("a + ignoring() b", "a + b"),
  ("a+ignoring(x)group_left b", "a + ignoring (x) group_left () b"),
  ("a == bool on(x) group_right(y) b", "a == bool on (x) group_right (y) b"),
  ("a + fill(0) b", "a + fill (0) b"), ("a + fill_right(1) fill_left(-2) b", "a + fill_left (-2) fill_right (1) b"),
  ("-a^2", "-a ^ 2"), ("2 ^ -a * 3", "2 ^ -a * 3"), ("(a+b)*c", "(a + b) * c"), ("a atan2 b", "a atan2 b"),
  ("a AND b OR c UNLESS d", "a and b or c unless d"), ("rate(foo[5m:1m])", "rate(foo[5m:1m])"),
  ("foo[1h:] @ end() offset 5m", "foo[1h:] @ end() offset 5m"),
  ("rate(foo[5m] smoothed @ 10)", "rate(foo[5m] smoothed @ 10.000)"), ("foo anchored", "foo anchored"),
  ("foo[5m*(1+2)]", "foo[5m * (1 + 2)]"), ("foo offset (5)", "foo offset (5)"),
  ("foo[min_of(step(), range())]", "foo[min_of(step(), range())]"),
  ("foo offset -(step()+1)", "foo offset -(step() + 1)"),
  ("foo offset 2 ^ 2", "foo offset 2s ^ 2"), ("fill + fill", "fill + fill"), ("sum", "sum"), ("start", "start"),
  ("a </ 3 >/ b", "a </ 3 >/ b"), ("step()", "step()"), ("max_of(1, 2)", "max_of(1, 2)"),
  ("vector(1) # end", "vector(1)"),
  ("time()", "time()"), ("absent(nonexistent{job=\"x\"})", "absent(nonexistent{job=\"x\"})"),
  ("{__name__=\"\",a=\"b\"}", "{__name__=\"\",a=\"b\"}"), ("on_call{on=\"x\"}", "on_call{on=\"x\"}"),
  ("{y=\"\\200e9\"}", "{y=\"\\ufffde9\"}"), ("{y=\"\\ufffd\"}", "{y=\"\\ufffd\"}"),
  ("sum by (on, by, sum) (a)", "sum by (on, by, sum) (a)"), ("a:b:c", "a:b:c"), ("- -1", "1"),
]

struct PrinterTests {
  @Test("a query prints in its one form", arguments: printed)
  func prints(query: String, text: String) throws {
    #expect(try Parser.parse(query, options: .all).description == text)
  }

  @Test("what is printed parses to the same tree", arguments: printed)
  func roundTrip(query: String, text: String) throws {
    let tree = try Parser.parse(query, options: .all)
    let again = try Parser.parse(tree.description, options: .all)
    #expect(TreeJSON.text(of: again) == TreeJSON.text(of: tree))
    #expect(again.description == tree.description)
    let pretty = try Parser.parse(try #require(tree.prettified), options: .all)
    #expect(TreeJSON.text(of: pretty) == TreeJSON.text(of: tree))
  }

  @Test("matchers print sorted")
  func sorted() throws {
    #expect(try Parser.parse("a{d='1',b='2',c='3'}").description == "a{b=\"2\",c=\"3\",d=\"1\"}")
  }

  @Test("a long query is split at its parentheses and operators")
  func pretty() throws {
    let long = String(repeating: "x", count: 80)
    let query = "sum by (job) (rate(\(long){job=\"a\"}[5m])) / (\(long) + 1)"
    let expected = """
        sum by (job) (
          rate(\(long){job="a"}[5m])
        )
      /
        (\(long) + 1)
      """
    #expect(try Parser.parse(query).prettified == expected)
  }

  @Test("a form that would be many times as long as its query is not made")
  func longest() throws {
    let chain = "1" + String(repeating: "*1", count: 1000)
    #expect(try Parser.parse("vector(\(chain))").prettified != nil)
    let many = Array(repeating: "vector(\(chain))", count: 20).joined(separator: " or ")
    #expect(try Parser.parse(many).prettified == nil)
  }

  @Test("the tree as JSON has the members of parse_query")
  func json() throws {
    let text = TreeJSON.text(of: try Parser.parse("-rate(a{b=\"c\"}[5m] offset 1m)"))
    let selector =
      #"{"anchored":false,"matchers":[{"name":"b","type":"=","value":"c"},{"name":"__name__","type":"=","value":"a"}],"#
      + #""name":"a","offset":60000,"offsetExpr":null,"range":300000,"rangeExpr":null,"smoothed":false,"#
      + #""startOrEnd":null,"timestamp":null,"type":"matrixSelector"}"#
    let call =
      #"{"args":["# + selector + #"],"func":{"argTypes":["matrix"],"name":"rate","returnType":"vector","variadic":0},"#
      + #""type":"call"}"#
    #expect(text == #"{"expr":"# + call + #","op":"-","type":"unaryExpr"}"#)
  }
}
