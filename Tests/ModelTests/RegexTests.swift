import TestKit
import Testing

@testable import Model

private func reason(_ pattern: String) -> String {
  do throws(RegexError) {
    _ = try RegexMatcher(pattern)
    return ""
  } catch {
    return error.description
  }
}

@Suite struct RegexTests {
  @Test("what Prometheus's matchers say to patterns of every kind")
  func verdicts() throws {
    let cases: [(pattern: String, yes: [String], no: [String])] = [
      ("", [""], ["a", "\n"]),
      ("foo", ["foo"], ["", "fo", "fooo", "xfoo", "FOO"]),
      ("foo|bar", ["foo", "bar"], ["foobar", "", "fooo", "foo|bar"]),
      ("foo|", ["foo", ""], ["fo", "|"]),
      ("|", [""], ["|"]),
      (".*", ["", "a", "a\nb", "é"], []),
      (".+", ["a", "\n", "é"], [""]),
      ("foo.*", ["foo", "foobar", "foo\n"], ["fo", "xfoo"]),
      ("foo.+", ["foobar", "foo\n"], ["foo", "xfoo1"]),
      (".*foo", ["foo", "xfoo"], ["foox"]),
      (".+foo", ["xfoo", "foofoo"], ["foo"]),
      (".*foo.*", ["foo", "xfoox", "x\nfoo"], ["fo"]),
      (".+foo.+", ["xfoox", "foofoox"], ["foox", "xfoo", "foofoo"]),
      ("a.*b.*c", ["abc", "axbxc", "abcbc"], ["ab", "acb", "abcd"]),
      ("a.*?b", ["ab", "axxb"], ["a"]),
      ("^foo$", ["foo"], ["^foo$"]),
      ("(^foo|bar$)", ["foo", "bar"], ["foobar"]),
      ("fo?o", ["fo", "foo"], ["f", "fooo"]),
      ("(foo)?bar", ["bar", "foobar"], ["foofoobar"]),
      ("host-[0-2]", ["host-0", "host-2"], ["host-3", "host-"]),
      ("(?:a|b)(c|d)", ["ac", "bd"], ["ab", "a", "acd"]),
      ("10\\.0\\.0\\.1:9100", ["10.0.0.1:9100"], ["10x0.0.1:9100"]),
      ("(?i)foo", ["foo", "FOO", "fOo"], ["fo"]),
      ("[0-9]+", ["1", "42"], ["", "a"]),
      ("a.c", ["abc", "a\nc", "aéc"], ["ac", "abbc"]),
      ("é.*", ["é", "éa"], ["e", "a"]),
      ("\\d{2,3}", ["12", "123"], ["1", "1234"]),
      ("(?<digits>\\d)(?P<letters>[a-z])", ["1a"], ["a1"]),
      ("\\Q(?<x>[\\E.", ["(?<x>[!"], ["(?<x>["]),
      ("[]a]+", ["]a"], ["b"]),
      ("[^]a]", ["b"], ["]", "a"]),
      ("[[:digit:]]", ["5"], ["d"]),
    ]
    for (pattern, yes, no) in cases {
      let regex = try RegexMatcher(pattern)
      for text in yes { #expect(regex.matches(text), "\(pattern) \(text)") }
      for text in no { #expect(!regex.matches(text), "\(pattern) \(text)") }
    }
  }

  @Test("patterns that people write have a shape, others are left to RE2")
  func shapes() {
    for pattern in [
      "", "a", "a|b", "a.*", "a.+|b", ".*a.*", "(a|b)-(c|d)", "x[0-9]", "(foo)?bar", "10\\.0", "^a$", "^(a|b)$", "é|ü",
      ".*.*", ".*.+", "a/b:c-d_e", "(?:a|)", "((((a))))",
    ] {
      #expect(RegexShape(pattern) != nil, "\(pattern)")
    }
    for pattern in [
      "a*", "a+", "a{2}", ".", "a.b", "\\d", "[^a]", "(?i)a", "(", ")", "[", "a)", "*", ".**", ".+.+", "a^b", "\\",
      "\\q",
      "(?P<n>a)", "[b-a]", "[]", "a??*", "a{", "(?", "^*", "a|*",
    ] {
      #expect(RegexShape(pattern) == nil, "\(pattern)")
    }
    #expect(RegexShape(String(repeating: "(a|b)", count: 10)) != nil)
    #expect(RegexShape(String(repeating: "(a|b)", count: 11)) == nil)
    #expect(RegexShape((0..<5000).map { "h\($0)" }.joined(separator: "|"))?.literals.count == 5000)
    #expect(RegexShape(String(repeating: "|", count: RegexShape.alternativeCountMax)) == nil)
    #expect(RegexShape(String(repeating: "|", count: 1000)) != nil)
    #expect(RegexShape((0..<33).map { "h\($0).*" }.joined(separator: "|")) == nil)
    #expect(RegexShape(String(repeating: "(", count: 40) + "a" + String(repeating: ")", count: 40)) == nil)
  }

  @Test("a shape gives RE2's verdict on random texts, for random patterns of its language and near it")
  func shapeAgreesWithRE2() {
    let seed = RandomSource(for: "shapes of patterns").seed
    var generator = SplitMix(state: seed)
    let parts = [
      "a", "b", "ab", "é", "\\.", "\\-", ".*", ".+", ".*?", "?", "|", "|", "(", ")", "(?:", "^", "$", "[ab]", "[a-c]",
      "x?",
      "\n", "-", ".", "*", "+", "??", "(a|b)", "(|b)", "\\", "[", "]", "{", "}", "{1}", "\\_", "_", "[a.]", "[0-9]",
      " ",
    ]
    let characters = ["a", "b", "é", ".", "-", "\n", "c", "x", "_", "]", "}", " "]
    var shaped = 0
    var verdicts = [0, 0]
    for round in 0..<15_000 {
      var pattern = ""
      var depth = 0
      for _ in 0..<Int.random(in: 0...7, using: &generator) {
        let part = parts.randomElement(using: &generator) ?? ""
        if part == "(" || part == "(?:" { depth += 1 }
        if part == ")" {
          if depth == 0 { continue }
          depth -= 1
        }
        pattern += part
      }
      pattern += String(repeating: ")", count: depth)
      guard let shape = RegexShape(pattern) else { continue }
      shaped += 1
      guard let program = try? RegexProgram(pattern) else {
        Issue.record("RE2 refuses \(pattern), which has a shape; seed \(seed) round \(round)")
        continue
      }
      for _ in 0..<8 {
        // Texts that begin as something the pattern wants, so that both verdicts come up.
        var text = Bool.random(using: &generator) ? pattern.filter { "abé.-\n_ ".contains($0) } : ""
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
          text += characters.randomElement(using: &generator) ?? ""
        }
        let (ours, theirs) = text.withUTF8 {
          (shape.matches(UnsafeRawBufferPointer($0)), program.matches(UnsafeRawBufferPointer($0)))
        }
        verdicts[theirs ? 1 : 0] += 1
        if ours != theirs { Issue.record("\(pattern) on \(text): RE2 says \(theirs); seed \(seed) round \(round)") }
      }
    }
    #expect(shaped > 3000 && verdicts[0] > 3000 && verdicts[1] > 1500, "\(shaped) \(verdicts)")
  }

  @Test("literals, prefix and the great verdicts are read from the pattern")
  func facts() throws {
    func literals(_ pattern: String) throws -> [String]? {
      try RegexMatcher(pattern).literals.map { $0.strings.map { String(decoding: $0, as: UTF8.self) } }
    }
    #expect(try literals("b|a|b|(c|d)e?") == ["a", "b", "c", "ce", "d", "de"])
    #expect(try literals("a|") == ["", "a"])
    #expect(try literals("a.*") == nil)
    #expect(try literals("[0-9]{2}") == nil)
    #expect(try RegexMatcher("abc.*|abd|ab(x|y).+").prefix == Array("ab".utf8))
    #expect(try RegexMatcher("abc|x").prefix.isEmpty && RegexMatcher("a+").prefix.isEmpty)
    #expect(try RegexMatcher(".*").matchesAll && RegexMatcher("a|.*").matchesAll && RegexMatcher(".*.*").matchesAll)
    #expect(try !RegexMatcher(".+").matchesAll && RegexMatcher(".+").matchesAllButEmpty)
    #expect(try !RegexMatcher("a.*").matchesAllButEmpty && !RegexMatcher("a+").matchesAllButEmpty)
  }

  @Test("what is no regular expression is refused in Go's words")
  func errors() {
    #expect(reason("[a") == "error parsing regexp: missing closing ]: `[a`")
    #expect(reason("(a") == "error parsing regexp: missing closing ): `(a`")
    #expect(reason("a)") == "error parsing regexp: unexpected ): `a)`")
    #expect(reason("*") == "error parsing regexp: missing argument to repetition operator: `*`")
    #expect(reason("a**") == "error parsing regexp: invalid nested repetition operator: `**`")
    #expect(reason("a{1001}") == "error parsing regexp: invalid repeat count: `{1001}`")
    #expect(reason("\\") == "error parsing regexp: trailing backslash at end of expression: ``")
    #expect(reason("\\q") == "error parsing regexp: invalid escape sequence: `\\q`")
    #expect(reason("\\C") == "error parsing regexp: invalid escape sequence: `\\C`")
    #expect(reason("[b-a]") == "error parsing regexp: invalid character class range: `b-a`")
    #expect(reason("(?<=a)") == "error parsing regexp: invalid or unsupported Perl syntax: `(?<`")
    #expect(reason("(?P<n") == "error parsing regexp: invalid named capture: `(?P<n`")
    #expect(reason("\\pX") == "error parsing regexp: invalid character class range: `\\pX`")
    #expect(
      reason(String(repeating: "x", count: 2 << 20)).hasPrefix("error parsing regexp: expression too large: `xxx"))
    #expect(reason("((((a{100}){100}){100}){100})") != "")
  }

