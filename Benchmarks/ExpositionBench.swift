import Format
import Model
import TestKit

/// The reading of what targets expose, on one thread and without a server: nanoseconds a line and bytes a second, of lines
/// that are known (which costs the end of the line, a 128-bit hash of the series' text and the number) and of lines that are
/// new (their labels too).
func runExposition(_ options: BenchOptions) throws {
  let lines = options.series ?? 2000
  var table = [["body", "lines", "bytes", "ns / line, quickest", "ns / line, median", "GB/s, quickest", "hash"]]
  for (name, body, format) in [
    ("text", ExpositionBody.text(lines), ExpositionFormat.text),
    ("OpenMetrics", ExpositionBody.text(lines) + Array("# EOF\n".utf8), .openMetrics),
    ("text without comments", ExpositionBody.withoutComments(ExpositionBody.text(lines)), .text),
  ] {
    for readsLabels in [false, true] {
      let loop = MicroLoop(name: name, item: "line", items: lines) {
        try body.lend { try scan($0, format, readsLabels: readsLabels) }
      }
      let result = try loop.run(rounds: options.rounds)
      table.append([
        name + (readsLabels ? ", all new" : ", all known"), "\(lines)", "\(body.count)",
        FigureTable.number(result.quickest, 1), FigureTable.number(result.median, 1),
        FigureTable.number(Double(body.count) / Double(lines) / result.quickest, 2), String(result.hash, radix: 16),
      ])
    }
  }
  print("exposition: \(lines) series, \(options.rounds) rounds\n")
  print(markdownTable(table, left: [0]))
}

private func scan(
  _ body: LentBytes, _ format: ExpositionFormat, readsLabels: Bool
) throws(ExpositionError) -> UInt64 {
  var scanner = ExpositionScanner(body, format)
  var labels = ExpositionLabels()
  let key = KeyedHash(key: (1, 2))
  var hash: UInt64 = 0
  while true {
    switch try scanner.next() {
    case .series:
      let identity = key.hash128(body.part(scanner.series).raw)
      hash = (hash ^ identity.low ^ identity.high) &* 0xff51_afd7_ed55_8ccd &+ scanner.value.bitPattern
      guard readsLabels else { continue }
      try scanner.readLabels(&labels)
      hash &+= UInt64(labels.count)
    case .end: return hash
    default: continue
    }
  }
}

/// The answer of a node exporter: a third of its lines say what a metric is, the series have one to four labels.
private enum ExpositionBody {
  static func text(_ series: Int) -> [UInt8] {
    var text = ""
    var count = 0
    var family = 0
    var random = RandomSource(seed: 7)
    while count < series {
      let name =
        "node_\(["filesystem_avail", "network_receive", "cpu_seconds", "disk_io_time"][family % 4])_\(family)_total"
      text += "# HELP \(name) Number of \(name) since the machine was started, by device.\n# TYPE \(name) counter\n"
      for device in 0..<min(8, series - count) {
        let value = [
          "\(random.next() % 1000)", "\(Double(random.next() % 1_000_000) / 100)", "\(random.next() % 1_000_000_000)",
          "5.\(random.next() % 10_000_000_000)e+10",
        ][device % 4]
        text +=
          "\(name){device=\"/dev/mapper/vg-\(device)\",fstype=\"ext4\",mountpoint=\"/var/lib/\(family)\"} \(value)\n"
        count += 1
      }
      family += 1
    }
    return Array(text.utf8)
  }

  static func withoutComments(_ body: [UInt8]) -> [UInt8] {
    var lines = body.split(separator: UInt8(ascii: "\n"))
    lines.removeAll { $0.first == UInt8(ascii: "#") }
    return Array(lines.joined(separator: [UInt8(ascii: "\n")])) + [UInt8(ascii: "\n")]
  }
}
