import Model
import TestKit
import Testing

@Suite struct UnquotedTextTests {
  private func bytes(_ text: String) -> [UInt8]? { UnquotedText.bytes(Array(text.utf8)[...]) }

  @Test("what was quoted is read back to the byte, be it text or none") func roundTrip() {
    var random = RandomSource(for: "quoted texts")
    for _ in 0..<2000 {
      let count = Int.random(in: 0...12, using: &random)
      let raw = (0..<count).map { _ -> UInt8 in
        Bool.random(using: &random)
          ? UInt8.random(in: 0...255, using: &random) : "\"\\'`\nab\u{7f}".utf8.randomElement(using: &random) ?? 0
      }
      #expect(bytes(QuotedText.double(raw[...])) == raw, "seed \(random.seed)")
    }
  }

  @Test("escapes are Go's, those of the other quote are none, and what is malformed is nothing") func escapes() {
    #expect(
      bytes(#""\a\b\f\n\r\t\v\\\"\x41\101\u00e9\U0001F600""#) == [7, 8, 12, 10, 13, 9, 11] + Array("\\\"AAé😀".utf8))
    #expect(bytes(#"'\'"'"#) == Array("'\"".utf8))
    #expect(bytes("`a\\n\r`") == Array("a\\n".utf8))
    for text in [
      "", "\"", "\"a", "a", "'a\"", #""\""#, #""\'""#, #"'\"'"#, #""\q""#, #""\x4""#, #""\400""#, #""\ud800""#,
      #""\U00110000""#, "\"a\nb\"", #""a"b""#,
    ] {
      #expect(bytes(text) == nil, "\(text)")
    }
    #expect(UnquotedText.character(Array(#"'\n'"#.utf8)[...])?.value == 10)
    #expect(UnquotedText.character(Array("'ab'".utf8)[...])?.isLonger == true)
  }
}
