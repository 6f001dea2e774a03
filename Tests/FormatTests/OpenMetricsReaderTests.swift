import Model
import TestKit
import Testing

@testable import Format

@Suite struct OpenMetricsReaderTests {
  private func read(_ text: String) throws -> [OpenMetricsReader.Sample] { try read(Array(text.utf8)) }

  private func read(_ bytes: [UInt8]) throws -> [OpenMetricsReader.Sample] {
    // On the heap, with exactly these bytes, so that a read behind them is found.
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { buffer.deallocate() }
    buffer.copyBytes(from: bytes)
    var reader = OpenMetricsReader(LentBytes(UnsafeRawBufferPointer(buffer)))
    var samples: [OpenMetricsReader.Sample] = []
    while let sample = try reader.next() { samples.append(sample) }
    return samples
  }

  private func sample(_ labels: [(String, String)], _ value: Double, _ time: Int64?) -> OpenMetricsReader.Sample {
    OpenMetricsReader.Sample(
      labels: Labels(labels.map { (name: $0.0, value: $0.1) }), value: value, milliseconds: time)
  }

  @Test("samples are read with names, labels, values and times; the rest is passed over")
  func reading() throws {
    let text = """
      # HELP up Whether it is.
      # TYPE up gauge
      up 1
      up{job="a"} 0 1700000000
      up{job="a",} 0.5 1700000000.123
      up { job = "a" , x="b" }  +Inf  1.7e9
      {"dotted.name", job="a"} -1e-3 -1.5

      requests_total{path="a\\\\b\\"c\\nd{}#"} 17 1.001 # {trace="x"} 0.67 1.0
      buckets{le="1"} 17 # {} 0.67
      # EOF
      """
    let expected = [
      sample([("__name__", "up")], 1, nil), sample([("__name__", "up"), ("job", "a")], 0, 1_700_000_000_000),
      sample([("__name__", "up"), ("job", "a")], 0.5, 1_700_000_000_123),
      sample([("__name__", "up"), ("job", "a"), ("x", "b")], .infinity, 1_700_000_000_000),
      sample([("__name__", "dotted.name"), ("job", "a")], -0.001, -1500),
      sample([("__name__", "requests_total"), ("path", "a\\b\"c\nd{}#")], 17, 1001),
      sample([("__name__", "buckets"), ("le", "1")], 17, nil),
    ]
    let samples = try read(text)
    #expect(samples == expected)
    #expect(try read("a NaN 1").first?.value.bitPattern == 0x7ff8_0000_0000_0001)
  }

  @Test("what is wrong is told with its line")
  func errors() {
    let cases: [(text: String, problem: String)] = [
      ("up", "\"\" is no number"), ("up x", "\"x\" is no number"), ("up 1 y", "\"y\" is no time in seconds"),
      ("up 1 2 3", "\"3\" is unexpected behind the time"), ("up 1 nan", "\"nan\" is no time in seconds"),
      ("up{a=\"b\" 1", "a comma or a closing brace is missing"), ("up{a=\"b", "a string without an end"),
      ("up{a=b} 1", "a label without a quoted value"), ("up{a} 1", "a label without a value"),
      ("up{", "a label set without an end"), ("{a=\"b\"} 1", "a sample without a name"), (" 1", "\"\" is no number"),
      ("# EOF\nup 1", "there is more behind # EOF"),
    ]
    for (text, problem) in cases {
      let line = text.contains("\n") ? 3 : 2
      #expect(throws: OpenMetricsError(line: line, problem: problem), "\(text)") { try read("ok 1\n" + text) }
    }
  }

  @Test("no mutation of a text is more than an error, and no prefix is read beyond its end")
  func mutations() {
    var random = RandomSource(for: "OpenMetrics text")
    let text = Array("up{job=\"a\\n\",x=\"é\"} 1.5e3 1700000000.5 # {t=\"u\"} 1\n{\"a.b\"} NaN\n# EOF\n".utf8)
    var errorCount = 0
    func attempt(_ bytes: [UInt8]) {
      do { _ = try read(bytes) } catch { errorCount += 1 }
    }
    for length in 0...text.count { attempt(Array(text[..<length])) }
    for _ in 0..<4000 {
      var bytes = text
      for _ in 0...random.below(3) {
        let place = random.below(bytes.count)
        if random.below(3) == 0 { bytes.remove(at: place) } else { bytes[place] = UInt8(random.below(256)) }
      }
      attempt(bytes)
    }
    #expect(errorCount > 100)
  }
}