  @Test("groups come as byte ranges, by number and by name")
  func groups() throws {
    let program = try RegexProgram("(?P<host>[a-z]+)(:(?<port>\\d+))?")
    #expect(program.groupCount == 3)
    #expect(program.group(named: "host") == 1 && program.group(named: "port") == 3 && program.group(named: "x") == nil)
    var text = "node:9100"
    #expect(text.withUTF8 { program.groups(in: UnsafeRawBufferPointer($0)) } == [0..<9, 0..<4, 4..<9, 5..<9])
    var short = "node"
    #expect(short.withUTF8 { program.groups(in: UnsafeRawBufferPointer($0)) } == [0..<4, 0..<4, nil, nil])
    var none = "9100"
    #expect(none.withUTF8 { program.groups(in: UnsafeRawBufferPointer($0)) } == nil)
    let empty = try RegexProgram("(x*)")
    #expect(empty.groups(in: UnsafeRawBufferPointer(start: nil, count: 0)) == [0..<0, 0..<0])
  }

  @Test("random bytes never crash the compiler of patterns, and what compiles matches something or nothing")
  func randomPatterns() {
    let seed = RandomSource(for: "random patterns").seed
    var generator = SplitMix(state: seed)
    let alphabet = Array("ab().*+?|[]{}^$\\:<>P=!-1,QECéx\n".unicodeScalars)
    var compiled = 0
    for _ in 0..<6_000 {
      var pattern = ""
      for _ in 0..<Int.random(in: 0...12, using: &generator) {
        if let scalar = alphabet.randomElement(using: &generator) { pattern.unicodeScalars.append(scalar) }
      }
      guard let regex = try? RegexMatcher(pattern) else {
        #expect(reason(pattern).hasPrefix("error parsing regexp: "), "seed \(seed)")
        #expect(!reason(pattern).contains("unexpected error"), "\(pattern): \(reason(pattern))")
        continue
      }
      compiled += 1
      _ = regex.matches("ab")
    }
    #expect(compiled > 300)
  }
}

