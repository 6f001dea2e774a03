import Format
import Testing

/// A tree in one line: lists in brackets, sections in braces, scalars as they are, quoted ones with quotes.
func flat(_ node: YAMLNode) -> String {
  switch node.content {
  case .scalar(let scalar): scalar.isPlain ? scalar.text : "'\(scalar.text)'"
  case .sequence(let nodes): "[" + nodes.map { flat($0) }.joined(separator: " ") + "]"
  case .mapping(let entries): "{" + entries.map { "\($0.key)=\(flat($0.value))" }.joined(separator: " ") + "}"
  }
}

@Suite("YAML documents")
struct YAMLDocumentTests {
  @Test(
    "a document becomes the tree it says",
    arguments: [
      ("", ""), ("# nothing", ""), ("---\n", ""), ("---\na: 1\n...\n", "{a=1}"),
      ("a: 1\nb: [x, 'y', \"z\"]\n", "{a=1 b=[x 'y' 'z']}"),
      ("a:\n- b: 1\n  c: 2\n- d\n", "{a=[{b=1 c=2} d]}"),
      ("a:\n  b:\n    c:\n", "{a={b={c=}}}"),
      ("a: |\n  one\n  two\n", "{a='one\ntwo\n'}"),
      ("a: !!str 5\nb: ! 6\nc: !!int '7'\n", "{a='5' b='6' c=7}"),
      ("\u{feff}a: 1\r\nb: 2\r\n", "{a=1 b=2}"),
      ("a: &x [1, 2]\nb: *x\n", "{a=[1 2] b=[1 2]}"),
      ("a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n", "{a={p=1 q=2} b={q=3 p=1}}"),
      ("a: &x {p: 1}\nb: &y {p: 2, r: 4}\nc: {<<: [*x, *y]}\n", "{a={p=1} b={p=2 r=4} c={p=1 r=4}}"),
      ("'<<': 1\n", "{<<=1}"),
      ("a: &x 1\nb: &x 2\nc: *x\n", "{a=1 b=2 c=2}"),
    ])
  func tree(text: String, expected: String) throws {
    #expect(flat(try YAMLDocument.parse(text).root) == expected)
  }

  @Test("each node knows its line and column")
  func positions() throws {
    let root = try YAMLDocument.parse("a: 1\nbß: {x: [p,\n   q]}\n").root
    guard case .mapping(let entries) = root.content else {
      Issue.record("no section")
      return
    }
    #expect(entries.map { $0.keyPosition.description } == ["1:1", "2:1"])
    #expect(entries[0].value.position.description == "1:4")
    #expect(entries[1].value.position.description == "2:5")
    let list = try #require(entries[1].value["x"])
    guard case .sequence(let nodes) = list.content else {
      Issue.record("no list")
      return
    }
    #expect(nodes.map { $0.position.description } == ["2:10", "3:4"])
  }

  @Test("an alias keeps the place of its anchor")
  func aliasPosition() throws {
    let root = try YAMLDocument.parse("a: &x {p: 1}\nb: *x\n").root
    #expect(root["b"]?["p"]?.position == YAMLPosition(line: 1, column: 11))
  }

  @Test(
    "what cannot be read is refused with its place",
    arguments: [
      ("a: 1\na: 2\n", "2:1: the key \"a\" is already given at 1:1"),
      ("x: {k: 1, k: 2}\n", "1:11: the key \"k\" is already given at 1:5"),
      ("a: *b\n", "1:4: the alias *b has no anchor before it"),
      ("a: &a [*a]\n", "1:8: the alias *a has no anchor before it"),
      ("? [a]\n: b\n", "1:3: a list cannot be a key"),
      ("a: 1\n<<: 5\n", "2:5: only sections can be merged, not a single value"),
      ("a: !!binary aGk=\n", "1:4: the tag tag:yaml.org,2002:binary is not known"),
      ("a: [1, 2\nb: 3\n", "2:2: did not find expected ',' or ']' while parsing a flow sequence"),
      ("a: 1\n b: 2\n", "2:3: mapping values are not allowed in this context"),
      ("a:\n\tb: 1\n", "2:1: found character that cannot start any token while scanning for the next token"),
      ("a: \"x\n", "2:1: found unexpected end of stream while scanning a quoted scalar"),
    ])
  func refusals(text: String, message: String) {
    #expect {
      try YAMLDocument.parse(text)
    } throws: {
      "\($0)" == message
    }
  }

  @Test("bytes that are not UTF-8 are refused with their place")
  func notUTF8() {
    #expect {
      try YAMLDocument.parse([97, 58, 32, 49, 10, 98, 58, 32, 0xff, 10])
    } throws: {
      "\($0)" == "2:4: invalid leading UTF-8 octet"
    }
  }

  @Test("aliases of aliases are counted in full before they take memory")
  func billionLaughs() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      text += "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ") + "]\n"
    }
    #expect {
      try YAMLDocument.parse(text)
    } throws: {
      "\($0)".hasSuffix("more than 2000000 nodes once aliases are expanded")
    }
    var merges = "a0: &a0 {k: 1}\n"
    for level in 1...60 { merges += "a\(level): &a\(level)\n  <<: [*a\(level - 1), *a\(level - 1)]\n" }
    #expect(throws: YAMLError.self) { try YAMLDocument.parse(merges) }
  }

  @Test("depth and size are bounded")
  func bounds() throws {
    let limits = YAMLDocument.Limits(bytesMax: 1000, depthMax: 5, nodesMax: 20)
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(flat(try YAMLDocument.parse(nested(6), limits: limits).root) == nested(6))
    #expect {
      try YAMLDocument.parse(nested(7), limits: limits)
    } throws: {
      "\($0)" == "1:7: more than 5 lists and sections inside each other"
    }
    #expect(throws: YAMLError.self) {
      try YAMLDocument.parse(String(repeating: "- x\n", count: 20), limits: limits)
    }
    #expect(throws: YAMLError.self) { try YAMLDocument.parse(String(repeating: "#", count: 1001), limits: limits) }
    #expect(throws: YAMLError.self) { try YAMLDocument.parse(nested(100_000)) }
    #expect(throws: YAMLError.self) { try YAMLDocument.parse(String(repeating: "- ", count: 100_000)) }
  }

  @Test("only the first document is read, and the second is noticed")
  func documents() throws {
    #expect(try YAMLDocument.parse("a: 1\n---\nb: 2\n").secondDocument == YAMLPosition(line: 2, column: 1))
    #expect(try YAMLDocument.parse("a: 1\n").secondDocument == nil)
    #expect(flat(try YAMLDocument.parse("a: 1\n---\n}{\n").root) == "{a=1}")
  }
}
