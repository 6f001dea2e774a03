import Testing

@testable import Model

@Suite struct RelabelTests {
  private func rule(_ action: RelabelRule.Action, _ change: (inout RelabelRule) -> Void = { _ in }) -> RelabelRule {
    var rule = RelabelRule()
    rule.action = action
    change(&rule)
    return rule
  }

  private func result(_ labels: [(String, String)], _ rules: [RelabelRule]) throws -> String {
    let labels = Labels(labels.map { (name: $0.0, value: $0.1) })
    guard let result = try Relabelling(rules).apply(to: labels) else { return "dropped" }
    return result.pairs.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
  }

  private let abc = [("a", "foo"), ("b", "bar"), ("c", "baz")]

  @Test("keep and drop ask the joined source labels, an absent one being empty")
  func keepDrop() throws {
    let cases: [(RelabelRule, Bool)] = [
      (RelabelRule(.keep, of: ["a"], regex: "f.*"), true), (RelabelRule(.keep, of: ["a"], regex: "f"), false),
      (RelabelRule(.keep, of: ["a", "b"], regex: "foo;bar"), true), (RelabelRule(.keep, of: ["x"], regex: ""), true),
      (RelabelRule(.keep, of: ["x", "a"], regex: ";foo"), true), (RelabelRule(.keep), true),
      (RelabelRule(.drop, of: ["a"], regex: "f.*"), false), (RelabelRule(.drop, of: ["a"], regex: "f"), true),
      (RelabelRule(.drop), false), (RelabelRule(.drop, of: ["x"], regex: ".+"), true),
      (RelabelRule(.keepequal, of: ["a"], to: "b"), false), (RelabelRule(.keepequal, of: ["a"], to: "a"), true),
      (RelabelRule(.keepequal, of: ["x"], to: "y"), true), (RelabelRule(.dropequal, of: ["a"], to: "b"), true),
      (RelabelRule(.dropequal, of: ["a"], to: "a"), false), (RelabelRule(.dropequal, of: ["x"], to: "y"), false),
      (rule(.keep) { ($0.sourceLabels, $0.separator, $0.regex) = (["a", "b"], "", "foobar") }, true),
      // A dot takes a line end too.
      (rule(.keep) { ($0.sourceLabels, $0.separator, $0.regex) = (["a", "b"], "\n", "foo.bar") }, true),
    ]
    for (rule, isKept) in cases {
      #expect(try result(abc, [rule]) == (isKept ? "a=foo,b=bar,c=baz" : "dropped"), "\(rule)")
    }
  }

  @Test("replace expands groups by number and name, and leaves alone what does not match")
  func replace() throws {
    func replaced(_ regex: String, _ target: String, _ replacement: String, _ sources: [String] = ["a"]) throws
      -> String
    {
      try result(abc, [RelabelRule(.replace, of: sources, regex: regex, to: target, replacement: replacement)])
    }
    #expect(try replaced("f(.*)", "d", "ch${1}-ch${1}") == "a=foo,b=bar,c=baz,d=choo-choo")
    #expect(try replaced("(.*);(.*)", "d", "$2$1", ["a", "b"]) == "a=foo,b=bar,c=baz,d=barfoo")
    #expect(try replaced("b", "a", "x") == "a=foo,b=bar,c=baz")
    #expect(try replaced("foo", "b", "") == "a=foo,c=baz")
    #expect(try replaced("(f).*", "${1}x", "1") == "a=foo,b=bar,c=baz,fx=1")
    // Names are as long as can be; groups that are not there are empty, and so the label goes.
    #expect(try replaced("(f).*", "b", "$1x") == "a=foo,c=baz")
    #expect(try replaced("(f).*", "b", "$2") == "a=foo,c=baz")
    #expect(try replaced("(f).*", "b", "$$1 $ ${ $}") == "a=foo,b=$1 $ ${ $},c=baz")
    #expect(try replaced("(?P<first>f)(?<rest>.*)", "b", "${rest}$first") == "a=foo,b=oof,c=baz")
    #expect(try replaced("(f)|(x).*", "b", "$01") == "a=foo,b=bar,c=baz")
    #expect(try replaced("(x)?foo", "b", "<$1>") == "a=foo,b=<>,c=baz")
    // A target that becomes no name changes nothing.
    #expect(try replaced("(x)?foo", "$1", "v") == "a=foo,b=bar,c=baz")
    #expect(try replaced("(.*)", "d", "const", []) == "a=foo,b=bar,c=baz,d=const")
    #expect(try replaced("(.*)", "ä.b", "é") == "a=foo,b=bar,c=baz,ä.b=é")
  }