@Suite struct CompiledMatcherTests {
  private func compiled(_ kind: MatchKind, _ value: String) throws -> CompiledMatcher {
    try CompiledMatcher(Matcher(kind, "l", value))
  }

  @Test("whether series without the label match follows from the empty value")
  func empty() throws {
    let cases: [(MatchKind, String, Bool)] = [
      (.equal, "", true), (.equal, "a", false), (.notEqual, "", false), (.notEqual, "a", true),
      (.regex, "", true), (.regex, ".*", true), (.regex, ".+", false), (.regex, "a|", true), (.regex, "a", false),
      (.regex, "a*", true), (.notRegex, "", false), (.notRegex, ".*", false), (.notRegex, ".+", true),
      (.notRegex, "a|", false), (.notRegex, "a", true),
    ]
    for (kind, value, wanted) in cases {
      let matcher = try compiled(kind, value)
      #expect(matcher.matchesEmpty == wanted && matcher.matches("") == wanted, "\(kind) \(value)")
      #expect(matcher.matches(Labels([("other", "x")])) == wanted)
    }
    #expect(try Matcher.isSelective([compiled(.regex, ".*"), compiled(.equal, "a")]))
    #expect(try !Matcher.isSelective([compiled(.regex, ".*"), compiled(.notEqual, "a")]) && !Matcher.isSelective([]))
  }

