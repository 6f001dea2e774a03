import Glibc
import Model
import Testing

@testable import PromQL

/// The same samples and the same random queries for this engine and for a real Prometheus 3. `APUS_PEERS` names the folder with
/// its programs (`.../usr/bin`); without it the suite says that it skipped. `APUS_DIFFERENTIAL_QUERIES` sets how many.
struct DifferentialTests {
  private static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  @Test("random queries have the answers of Prometheus")
  func random() throws {
    guard let programs = Self.environment("APUS_PEERS") else {
      print("PromQL differential test skipped: APUS_PEERS is not set")
      return
    }
    let count = Self.environment("APUS_DIFFERENTIAL_QUERIES").flatMap { Int($0) } ?? 3000
    let seed = Self.environment("APUS_SEED").flatMap { UInt64($0) } ?? UInt64.random(in: 0...UInt64.max)
    print("differential seed \(seed), \(count) queries")
    var numbers = SeededNumbers(seed)
    let series = RandomSeries(seed: numbers.next())
    let peer = try PrometheusPeer(programs: programs, series: series)
    defer { peer.stop() }
    let store = series.store()
    var options = EngineOptions()
    options.parser.experimentalFunctions = true
    let engine = Engine(options: options)
    var limits = QueryLimits()
    limits.tellsSamplesPerStep = true
    var queries = RandomQuery(seed: numbers.next())
    var asked: [PrometheusPeer.Question] = []
    for _ in 0..<count {
      let step = Int64.random(in: 7...400, using: &numbers) * 1000
      let start = RandomSeries.start + Int64.random(in: -600...5000, using: &numbers) * 1000
      asked.append(.init(query: queries.query(), start: start, end: start + 5 * step, step: step))
    }
    var equal = 0
    var bothFail = 0
    var unordered = 0
    var older = 0
    let answers = try peer.ask(asked)
    for (index, (question, theirs)) in zip(asked, answers).enumerated() {
      // Parts that stand in a query twice are evaluated once only where steps are not told apart.
      limits.tellsSamplesPerStep = index % 2 == 0
      let ours = Result<QueryResult, QueryError> { () throws(QueryError) in
        try engine.range(
          question.query, start: question.start, end: question.end, step: question.step, limits: limits,
          over: store)
      }
      switch ours {
      case .failure(let error):
        if theirs["status"].string == "error" {
          bothFail += 1
          if theirs["error"].string != error.description, !PrometheusPeer.isOrderDependent(error.description) {
            Issue.record("\(question): refused with \(error), theirs: \(theirs["error"].string ?? "")")
          }
        } else if !PrometheusPeer.isStricterHere(error.description) {
          Issue.record("\(question): fails here with \(error)")
        }
      case .success(let result):
        if PrometheusPeer.isStricterThere(theirs, question.query) {
          bothFail += 1
        } else if let difference = PrometheusPeer.difference(result, theirs, question.query) {
          // Inside the first bucket 3.5 says NaN instead of interpolating, and where series have just begun any bucket may be
          // the first.
          if question.query.contains("histogram_fraction"), difference.hasSuffix("theirs nan") {
            older += 1
            continue
          }
          // There the series of some results come in the order of a map, another one each time. What depends on it is asked
          // again and again, until one of the answers is this one, or it is clear that they differ among themselves.
          let again = try peer.ask([PrometheusPeer.Question](repeating: question, count: 24))
          let differences = again.map { PrometheusPeer.difference(result, $0, question.query) }
          if differences.contains(nil) {
            unordered += 1
          } else if Set(differences).count > 1,
            again.contains(where: { PrometheusPeer.difference(result, $0, question.query, tolerance: 1e-6) == nil })
          {
            unordered += 1
          } else {
            Issue.record("\(question): \(difference)")
          }
        } else {
          equal += 1
          if let difference = PrometheusPeer.statisticsDifference(result.statistics, theirs) {
            Issue.record("\(question): \(difference)")
          }
        }
      }
    }
    print(
      "differential: \(equal) equal, \(unordered) once, \(older) by a later rule, \(bothFail) refused by both, "
        + "of \(count)")
    #expect(equal > count / 2)
  }
}

/// A Prometheus on a folder of blocks made from the series.
final class PrometheusPeer {
  struct Question: CustomStringConvertible {
    var query: String
    var start: Int64
    var end: Int64
    var step: Int64
    var description: String { "\(query) [\(start)...\(end) step \(step)]" }
  }

  private let folder: String
  private let port: Int
  private var process: pid_t = 0

  init(programs: String, series: RandomSeries) throws {
    var template = Array("/tmp/apus-differential-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw ScriptError("mkdtemp") }
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    port = Int.random(in: 20_000..<40_000)
    try Self.write(folder + "/samples.om", Self.openMetrics(series))
    try Self.write(folder + "/prometheus.yml", "global: {}\n")
    let data = folder + "/data"
    let made = Self.run("\(programs)/promtool tsdb create-blocks-from openmetrics \(folder)/samples.om \(data) 2>&1")
    let flags = [
      "--config.file=\(folder)/prometheus.yml", "--storage.tsdb.path=\(data)", "--storage.tsdb.retention.time=100y",
      "--web.listen-address=127.0.0.1:\(port)",
      "--enable-feature=promql-experimental-functions,promql-per-step-stats",
    ]
    let command = "\(programs)/prometheus \(flags.joined(separator: " ")) >\(folder)/log 2>&1 & echo $!"
    process = pid_t(Self.run(command).trimmed().filter(\.isNumber)) ?? 0
    for _ in 0..<200 {
      if Self.run("curl -s -m 1 http://127.0.0.1:\(port)/-/ready").contains("Ready") { return }
      usleep(100_000)
    }
    stop()
    throw ScriptError("no answer from Prometheus; promtool said: \(made.prefix(300))")
  }

  func stop() {
    if process > 0 { kill(process, SIGTERM) }
    _ = Self.run("rm -rf \(folder)")
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

  private static func write(_ path: String, _ text: String) throws {
    guard let file = fopen(path, "w") else { throw ScriptError("cannot write \(path)") }
    defer { fclose(file) }
    fputs(text, file)
  }

  private static func run(_ command: String) -> String {
    guard let pipe = popen(command, "r") else { return "" }
    defer { pclose(pipe) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while fgets(&buffer, Int32(buffer.count), pipe) != nil || false {
      bytes.append(contentsOf: buffer.prefix { $0 != 0 })
      if command.hasSuffix("echo $!") { break }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// All answers, asked over one connection.
  func ask(_ questions: [Question]) throws -> [SmallJSON] {
    var config = ""
    func quoted(_ text: String) -> String { QuotedText.double(text) }
    for (index, question) in questions.enumerated() {
      if index > 0 { config += "next\n" }
      config += "url = \"http://127.0.0.1:\(port)/api/v1/query_range\"\nsilent\n"
      config += "data-urlencode = \(quoted("query=" + question.query))\n"
      config +=
        "data = \"stats=all&start=\(question.start / 1000)&end=\(question.end / 1000)&step=\(question.step / 1000)\"\n"
      config += "output = \"\(folder)/answer-\(index)\"\n"
    }
    try Self.write(folder + "/questions", config)
    _ = Self.run("curl -K \(folder)/questions 2>&1")
    return try questions.indices.map { try SmallJSON(Array(Self.run("cat \(folder)/answer-\($0)").utf8)) }
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
    // Nor can labels be compared that are made of their results.
    if !isExact, query.range("count_values") != nil { return nil }
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
