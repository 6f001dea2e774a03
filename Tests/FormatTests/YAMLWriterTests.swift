import Format
import Testing

@Suite("YAML printed")
struct YAMLWriterTests {
  @Test("a tree prints in block style and reads back as the same tree")
  func style() throws {
    let text = """
      a: 1
      b:
      - x
      - "2"
      - p: []
        q: {}
      - - deep
        - "yes"
      c:
        d: "# no comment"
        "e: f": plain text

      """
    let root = try YAMLDocument.parse(text).root
    #expect(YAMLWriter.text(root) == text)
  }

  @Test("a plain text over several lines survives")
  func severalLines() throws {
    let root = try YAMLDocument.parse("a: one\n\n  two\n").root
    #expect(root["a"]?.scalar?.text == "one\ntwo")
    #expect(try YAMLDocument.parse(YAMLWriter.text(root)).root["a"]?.scalar?.text == "one\ntwo")
  }

  @Test(
    "any text survives as a value and as a key",
    arguments: [
      "", " ", "a", "a b", "a: b", "a:", ":a", "#a", "a #b", "a#b", "-", "- a", "--- a", "...", "?", "? a", "[a]",
      "{a}",
      "&a", "*a", "!a", "|", ">", "'", "\"", "%a", "@a", "`a", "=", "<<", "~", "null", "true", "No", "1", "1.5", "0x1",
      ".inf", "1_0", "a\nb", "\n", "a\tb", "\r", "\u{0}", "\u{7f}", "\u{85}", "\u{a0}", "\u{2028}", "\u{feff}", "ü",
      "日本", "😀", "\\", "\"\\\"", "(.*)", "$1", "${A}", "<secret>", "a,b", "2026-01-01", "http://x:1/y", "a ", " a",
    ])
  func texts(text: String) throws {
    let scalar = YAMLNode(.scalar(YAMLScalar(text, isPlain: false)))
    let node = YAMLNode(.mapping([YAMLEntry(key: text, value: YAMLNode(.sequence([scalar])))]))
    let printed = YAMLWriter.text(node)
    let root = try YAMLDocument.parse(printed).root
    guard case .mapping(let entries) = root.content, case .sequence(let nodes)? = entries.first?.value.content else {
      Issue.record("\(printed) is no section with a list")
      return
    }
    #expect(entries[0].key == text)
    #expect(nodes.first?.scalar?.text == text)
    #expect(nodes.first?.isNull == false)
    #expect(nodes.first?.scalar?.boolean == nil && nodes.first?.scalar?.float == nil)
  }
}
