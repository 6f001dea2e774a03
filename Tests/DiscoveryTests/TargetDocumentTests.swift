import Format
import Model
import TestKit
import Testing

@testable import Discovery

@Suite("Lists of targets")
struct TargetDocumentTests {
  private func json(_ text: String) throws(DiscoveryError) -> [TargetGroup] {
    try TargetDocument.read(Array(text.utf8), .json)
  }

  private func yaml(_ text: String) throws(DiscoveryError) -> [TargetGroup] {
    try TargetDocument.read(Array(text.utf8), .yaml)
  }

  @Test("what says nothing is no group")
  func empty() throws {
    #expect(try json("[]") == [] && json("null") == [])
    #expect(try yaml("") == [] && yaml("[]") == [] && yaml("# c\n") == [])
    #expect(try json("[{}]") == [TargetGroup(source: "0", targets: [])])
    #expect(try json("[{\"targets\":null,\"labels\":null}]") == [TargetGroup(source: "0", targets: [])])
  }

  @Test("both forms give the same groups")
  func same() throws {
    let expected = [
      fixed("a:1", "b", labels: [("x", "1"), ("y-z", "t")]), fixed("c:2", source: "1"),
    ]
    #expect(
      try json(
        "[{\"targets\":[\"a:1\",\"b\"],\"labels\":{\"x\":\"1\",\"y-z\":\"t\",\"e\":\"\"}},{\"Targets\":[\"c:2\"]}]")
        == expected)
    #expect(try yaml("- targets: ['a:1', b]\n  labels: {x: 1, y-z: t, e: }\n- targets: ['c:2']\n") == expected)
  }

  @Test(
    "what is no list of groups is refused as a whole",
    arguments: [
      ("", "unexpected end of JSON input"),
      ("[{\"targets\":[\"a", "the text is no JSON document, or one of more than 2000000 values"),
      ("{}", "the JSON document is no list of groups"), ("[null]", "nil target group item found"),
      ("[1]", "target group 0 is no object with targets and labels"),
      ("[{\"x\":1}]", "json: unknown field \"x\""),
      ("[{\"targets\":\"a\"}]", "the targets of target group 0 are no list"),
      ("[{\"targets\":[1]}]", "a target of target group 0 is no string"),
      ("[{},{\"labels\":{\"a\":1}}]", "a label of target group 1 is no string"),
      ("[{\"labels\":[]}]", "the labels of target group 0 are no object"),
      ("[{\"labels\":{\"\":\"a\"}}]", "\"\" is not a valid label name"),
    ])
  func refusedJSON(text: String, message: String) {
    #expect(throws: DiscoveryError(message)) { try json(text) }
  }

  @Test(
    "the same for YAML, with places",
    arguments: [
      ("a: 1\n", "yaml: 1:1: a section where a list of groups is needed"), ("- ~\n", "nil target group item found"),
      ("- a\n", "yaml: 1:3: a single value where targets and labels are needed"),
      ("- target: [a]\n", "yaml: 1:3: unknown key \"target\" in a target group"),
      ("- targets: a\n", "yaml: 1:12: a single value where a list of targets is needed"),
      ("- targets: [[a]]\n", "yaml: 1:13: a list where a text is needed"),
      ("- labels: {a: {b: c}}\n", "yaml: 1:15: a section where a text is needed"),
      ("- labels: {a: 1, a: 2}\n", "yaml: 1:18: the key \"a\" is already given at 1:12"),
    ])
  func refusedYAML(text: String, message: String) {
    #expect(throws: DiscoveryError(message)) { try yaml(text) }
  }

  @Test("a list of too many values is refused")
  func tooMany() {
    let text = Array("[{\"targets\":[\"a\",\"b\"]}]".utf8)
    #expect(text.lend { JSONDocument($0, valuesMax: 5) } != nil)
    #expect(text.lend { JSONDocument($0, valuesMax: 4) } == nil)
    let long = [UInt8](repeating: UInt8(ascii: " "), count: TargetDocument.bytesMax + 1)
    #expect(throws: DiscoveryError("the list of targets is longer than 33554432 bytes")) {
      try TargetDocument.read(long, .yaml)
    }
  }

  @Test("every truncation of a list is refused or is a list")
  func truncations() {
    let text = Array("[{\"targets\":[\"a:1\"],\"labels\":{\"a\":\"b\"}},{\"targets\":[\"c:2\"]}]".utf8)
    for count in 0..<text.count {
      #expect(throws: DiscoveryError.self) { try TargetDocument.read(Array(text[..<count]), .json) }
    }
  }
}
