import Format
import Model
import PromQL

// What people and their tools write: configuration, patterns, durations, exposition.
extension FuzzTarget {
  static let text = [
    FuzzTarget(name: "yaml", seeds: { texts("a: 1", "x: [1, \"b\", {c: ~}]\n# k\n", "s: &a\n  - |\n    t\nu: *a\n") }) {
      _ = try? YAMLDocument.parse(
        Array($0), limits: YAMLDocument.Limits(bytesMax: 1 << 20, depthMax: 64, nodesMax: 10_000))
    },
    FuzzTarget(name: "json", seeds: { texts("{\"a\":[1,-2.5e3,\"\\u00e9\",true,null]}", "[[[]]]") }) {
      _ = JSONDocument($0)
    },
    FuzzTarget(name: "block-meta", seeds: { texts(FileSeeds.meta) }) { _ = BlockMeta(json: $0) },
    FuzzTarget(
      name: "openmetrics",
      seeds: {
        texts(
          "# TYPE a counter\n# HELP a h\na_total{b=\"c\\n\"} 1.5 1700000000.1 # {t=\"x\"} 1\n# EOF\n", "up 1\n",
          "a NaN\n")
      }
    ) { bytes in
      var reader = OpenMetricsReader(bytes)
      var samples = 0
      while let sample = try? reader.next() {
        samples += 1
        precondition(samples <= bytes.count, "more samples than bytes")
        _ = sample.labels.count
      }
    },
    FuzzTarget(name: "duration", seeds: { texts("1h30m", "5m", "0", "-2w3d", "1y", "9999999999999999999ms") }) {
      bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      guard let milliseconds = DurationText.parse(text) else { return }
      precondition(
        DurationText.parse(DurationText.format(milliseconds)) == milliseconds, "\(text) is not \(milliseconds) ms")
    },
    // A pattern and a text, with a zero between them.
    FuzzTarget(
      name: "regex", seeds: { texts("a.*|b\0abc", "(?i)x[0-9]+\0X12", "(?P<n>a)|^$\0", "foo|bar|baz.+\0barx") }
    ) { bytes in
      let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
      let pattern = String(decoding: parts[0], as: UTF8.self)
      let text = parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : ""
      guard let positive = try? CompiledMatcher(Matcher(.regex, "a", pattern)),
        let negative = try? CompiledMatcher(Matcher(.notRegex, "a", pattern))
      else { return }
      precondition(positive.matches(text) != negative.matches(text), "=~ and !~ agree on \(pattern) and \(text)")
      precondition(positive.matchesEmpty == positive.matches(""), "the verdict on the empty text differs: \(pattern)")
      if let set = positive.literals {
        precondition(
          Array(text.utf8).withUnsafeBytes { set.contains($0) } == positive.matches(text), "literals of \(pattern)")
      }
    },
  ]

  static func texts(_ texts: String...) -> [[UInt8]] { texts.map { Array($0.utf8) } }
}