  @Test("hashmod takes the last eight bytes of the MD5 digest")
  func hashmod() throws {
    let digests = [
      "": "d41d8cd98f00b204e9800998ecf8427e", "a": "0cc175b9c0f1b6a831c399e269772661",
      "message digest": "f96b697d7cb7938d525a2f31aaf161d0",
      "12345678901234567890123456789012345678901234567890123456789012345678901234567890":
        "57edf4a22be3c955ac49da2e2107b67a",
      String(repeating: "x", count: 55): "04364420e25c512fd958a70738aa8f72",
      String(repeating: "x", count: 56): "668a72d5ba17f08e62dabcafad6db14b",
      String(repeating: "x", count: 64): "c1bb4f81d892b2d57947682aeb252456",
    ]
    for (text, digest) in digests {
      let hex = MD5.digest(Array(text.utf8)).map { byte in
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }.joined()
      #expect(hex == digest, "\(text)")
    }
    let mod = rule(.hashmod) { ($0.sourceLabels, $0.targetLabel, $0.modulus) = (["c"], "d", 1000) }
    // Prometheus's own example of this rule.
    #expect(try result(abc, [mod]) == "a=foo,b=bar,c=baz,d=976")
    let whole = rule(.hashmod) { ($0.sourceLabels, $0.targetLabel, $0.modulus) = (["a"], "d", .max) }
    #expect(try result([("a", "a")], [whole]) == "a=a,d=\(UInt64(0x31c3_99e2_6977_2661))")
  }

  @Test("labelmap copies, labeldrop and labelkeep take out by name")
  func labelActions() throws {
    let labels = [("a", "1"), ("b1", "2"), ("b2", "3"), ("c", "4")]
    #expect(
      try result(labels, [RelabelRule(.labelmap, regex: "b(.)", replacement: "x_$1")])
        == "a=1,b1=2,b2=3,c=4,x_1=2,x_2=3")
    // What is set is not mapped again; of two that lead to one name the later stays.
    #expect(try result(labels, [RelabelRule(.labelmap, regex: "b.|x", replacement: "x")]) == "a=1,b1=2,b2=3,c=4,x=3")
    let first = RelabelRule(.replace, to: "a", replacement: "9")
    #expect(
      try result(labels, [first, RelabelRule(.labelmap, regex: "[ac]", replacement: "x")]) == "a=9,b1=2,b2=3,c=4,x=9")
    #expect(try result(labels, [RelabelRule(.labeldrop, regex: "b.*|c")]) == "a=1")
    #expect(try result(labels, [RelabelRule(.labelkeep, regex: "b.*|c")]) == "b1=2,b2=3,c=4")
    #expect(try result(labels, [RelabelRule(.labeldrop)]) == "")
  }

  @Test("lower and upper case go letter by letter")
  func letterCase() throws {
    let lower = RelabelRule(.lowercase, of: ["a"], to: "l")
    let upper = RelabelRule(.uppercase, of: ["a"], to: "u")
    let cases = [
      ("Foo-1", "foo-1", "FOO-1"), ("Straße Äß", "straße äß", "STRAßE Äß"),
      ("ΑΣ", "ασ", "ΑΣ"), ("İ", "i", "İ"), ("ǆ", "ǆ", "Ǆ"), ("ᾳ", "ᾳ", "ᾼ"), ("ﬁ", "ﬁ", "ﬁ"),
    ]
    for (text, low, high) in cases {
      let found = try result([("a", text)], [lower, upper])
      #expect(Array(found.utf8) == Array("a=\(text),l=\(low),u=\(high)".utf8), "\(found)")
    }
  }

  @Test("rules come one after the other, and a drop ends them")
  func order() throws {
    let set = RelabelRule(.replace, of: ["a"], regex: "f(.*)", to: "a", replacement: "b$1")
    #expect(try result(abc, [set, set]) == "a=boo,b=bar,c=baz")
    #expect(try result(abc, [set, RelabelRule(.drop, of: ["a"], regex: "boo")]) == "dropped")
    #expect(try result(abc, [RelabelRule(.drop, of: ["a"], regex: "boo"), set]) == "a=boo,b=bar,c=baz")
  }

  @Test("names are compared by their bytes, not by what they look like")
  func bytes() throws {
    let labels = [("\u{e9}", "1"), ("e\u{301}", "2")]
    #expect(try result(labels, [RelabelRule(.labeldrop, regex: "\u{e9}")]) == "e\u{301}=2")
    #expect(
      try Relabelling([RelabelRule(.replace, to: "\u{e9}", replacement: "3")])
        .apply(to: Labels([(name: "e\u{301}", value: "2")]))?.count == 2)
  }

  @Test("what Prometheus refuses is refused in its words")
  func violations() {
    let cases: [(RelabelRule, String?)] = [
      (RelabelRule(.replace), "relabel configuration for replace action requires 'target_label' value"),
      (RelabelRule(.hashmod, to: "a"), "relabel configuration for hashmod requires non-zero modulus"),
      (RelabelRule(.labelmap, replacement: ""), "\"\" is invalid 'replacement' for labelmap action"),
      (RelabelRule(.lowercase, to: "a", replacement: "b"), "'replacement' can not be set for lowercase action"),
      (
        RelabelRule(.keepequal, of: ["a"], regex: "b", to: "c"),
        "keepequal action requires only 'source_labels' and `target_label`, and no other fields"
      ),
      (RelabelRule(.labeldrop, of: ["a"]), "labeldrop action requires only 'regex', and no other fields"),
      (RelabelRule(.labelkeep, regex: "a"), nil), (RelabelRule(.replace, to: "a"), nil),
    ]
    for (rule, message) in cases { #expect(rule.violation()?.message == message) }
    #expect(throws: RegexError.self) { try Relabelling([RelabelRule(.keep, regex: "(")]) }
  }
}
