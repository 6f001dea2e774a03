import Format
import Model
import TestKit
import Testing

@testable import Discovery

@Suite struct JSONStreamSplitterTests {
  private static let list =
    #" {"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"12","continue":"t\"]}"},"#
    + #" "items" : [ {"a":"}]\\\"{"}, {"b":[1,{"c":null}]} ,{} ], "n": -1.5e3 , "t":true}"#

  private static let listParts: [JSONStreamSplitter.Part] = [
    .member(name: Array("kind".utf8), value: Array(#""PodList""#.utf8)),
    .member(name: Array("apiVersion".utf8), value: Array(#""v1""#.utf8)),
    .member(name: Array("metadata".utf8), value: Array(#"{"resourceVersion":"12","continue":"t\"]}"}"#.utf8)),
    .element(Array(#"{"a":"}]\\\"{"}"#.utf8)), .element(Array(#"{"b":[1,{"c":null}]}"#.utf8)),
    .element(Array("{}".utf8)),
    .member(name: Array("n".utf8), value: Array("-1.5e3".utf8)),
    .member(name: Array("t".utf8), value: Array("true".utf8)),
  ]

  private static func parts(
    _ text: String, _ shape: JSONStreamSplitter.Shape, pieces: Int = .max, valueBytesMax: Int = 1 << 20
  ) throws(JSONStreamDamage) -> (parts: [JSONStreamSplitter.Part], isComplete: Bool) {
    var splitter = JSONStreamSplitter(shape, valueBytesMax: valueBytesMax)
    var parts: [JSONStreamSplitter.Part] = []
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      try splitter.take(rest.prefix(pieces)) {
        parts.append($0)
        return true
      }
      rest = rest.dropFirst(pieces)
    }
    return (parts, splitter.isComplete)
  }

  @Test("a list comes element by element, in pieces of any size", arguments: [1, 2, 3, 7, 64, 10_000])
  func list(pieces: Int) throws {
    let (parts, isComplete) = try Self.parts(Self.list, .members(elementsOf: "items"), pieces: pieces)
    #expect(parts == Self.listParts)
    #expect(isComplete)
  }

  @Test("a list that is cut anywhere is not complete")
  func cutList() throws {
    for count in 0..<Self.list.utf8.count {
      let text = String(decoding: Array(Self.list.utf8)[..<count], as: UTF8.self)
      #expect(try !Self.parts(text, .members(elementsOf: "items")).isComplete, "cut at \(count)")
    }
  }

  @Test("values come one after the other; one that is cut is not complete")
  func values() throws {
    let text = "{\"type\":\"ADDED\"}\n{\"x\":\"\\\\\"}{}\n"
    for pieces in [1, 5, 100] {
      let (parts, isComplete) = try Self.parts(text, .values, pieces: pieces)
      #expect(
        parts == [
          .value(Array(#"{"type":"ADDED"}"#.utf8)), .value(Array(#"{"x":"\\"}"#.utf8)), .value(Array("{}".utf8)),
        ])
      #expect(isComplete)
    }
    let (parts, isComplete) = try Self.parts("{}\n{\"type\":\"ADD", .values)
    #expect(parts == [.value(Array("{}".utf8))] && !isComplete)
  }

  @Test("a value above the limit is left out, and the rest comes")
  func tooLarge() throws {
    let large = "{\"a\":\"" + String(repeating: "x", count: 100) + "\"}"
    let (parts, isComplete) = try Self.parts(
      "{\"items\":[{},\(large),{\"b\":1}]}", .members(elementsOf: "items"), pieces: 9, valueBytesMax: 20)
    #expect(
      parts == [
        .element(Array("{}".utf8)), .tooLarge(bytes: large.utf8.count), .element(Array(#"{"b":1}"#.utf8)),
      ])
    #expect(isComplete)
  }

  @Test(
    "bytes of another shape are damage",
    arguments: [
      "[]", "<html>", "{\"a\" 1}", "{\"items\":[1 2]}", "{\"a\":}", "{\"a\":1,,}", "{} {}", "{\"items\":[,]}",
    ])
  func damage(text: String) {
    #expect(throws: JSONStreamDamage.self) { try Self.parts(text, .members(elementsOf: "items")) }
  }

  @Test("what follows is not read once the reader says so")
  func stop() throws {
    var splitter = JSONStreamSplitter(.values)
    var count = 0
    try splitter.take(Array("{}{}{}".utf8)) { _ in
      count += 1
      return count < 2
    }
    #expect(count == 2)
  }

  @Test("no bytes bring the readers down, and they hold no more than the limit")
  func mutations() {
    var random = RandomSource(for: "bytes of the API server")
    let seeds = [
      Self.list, #"{"type":"ADDED","object":\#(KubernetesShape.pod)}"#,
      #"{"items":[\#(KubernetesShape.pod),\#(KubernetesShape.node)],"metadata":{"resourceVersion":"1"}}"#,
    ].map { Array($0.utf8) }
    for round in 0..<600 {
      var bytes = seeds[round % seeds.count]
      for _ in 0..<(1 + random.below(4)) {
        bytes[random.below(bytes.count)] = UInt8(random.below(256))
      }
      let kind = KubernetesKind.allCases[round % KubernetesKind.allCases.count]
      var reader = KubernetesEventReader(kind, isWatch: round % 2 == 0)
      var rest = bytes[...]
      while !rest.isEmpty, reader.take(rest.prefix(50), { _ in true }) { rest = rest.dropFirst(50) }
    }
  }
}