  @Test("verdicts on values, and the facts that a selection uses, agree with each other")
  func facts() throws {
    let values = ["", "a", "b", "ab", "\n"]
    for kind in [.equal, .notEqual, .regex, .notRegex] as [MatchKind] {
      for pattern in ["", "a", "a|b", "a|", ".*", ".+", "a.*", "[ab]+", "a*", "(?s).*"] {
        let matcher = try compiled(kind, pattern)
        let verdicts = values.map { matcher.matches($0) }
        if let literals = matcher.literals {
          let named = literals.strings.map { String(decoding: $0, as: UTF8.self) }
          #expect(verdicts == values.map { named.contains($0) != matcher.isNegated }, "\(kind) \(pattern)")
        }
        #expect((matcher.setMatches != nil) == (matcher.literals != nil && !matcher.isNegated))
        if let all = matcher.verdictOnAllValues {
          #expect(verdicts.dropFirst().allSatisfy { $0 == all }, "\(kind) \(pattern)")
        }
        for (value, verdict) in zip(values, verdicts) where verdict {
          #expect(value.utf8.starts(with: matcher.prefix))
          #expect(matcher.matches(Labels([("l", value)])))
        }
      }
    }
    #expect(try compiled(.notEqual, "").verdictOnAllValues == true)
    #expect(try compiled(.equal, "").verdictOnAllValues == false)
    #expect(try compiled(.regex, ".+").verdictOnAllValues == true)
    #expect(try compiled(.notRegex, ".*").verdictOnAllValues == false)
    #expect(try compiled(.notRegex, "").verdictOnAllValues == true)
    #expect(try compiled(.regex, "a").verdictOnAllValues == nil)
  }
}

extension RegexTests {
  @Test("the first match is found anywhere behind a place, and looks at what is before it")
  func firstMatch() throws {
    func first(_ pattern: String, _ text: String, from start: Int = 0) throws -> [Range<Int>?]? {
      let program = try RegexProgram(pattern)
      return text.lend { program.firstGroups(in: $0, from: start) }
    }
    #expect(try first("b(c)?", "abcb") == [1..<3, 2..<3])
    #expect(try first("b(c)?", "abcb", from: 2) == [3..<4, nil])
    #expect(try first("^a", "aa", from: 1) == nil)
    #expect(try first("\\bb", "ab", from: 1) == nil)
    #expect(try first("x*", "ab", from: 2) == [2..<2])
    #expect(try first("", "") == [0..<0])
    #expect(try first("é+", "aéé") == [1..<5])
  }
}
