import Model
import TestKit

@testable import PromQL

/// A Prometheus on a folder of blocks made from the series.
final class PrometheusPeer {
  struct Question: CustomStringConvertible {
    var query: String
    var start: Int64
    var end: Int64
    var step: Int64
    var description: String { "\(query) [\(start)...\(end) step \(step)]" }
  }

  private let server: ServerProcess
  private let directory: TemporaryDirectory

  init(series: RandomSeries) throws {
    directory = try TemporaryDirectory("apus-differential")
    let samples = try directory.write(Self.openMetrics(series), to: "samples.om")
    let configuration = try directory.write("global: {}\n", to: "prometheus.yml")
    let data = directory.path("data")
    let promtool = try ChildProcess(
      try PeerBinary.promtool.path(), ["tsdb", "create-blocks-from", "openmetrics", samples, data])
    guard promtool.wait(within: .seconds(60)) == .code(0) else {
      promtool.killAndReap()
      throw ScriptError("promtool made no blocks: \(promtool.standardError.complete().suffix(500))")
    }
    server = try ServerProcess.prometheus(
      data: data, configuration: configuration,
      ["--storage.tsdb.retention.time=100y", "--enable-feature=promql-experimental-functions,promql-per-step-stats"])
  }

  private static func openMetrics(_ series: RandomSeries) -> String {
    var text = ""
    for name in Set(series.all.map(\.name)).sorted() {
      for one in series.all where one.name == name {
        let labels = one.labels.map { "\($0.name)=\"\($0.value)\"" }.joined(separator: ",")
        for sample in one.samples {
          let milliseconds = sample.time % 1000
          let padded = String(repeating: "0", count: 3 - "\(milliseconds)".count) + "\(milliseconds)"
          text += "\(name){\(labels)} \(NumberText.decimal(sample.value)) \(sample.time / 1000).\(padded)\n"
        }
      }
    }
    return text + "# EOF\n"
  }

  /// All answers, asked over one connection.
  func ask(_ questions: [Question]) throws -> [SmallJSON] {
    var connection = try HTTPConnection(port: server.port)
    return try questions.map { question in
      let range = "start=\(question.start / 1000)&end=\(question.end / 1000)&step=\(question.step / 1000)"
      let answer = try connection.exchange(
        "POST", "/api/v1/query_range", headers: [("Content-Type", "application/x-www-form-urlencoded")],
        body: Array("stats=all&\(range)&query=\(percentEncoded(question.query))".utf8))
      return try SmallJSON(answer.body)
    }
  }

  /// Whether a query compares numbers whose last bit depends there on the order of a map: the series of a set operation are added
  /// up in another order each time, and a number may not even equal itself.
  static func comparesUnordered(_ query: String) -> Bool {
    var depth = 0
    let outside = String(
      query.filter { character in
        if character == "{" { depth += 1 }
        defer { if character == "}" { depth -= 1 } }
        return depth == 0
      })
    func has(_ words: [String]) -> Bool { words.contains { outside.contains($0) } }
    return has(["==", "!=", ">", "<"]) && has([" unless ", " and ", " or "]) && has(["stddev", "stdvar", "avg", "sum"])
  }

  /// Aggregations whose last bits follow from the order of their series.
  static func sumsInAnyOrder(_ query: String) -> Bool {
    ["stddev", "stdvar", "avg", "sum"].contains { query.contains($0) }
  }

  /// Messages that name one of several series, whichever came first.
  static func isOrderDependent(_ message: String) -> Bool {
    message.contains("found duplicate series") || message.contains("multiple matches")
      || message.contains("vector cannot contain metrics")
  }

  /// Since 3.6 also pairs that a comparison filters out count as matches; older versions take them.
  static func isStricterHere(_ message: String) -> Bool {
    message == "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
  }

  /// Older versions refuse to negate series that only their names tell apart, where their steps do not meet too.
  static func isStricterThere(_ theirs: SmallJSON, _ query: String) -> Bool {
    theirs["error"].string == "vector cannot contain metrics with the same labelset" && query.range("-(") != nil
  }

  /// Whether other samples were looked at.
  static func statisticsDifference(_ ours: QueryStatistics, _ theirs: SmallJSON) -> String? {
    let samples = theirs["data"]["stats"]["samples"]
    let total = samples["totalQueryableSamples"].number ?? -1
    if Double(ours.samplesTotal) != total { return "\(ours.samplesTotal) samples, theirs \(total)" }
    if ours.samplesPerStep.isEmpty { return nil }
    let perStep = samples["totalQueryableSamplesPerStep"].list.map { Int($0.list.last?.number ?? -1) }
    return ours.samplesPerStep == perStep ? nil : "\(ours.samplesPerStep) samples per step, theirs \(perStep)"
  }

  /// Functions whose last bits are those of Go's own mathematics there and of the C library's here.
  private static let transcendental = [
    "exp(", "ln(", "log2(", "log10(", "sin(", "atan(", "atan2", "^",
  ]

  /// What is different; nil where nothing is. Bit for bit, but for functions like the logarithm.
  static func difference(_ ours: QueryResult, _ theirs: SmallJSON, _ query: String) -> String? {
    let isExact = !transcendental.contains { query.range($0) != nil }
    // Nor can labels be compared that are made of their results, or a remainder, which turns on the last bit.
    if !isExact, query.range("count_values") != nil || query.range("%") != nil { return nil }
    return difference(ours, theirs, query, tolerance: isExact ? 0 : 1e-9)
  }

  static func difference(
    _ ours: QueryResult, _ theirs: SmallJSON, _ query: String, tolerance: Double
  ) -> String? {
    if theirs["status"].string != "success" { return "fails there with \(theirs["error"].string ?? "?")" }
    guard case .matrix(let matrix) = ours.value else { return "not a matrix" }
    let list = theirs["data"]["result"].list
    if list.count != matrix.count { return "\(matrix.count) series, theirs \(list.count)" }
    for (one, two) in zip(matrix, list) {
      let labels = Labels(two["metric"].members.map { ($0.key, $0.value.string ?? "") })
      if one.labels != labels { return "series \(one.labels), theirs \(labels)" }
      let points = two["values"].list
      if points.count != one.samples.values.count {
        return "\(labels): \(one.samples.values.count) points, theirs \(points.count)"
      }
      for (index, point) in points.enumerated() {
        let time = Int64(((point.list.first?.number ?? 0) * 1000).rounded())
        if time != one.samples.timestamps[index] { return "\(labels): a point at \(one.samples.timestamps[index])" }
        let text = point.list.last?.string ?? ""
        let value = text == "+Inf" ? .infinity : text == "-Inf" ? -.infinity : Double(text) ?? .nan
        let mine = one.samples.values[index]
        if mine == value || (mine.isNaN && value.isNaN) { continue }
        let error = (mine - value).magnitude / max(mine.magnitude, value.magnitude)
        let isSmall = tolerance > 0 && (mine - value).magnitude <= 1e-12
        if !(error < tolerance || isSmall) {
          return "\(labels) at \(time): \(mine), theirs \(value)"
        }
      }
    }
    return nil
  }
}
