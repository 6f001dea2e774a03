import Model

@testable import PromQL

/// A script told again as the rule tests that promtool runs, so that a real Prometheus gives its verdict on what the
/// script expects. Cases that fail and cases that are texts have no counterpart there and are left out; a range query
/// becomes one question for each of its steps. Between two `clear`s stands one `load` at most.
struct PromtoolScript {
  private struct Case {
    var query: String
    var time: Int64
    var samples: [String] = []

    /// YAML in one line.
    var text: String {
      let samples = samples.joined(separator: ", ")
      return "  - {expr: \(QuotedText.double(query)), eval_time: \(time)ms, exp_samples: [\(samples)]}\n"
    }
  }

  private(set) var text = "fuzzy_compare: true\ntests:\n"
  private(set) var caseCount = 0
  private var lines: [Substring]
  private var step = "1m"
  private var series: [String] = []
  private var cases: [Case] = []

  init(_ script: String) throws {
    lines = script.split(separator: "\n", omittingEmptySubsequences: false).reversed()
    while let line = lines.popLast() {
      if line.hasPrefix("load ") {
        guard series.isEmpty else { throw ScriptError("a second load: \(line)") }
        step = String(line.dropFirst("load ".count))
        series = try body().map(Self.input)
      } else if line.hasPrefix("eval") {
        try evaluation(String(line))
      } else if line == "clear" {
        finishGroup()
      }
    }
    finishGroup()
  }

  private mutating func finishGroup() {
    text += "- interval: \(step)\n  input_series:\(series.isEmpty ? " []" : "")\n" + series.joined()
    text += "  promql_expr_test:\n" + cases.map(\.text).joined()
    caseCount += cases.count
    series = []
    cases = []
  }

  /// The indented lines that follow.
  private mutating func body() -> [String] {
    var body: [String] = []
    while let line = lines.last, line.hasPrefix(" ") {
      body.append(String(line).trimmed())
      lines.removeLast()
    }
    return body
  }

  /// A series and its points, apart.
  private static func split(_ line: String) throws -> (series: String, points: String) {
    let points = try ScriptSeries.labels(line).1
    let series = String(line[..<points.startIndex]).trimmed()
    return (series.isEmpty ? "{}" : series, String(points).trimmed())
  }

  private static func input(_ line: String) throws -> String {
    let (series, points) = try split(line)
    return "  - {series: \(QuotedText.double(series)), values: \(QuotedText.double(points))}\n"
  }

  private mutating func evaluation(_ line: String) throws {
    let expected = body()
    if expected.contains(where: { $0.hasPrefix("expect fail") || $0.hasPrefix("expect string") }) { return }
    let words = line.split(separator: " ", maxSplits: 4).map(String.init)
    func time(_ text: String) throws -> Int64 {
      guard let time = DurationText.parse(text) else { throw ScriptError("no time: \(line)") }
      return time
    }
    var asked: [Case] = []
    if words[1] == "instant" {
      asked = [Case(query: words[4], time: try time(words[3]))]
    } else {
      let words = line.split(separator: " ", maxSplits: 8).map(String.init)
      let times = stride(from: try time(words[3]), through: try time(words[5]), by: Int(try time(words[7])))
      asked = times.map { Case(query: words[8], time: $0) }
    }
    for line in expected where !line.hasPrefix("expect ") {
      if let value = try? ScriptSeries.number(line) {
        asked[0].samples.append("{labels: \"{}\", value: \(Self.number(value))}")
        continue
      }
      let (series, points) = try Self.split(line)
      for (place, point) in try Self.points(points).enumerated() {
        if let point { asked[place].samples.append("{labels: \(QuotedText.double(series)), \(point)}") }
      }
    }
    cases += asked
  }

  /// What stands for each point in an expected sample; nil for a gap.
  private static func points(_ text: String) throws -> [String?] {
    try ScriptSeries.items(text).flatMap { item -> [String?] in
      if item.hasPrefix("{{") { return ["histogram: \(QuotedText.double(item))"] }
      return try ScriptSeries.points(item).map { point in
        if case .float(let value) = point { "value: \(number(value))" } else { nil }
      }
    }
  }

  private static func number(_ value: Double) -> String {
    value.isNaN ? ".nan" : value.isInfinite ? (value > 0 ? ".inf" : "-.inf") : "\(value)"
  }
}
