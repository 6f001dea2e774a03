import Format
import TestKit
import Testing

@Suite("YAML out of broken bytes")
struct YAMLFuzzTests {
  private static let seedText = """
    # comment
    a: &x {k: [1, 'two', "thr\\u00e9e"], l: ~}
    b: *x
    c:
      <<: *x
      m: |
        block
          text
      n: >-
        folded
    - : ? x
    d: !!int "5"
    e: - - [a, {b: c}]
    ---
    more: true

    """

  @Test("no mutation of a document does more than be refused with a place inside it")
  func mutations() {
    var random = RandomSource(for: "YAML mutations")
    let original = Array(YAMLFuzzTests.seedText.utf8)
    let tokens = [
      "&x ", "*x", "- ", ": ", "? ", "[", "]", "{", "}", "\n", "  ", "\t", "'", "\"", "|\n", "<<: ", "#", "---\n",
    ]
    for _ in 0..<4000 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        case 1: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 0...9, using: &random)))
        case 2: bytes.insert(contentsOf: Array((tokens.randomElement(using: &random) ?? "").utf8), at: place)
        case 3: bytes.insert(contentsOf: bytes.suffix(Int.random(in: 0...40, using: &random)), at: place)
        default: if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
        }
      }
      checkOne(bytes)
    }
  }

  @Test("every document cut short is read or refused")
  func cuts() {
    let original = Array(YAMLFuzzTests.seedText.utf8)
    for length in 0...original.count { checkOne(Array(original[..<length])) }
  }

  /// Reads; what was read must print and read back as the same tree.
  private func checkOne(_ bytes: [UInt8]) {
    do throws(YAMLError) {
      let root = try YAMLDocument.parse(bytes).root
      let printed = YAMLWriter.text(root)
      let again = try YAMLDocument.parse(printed).root
      #expect(shape(again) == shape(root), "\(bytes)")
    } catch {
      #expect(error.position.line >= 1 && error.position.line <= bytes.count + 2, "\(bytes)")
      #expect(!error.what.isEmpty)
    }
  }

  /// The tree without the way it was quoted.
  private func shape(_ node: YAMLNode) -> String {
    switch node.content {
    case .scalar(let scalar): scalar.isNull ? "null" : "<\(scalar.text)>"
    case .sequence(let nodes): "[" + nodes.map { shape($0) }.joined(separator: " ") + "]"
    case .mapping(let entries):
      "{" + entries.map { "<\($0.key)>=\(shape($0.value))" }.joined(separator: " ") + "}"
    }
  }
}
