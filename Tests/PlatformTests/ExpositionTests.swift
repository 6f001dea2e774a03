import Testing

@testable import Platform

@Suite struct ExpositionTests {
  @Test("numbers look as Prometheus writes them")
  func numbers() {
    let known: [(Double, String)] = [
      (0, "0"), (-0.0, "-0"), (1, "1"), (-1, "-1"), (0.005, "0.005"), (1e6, "1e+06"), (999_999, "999999"),
      (123_456_789, "1.23456789e+08"), (0.0001, "0.0001"), (0.00001, "1e-05"), (1.5e-7, "1.5e-07"), (2.5, "2.5"),
      (1e21, "1e+21"), (1e100, "1e+100"), (.leastNonzeroMagnitude, "5e-324"),
      (1.7976931348623157e308, "1.7976931348623157e+308"),
      (100_000, "100000"), (123_456.789, "123456.789"), (0.1 + 0.2, "0.30000000000000004"), (1e22, "1e+22"),
      (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"), (1_709_032_089.62, "1.70903208962e+09"), (10, "10"),
      (4503599627370495.5, "4.5035996273704955e+15"),
    ]
    for (value, text) in known { #expect(MetricNumberText.text(value) == text) }
  }

  @Test("every number reads back as itself")
  func readsBack() throws {
    var numbers = SeededNumbers(seed: 7)
    for _ in 0..<20_000 {
      let value = Double(bitPattern: numbers.next())
      guard value.isFinite else { continue }
      let text = MetricNumberText.text(value)
      try hold(Double(text)?.bitPattern == value.bitPattern, "\(text)")
      let whole = Double(Int64(truncatingIfNeeded: numbers.next()) >> Int64.random(in: 0..<63, using: &numbers))
      try hold(Double(MetricNumberText.text(whole)) == whole, "\(whole)")
    }
  }

  @Test("any help and any label value give well-formed lines that read back", arguments: [1, 2, 3] as [UInt64])
  func wellFormed(seed: UInt64) throws {
    var numbers = SeededNumbers(seed: seed)
    let alphabet: [Character] = ["a", "\\", "\"", "\n", "{", "}", "=", ",", " ", "é", "😀", "\r", "\u{0}", "#"]
    func text() -> String {
      String((0..<Int.random(in: 0..<12, using: &numbers)).map { _ in alphabet.randomElement(using: &numbers) ?? "a" })
    }
    for _ in 0..<1000 {
      let labelCount = Int.random(in: 0..<4, using: &numbers)
      let samples = (0..<Int.random(in: 0..<3, using: &numbers)).map { _ in
        MetricSample(
          name: "m", labels: (0..<labelCount).map { ("l\($0)", text()) }, value: Double(bitPattern: numbers.next()))
      }
      let family = MetricFamily(name: "m", help: text(), kind: .gauge, samples: samples)
      let bytes = Exposition.bytes(of: [family])
      try hold(bytes.last == UInt8(ascii: "\n"), "seed \(seed)")
      let lines = bytes.dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      try hold(lines.count == samples.count + 2, "seed \(seed)")
      try hold(
        unescaped(lines[0].dropFirst("# HELP m ".count), quoted: false) == Array(family.help.utf8), "seed \(seed)")
      try hold(Array(lines[1]) == Array("# TYPE m gauge".utf8), "seed \(seed)")
      for (line, sample) in zip(lines.dropFirst(2), samples) {
        let parsed = try held(parse(Array(line)), "seed \(seed): \(String(decoding: line, as: UTF8.self))")
        try hold(parsed.name == "m" && parsed.labels.count == sample.labels.count, "seed \(seed)")
        for (found, expected) in zip(parsed.labels, sample.labels) {
          try hold(found.0 == expected.name && found.1 == Array(expected.value.utf8), "seed \(seed)")
        }
        try hold(parsed.value == MetricNumberText.text(sample.value), "seed \(seed)")
      }
    }
  }

  @Test("the process's own values are there and plausible")
  func processMetrics() throws {
    let registry = MetricsRegistry()
    ProcessMetrics.register(in: registry)
    let values = Dictionary(uniqueKeysWithValues: registry.families().map { ($0.name, $0.samples[0].value) })
    #expect(values.count == 6)
    #expect(try #require(values["process_cpu_seconds_total"]) >= 0)
    let resident = try #require(values["process_resident_memory_bytes"])
    #expect(resident > 1_048_576)
    #expect(try #require(values["process_virtual_memory_bytes"]) > resident)
    let open = try #require(values["process_open_fds"])
    let openMax = try #require(values["process_max_fds"])
    #expect(open >= 3 && open <= openMax)
    let start = try #require(values["process_start_time_seconds"])
    let now = Double(SystemClock().nowMilliseconds()) / 1000
    #expect(start <= now + 2 && start > now - 86_400)
  }

  @Test("a process name cannot shift the fields of its stat line")
  func statLine() throws {
    let fields = (3...40).map { $0 == 3 ? "S" : "\($0)" }.joined(separator: " ")
    for name in ["apus", "a b", "a) R 1 2", "(", ")"] {
      let stat = try #require(ProcessStat("77 (\(name)) \(fields)\n"))
      #expect(stat.state == "S" && stat.userTicks == 14 && stat.systemTicks == 15 && stat.startTicks == 22)
      #expect(stat.virtualBytes == 23 && stat.residentPages == 24)
    }
    for text in ["", "1 (a", "1 (a) S 1 2"] { #expect(ProcessStat(text) == nil) }
  }

  private func unescaped(_ bytes: ArraySlice<UInt8>, quoted: Bool) -> [UInt8]? {
    var result: [UInt8] = []
    var rest = bytes
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\") else {
        result.append(byte)
        continue
      }
      switch rest.popFirst() {
      case UInt8(ascii: "\\"): result.append(UInt8(ascii: "\\"))
      case UInt8(ascii: "n"): result.append(UInt8(ascii: "\n"))
      case UInt8(ascii: "\"") where quoted: result.append(UInt8(ascii: "\""))
      default: return nil
      }
    }
    return result
  }

  private func parse(_ line: [UInt8]) -> (name: String, labels: [(String, [UInt8])], value: String)? {
    var rest = line[...]
    var name = ""
    while let byte = rest.first, byte != UInt8(ascii: "{"), byte != UInt8(ascii: " ") {
      name.append(Character(UnicodeScalar(rest.removeFirst())))
      _ = byte
    }
    var labels: [(String, [UInt8])] = []
    if rest.first == UInt8(ascii: "{") {
      repeat {
        rest.removeFirst()
        guard let equals = rest.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        let label = String(decoding: rest[..<equals], as: UTF8.self)
        rest = rest[(equals + 1)...]
        guard rest.popFirst() == UInt8(ascii: "\"") else { return nil }
        var end = rest.startIndex
        while end < rest.endIndex, rest[end] != UInt8(ascii: "\"") { end += rest[end] == UInt8(ascii: "\\") ? 2 : 1 }
        guard end < rest.endIndex, let value = unescaped(rest[..<end], quoted: true) else { return nil }
        labels.append((label, value))
        rest = rest[(end + 1)...]
      } while rest.first == UInt8(ascii: ",")
      guard rest.popFirst() == UInt8(ascii: "}") else { return nil }
    }
    guard rest.popFirst() == UInt8(ascii: " ") else { return nil }
    let value = String(decoding: rest, as: UTF8.self)
    return value.contains(" ") ? nil : (name, labels, value)
  }
}
