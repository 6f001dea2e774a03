import Format
import TestKit
import Testing

@Suite struct JSONBufferTests {
  private func json(_ write: (inout JSONBuffer) -> Void) -> String {
    var buffer = JSONBuffer()
    write(&buffer)
    return String(decoding: buffer.bytes, as: UTF8.self)
  }

  @Test("every character reads back from its literal, alone and between others")
  func everyCharacter() throws {
    for code in UInt32(0)...0x2fff {
      guard let scalar = Unicode.Scalar(code) else { continue }
      for text in ["\(scalar)", "a\(scalar)b", "\(scalar)\(scalar)", "ä\(scalar)\u{2028}"] {
        let literal = json { $0.string(text) }
        let read = try JSONValue(parsing: literal).string
        if read.map({ Array($0.utf8) }) != Array(text.utf8) { Issue.record("U+\(String(code, radix: 16))") }
      }
    }
    for text in ["", "😀", "\u{10ffff}", "日本語", String(repeating: "x\n", count: 5000)] {
      #expect(try JSONValue(parsing: json { $0.string(text) }).string == text)
    }
  }

  @Test("labels have control characters, quotes and backslashes escaped, other texts what is special in pages, too")
  func escapes() {
    let text = "a\"b\\c\n\r\t\u{1}\u{1f}/<>&é\u{2028}"
    #expect(json { $0.string(text) } == #""a\"b\\c\n\r\t\u0001\u001f/<>&é"# + "\u{2028}\"")
    #expect(JSONBuffer.quoted(text) == #""a\"b\\c\n\r\t\u0001\u001f/\u003c\u003e\u0026é\u2028""#)
    #expect(JSONBuffer.quoted("\u{2027}\u{2028}\u{2029}\u{202a}") == "\"\u{2027}\\u2028\\u2029\u{202a}\"")
  }

  @Test("bytes that are no UTF-8 do no harm")
  func anyBytes() {
    var random = RandomSource(for: "JSON strings of any bytes")
    for _ in 0..<2000 {
      // Mostly bytes that begin the escaped line ends.
      let bytes = (0..<random.below(8)).map { _ in
        [0xe2, 0x80, 0xa8, 0xa9, 0x22, 0x5c, 0xff, 0x41][random.below(8)] as UInt8
      }
      var buffer = JSONBuffer()
      bytes.withUnsafeBytes { buffer.string($0) }
      #expect(buffer.bytes.first == 0x22 && buffer.bytes.last == 0x22 && buffer.bytes.count >= bytes.count + 2)
    }
  }

  @Test(
    "times are seconds with three decimals where there are milliseconds",
    arguments: [
      (0, "0"), (1, "0.001"), (10, "0.010"), (100, "0.100"), (999, "0.999"), (1000, "1"), (1500, "1.500"),
      (-1, "-0.001"),
      (-1500, "-1.500"), (1_700_000_000_123, "1700000000.123"), (.max, "9223372036854775.807"),
      (.min, "-9223372036854775.808"),
    ] as [(Int64, String)])
  func timestamps(_ time: Int64, _ expected: String) {
    #expect(json { $0.timestamp(time) } == expected)
  }

  @Test("the values of a series have the text that each has alone")
  func samples() {
    var random = RandomSource(for: "values of a series")
    var values: [Double] = [0, -0.0, 1e12, 6_056_163_894_554, -9_327_752_904_751, 1e15, 1e20, 1e21, 0.1, 1e-7, .nan]
    for power in 0..<70 {
      for offset in [-1, 0, 1, 0.5] { values.append(Double(sign: .plus, exponent: power, significand: 1) + offset) }
    }
    for _ in 0..<20_000 {
      values.append((Double(random.below(1 << 53)) / 1000).rounded() * Double(1 << random.below(12)))
      values.append(Double(bitPattern: UInt64(bitPattern: Int64(random.below(.max))) << 1))
    }
    let times = [Int64](repeating: 0, count: values.count)
    let together = json { buffer in
      times.withUnsafeBufferPointer { times in values.withUnsafeBufferPointer { buffer.samples(times, $0) } }
    }
    let alone = values.map { value in "[0," + json { $0.value(value) } + "]" }.joined(separator: ",")
    #expect(together == "[\(alone)]")
  }

  @Test("values are strings, and pieces come one after the other")
  func pieces() {
    let text = json {
      $0.raw("[")
      $0.value(1.5)
      $0.raw(",")
      $0.value(.nan)
      $0.raw("," as String)
      $0.integer(-7)
      $0.raw("]")
    }
    #expect(text == #"["1.5","NaN",-7]"#)
    var buffer = JSONBuffer()
    buffer.raw("x")
    buffer.removeAll()
    #expect(buffer.bytes.isEmpty)
  }
}
