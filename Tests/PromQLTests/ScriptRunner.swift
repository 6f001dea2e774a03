import Model

@testable import PromQL

/// Runs a script of the promqltest language and says what went wrong, line by line.
struct ScriptRunner {
  private struct Expectations {
    var fails = false
    var failMessage: MessageTest?
    var warnings: [MessageTest] = []
    var infos: [MessageTest] = []
    var noWarnings = false
    var noInfos = false
    var ordered = false
    var string: String?
    var rangeStart: Int64?
    var rangeStep: Int64 = 0
    var series: [ScriptSeries] = []
    var scalar: Double?
  }

  private struct MessageTest {
    var exact: String?
    var regex: RegexProgram?

    func matches(_ text: String) -> Bool {
      if let exact { return exact == text }
      var text = text
      return text.withUTF8 { regex?.matches(UnsafeRawBufferPointer($0)) ?? true }
    }
  }

  private(set) var failures: [String] = []
  private(set) var caseCount = 0
  private let engine: Engine
  private var store = ScriptStore()
  private var lines: [String]
  private var index = 0

  init(_ text: String) {
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let trimmed = String(line).trimmed()
      return trimmed.hasPrefix("#") ? "" : trimmed
    }
    var options = EngineOptions()
    options.parser = .all
    options.delaysNameRemoval = true
    options.usesStartTimestamps = true
    engine = Engine(options: options)
  }

  mutating func run() {
    while index < lines.count {
      let line = lines[index]
      let number = index + 1
      index += 1
      do {
        if line.isEmpty {
          continue
        } else if line == "clear" {
          store = ScriptStore()
        } else if line.hasPrefix("load") {
          try load(line)
        } else if line.hasPrefix("eval") {
          caseCount += 1
          try evaluate(line, number)
        } else {
          throw ScriptError("unknown command \(line)")
        }
      } catch {
        failures.append("line \(number): \(line): \(error)")
      }
    }
  }

  /// The lines of a command, up to an empty one.
  private mutating func body() -> [String] {
    var body: [String] = []
    while index < lines.count, !lines[index].isEmpty {
      body.append(lines[index])
      index += 1
    }
    return body
  }

  private mutating func load(_ line: String) throws {
    let words = line.split { $0 == " " || $0 == "\t" }.map(String.init)
    guard words.count == 2, let step = DurationText.parse(words[1]) else { throw ScriptError("load") }
    var customs = CustomHistograms()
    var starts: [Int64?] = []
    for item in body() {
      if let mark = item.range("@st "), !item[..<mark.lowerBound].contains(" ") {
        starts = try ScriptStarts.offsets(String(item[mark.upperBound...]))
        continue
      }
      let series = try ScriptSeries(item)
      for (place, point) in series.points.enumerated() {
        let time = Int64(place) * step
        if case .gap = point { continue }
        let start = place < starts.count ? starts[place].map { time + $0 } ?? 0 : 0
        store.append(series.labels, time, point, start: start)
        if case .float(let value) = point { customs.add(series.labels, time, value) }
      }
      starts = []
    }
    if words[0] == "load_with_nhcb" { customs.append(to: &store) }
    store.settle()
  }

  // Evaluation.

  private mutating func evaluate(_ line: String, _ number: Int) throws {
    var words = line.split(separator: " ", maxSplits: 4).map(String.init)
    var expectations = Expectations()
    if words[0] == "eval_fail" { expectations.fails = true }
    if words[0] == "eval_ordered" { expectations.ordered = true }
    let isInstant = words[1] == "instant"
    if isInstant {
      guard words[2] == "at", let time = Self.time(words[3]) else { throw ScriptError("eval \(line)") }
      let query = words.count > 4 ? words[4].trimmed() : ""
      try readExpectations(&expectations)
      try instant(query, time, expectations)
      return
    }
    words = line.split(separator: " ", maxSplits: 8).map(String.init)
    guard words.count == 9, let start = Self.time(words[3]), let end = Self.time(words[5]),
      let step = Self.time(words[7])
    else { throw ScriptError("eval \(line)") }
    try readExpectations(&expectations)
    try range(words[8].trimmed(), start, end, step, expectations)
  }

  private static func time(_ text: String) -> Int64? {
    if text.hasPrefix("-") { return DurationText.parse(text.dropFirst()).map { -$0 } }
    return DurationText.parse(text)
  }

  private mutating func readExpectations(_ expectations: inout Expectations) throws {
    for line in body() {
      if line.hasPrefix("expect string") {
        let tree = try Parser.parse(line.dropFirst("expect string".count).description.trimmed())
        expectations.string = tree.stringValue
      } else if line.hasPrefix("expect range vector") {
        let words = line.split(separator: " ").map(String.init)
        expectations.rangeStart = Self.time(words[4])
        expectations.rangeStep = Self.time(words[8]) ?? 0
      } else if line.hasPrefix("expect ") {
        try expectation(line, &expectations)
      } else if let value = try? ScriptSeries.number(line) {
        expectations.scalar = value
      } else {
        expectations.series.append(try ScriptSeries(line))
      }
    }
  }

  private func expectation(_ line: String, _ expectations: inout Expectations) throws {
    let words = line.split(separator: " ", maxSplits: 2).map(String.init)
    var test = MessageTest()
    if words.count == 3 {
      guard let colon = words[2].firstIndex(of: ":") else { throw ScriptError(line) }
      let text = String(words[2][words[2].index(after: colon)...]).trimmed()
      let way = words[2][..<colon]
      if way == "msg" {
        test.exact = text
      } else if way == "regex" {
        test.regex = try RegexProgram(".*(?:" + text + ").*")
      } else {
        throw ScriptError(line)
      }
    }
    switch words[1] {
    case "fail":
      expectations.fails = true
      expectations.failMessage = test
    case "warn": expectations.warnings.append(test)
    case "info": expectations.infos.append(test)
    case "no_warn": expectations.noWarnings = true
    case "no_info": expectations.noInfos = true
    case "ordered": expectations.ordered = true
    default: throw ScriptError(line)
    }
  }

  private func instant(_ query: String, _ time: Int64, _ expectations: Expectations) throws {
    var pinned: [(query: String, time: Int64)] = []
    if !expectations.fails || (try? Parser.parse(query, options: .all)) != nil {
      pinned = PinnedQuery.variants(of: query, at: time)
    }
    for (text, moment) in [(query, time)] + pinned {
      do {
        try instantOnce(text, moment, expectations)
      } catch {
        throw ScriptError(text == query && moment == time ? "\(error)" : "\(error) [as \(text) at \(moment)]")
      }
    }
    if expectations.ordered || expectations.string != nil || expectations.rangeStart != nil { return }
    // These mean something else in a range query.
    let lowered = query.lowercased()
    if ["start()", "end()", "step()", "range()"].contains(where: { lowered.range($0) != nil }) { return }
    do {
      try around(query, time, expectations)
    } catch {
      throw ScriptError("\(error) [as a range]")
    }
  }

  private func instantOnce(_ query: String, _ time: Int64, _ expectations: Expectations) throws {
    let result: QueryResult
    do throws(QueryError) {
      result = try engine.instant(PreparedQuery(query, options: engine.options.parser), at: time, over: store)
    } catch {
      return try failed(error, expectations)
    }
    if expectations.fails { throw ScriptError("did not fail") }
    try annotations(result, expectations)
    switch result.value {
    case .scalar(_, let value):
      let wanted = expectations.scalar
      guard let wanted, Self.same(wanted, value) else { throw ScriptError("got scalar \(value)") }
    case .string(_, let value):
      if value != expectations.string { throw ScriptError("got string \(value)") }
    case .vector(let samples): try vector(samples, expectations)
    case .matrix(let series):
      let start = expectations.rangeStart ?? 0
      try matrix(series, start: start, step: expectations.rangeStep, expectations)
    }
  }

  private func failed(_ error: QueryError, _ expectations: Expectations) throws {
    guard expectations.fails else { throw error }
    if let test = expectations.failMessage, !test.matches(error.description) {
      throw ScriptError("failed with: \(error.description)")
    }
  }

  private func annotations(_ result: QueryResult, _ expectations: Expectations) throws {
    if expectations.noWarnings, !result.warnings.isEmpty { throw ScriptError("warned: \(result.warnings)") }
    if expectations.noInfos, !result.infos.isEmpty { throw ScriptError("informed: \(result.infos)") }
    for (texts, tests) in [(result.warnings, expectations.warnings), (result.infos, expectations.infos)] {
      for test in tests where !texts.contains(where: test.matches) {
        throw ScriptError("expected annotation \(test.exact ?? "any"), got \(texts)")
      }
      if !tests.isEmpty, let odd = texts.first(where: { text in !tests.contains { $0.matches(text) } }) {
        throw ScriptError("unexpected annotation \(odd)")
      }
    }
  }

  private func vector(_ samples: [VectorSample], _ expectations: Expectations) throws {
    let wanted = expectations.series
    if let scalar = expectations.scalar {
      guard samples.count == 1, samples[0].labels.isEmpty, case .float(let value) = samples[0].value,
        Self.same(scalar, value)
      else { throw ScriptError("got \(Self.describe(samples))") }
      return
    }
    if samples.count != wanted.count { throw ScriptError("got \(samples.count) series: \(Self.describe(samples))") }
    for (place, one) in wanted.enumerated() {
      guard let found = samples.firstIndex(where: { $0.labels == one.labels }) else {
        throw ScriptError("no series \(one.labels), got \(Self.describe(samples))")
      }
      if expectations.ordered, found != place { throw ScriptError("\(one.labels) at \(found), not at \(place)") }
      guard one.points.count == 1 else { throw ScriptError("\(one.points.count) points expected") }
      try Self.check(one.points[0], samples[found].value, one.labels)
    }
  }

  private static func describe(_ samples: [VectorSample]) -> String {
    samples.prefix(8).map { sample in
      switch sample.value {
      case .float(let value): "\(sample.labels) \(value)"
      case .histogram(let value): "\(sample.labels) \(value) \(value.hint)"
      }
    }.joined(separator: "; ")
  }

  private func range(
    _ query: String, _ start: Int64, _ end: Int64, _ step: Int64, _ expectations: Expectations
  ) throws {
    let result: QueryResult
    do throws(QueryError) {
      result = try engine.range(query, start: start, end: end, step: step, over: store)
    } catch {
      return try failed(error, expectations)
    }
    if expectations.fails { throw ScriptError("did not fail") }
    try annotations(result, expectations)
    guard case .matrix(let series) = result.value else { throw ScriptError("not a matrix") }
    try matrix(series, start: start, step: step, expectations)
  }

  private func matrix(_ series: [MatrixSeries], start: Int64, step: Int64, _ expectations: Expectations) throws {
    let names = series.map { "\($0.labels) \($0.samples.values.prefix(8))" }
    if series.count != expectations.series.count { throw ScriptError("got \(series.count) series: \(names)") }
    for wanted in expectations.series {
      guard let found = series.first(where: { $0.labels == wanted.labels }) else {
        throw ScriptError("no series \(wanted.labels), got \(names)")
      }
      var values: [Int64: SampleValue] = [:]
      for (time, value) in zip(found.samples.timestamps, found.samples.values) { values[time] = .float(value) }
      for (time, value) in zip(found.samples.histogramTimestamps, found.samples.histograms) {
        values[time] = .histogram(value)
      }
      for (place, point) in wanted.points.enumerated() {
        let time = start + Int64(place) * step
        let value = values.removeValue(forKey: time)
        if case .gap = point {
          if let value { throw ScriptError("\(wanted.labels) has \(value) at \(time)") }
          continue
        }
        guard let value else {
          throw ScriptError("\(wanted.labels) has nothing at \(time), got \(found.samples.values)")
        }
        try Self.check(point, value, wanted.labels)
      }
      if !values.isEmpty { throw ScriptError("\(wanted.labels) has more points: \(values)") }
    }
  }

  /// The same answer must stand at `time` in a range query around it.
  private func around(_ query: String, _ time: Int64, _ expectations: Expectations) throws {
    let result: QueryResult
    do throws(QueryError) {
      result = try engine.range(query, start: time - 60_000, end: time + 60_000, step: 60_000, over: store)
    } catch {
      if expectations.fails { return }
      if case .invalid(let message) = error, message.hasPrefix("invalid expression type") { return }
      throw error
    }
    // A query may fail only at the time itself.
    if expectations.fails { throw ScriptError("did not fail") }
    guard case .matrix(let series) = result.value else { return }
    var samples: [VectorSample] = []
    for one in series {
      if let place = one.samples.timestamps.firstIndex(of: time) {
        samples.append(VectorSample(labels: one.labels, timestamp: time, value: .float(one.samples.values[place])))
      } else if let place = one.samples.histogramTimestamps.firstIndex(of: time) {
        samples.append(
          VectorSample(labels: one.labels, timestamp: time, value: .histogram(one.samples.histograms[place])))
      }
    }
    try vector(samples, expectations)
  }

  // Comparing.

  private static func check(_ point: ScriptPoint, _ value: SampleValue, _ labels: Labels) throws {
    switch (point, value) {
    case (.float(let wanted), .float(let got)):
      if !same(wanted, got) { throw ScriptError("\(labels) is \(got), not \(wanted)") }
    case (.histogram(let wanted, let hasHint), .histogram(let got)):
      if hasHint, wanted.hint != got.hint { throw ScriptError("\(labels) has hint \(got.hint), not \(wanted.hint)") }
      if !same(wanted, got) { throw ScriptError("\(labels) is \(got), not \(wanted)") }
    default: throw ScriptError("\(labels) is \(value), not \(point)")
    }
  }

  static func same(_ wanted: Double, _ got: Double) -> Bool {
    if StaleMarker.isStale(wanted) || StaleMarker.isStale(got) {
      return StaleMarker.isStale(wanted) && StaleMarker.isStale(got)
    }
    if wanted.isNaN || got.isNaN { return wanted.isNaN && got.isNaN }
    if wanted == got { return true }
    let difference = (wanted - got).magnitude
    let size = wanted.magnitude + got.magnitude
    if wanted == 0 || got == 0 || size < Double.leastNormalMagnitude {
      return difference < 1e-6 * Double.leastNormalMagnitude
    }
    return difference / min(size, Double.greatestFiniteMagnitude) < 1e-6
  }

  private static func same(_ wanted: Histogram, _ got: Histogram) -> Bool {
    var (one, two) = (wanted, got)
    one.compact()
    two.compact()
    let (a, b) = (one.allBuckets, two.allBuckets)
    return one.schema == two.schema && same(one.count, two.count) && same(one.sum, two.sum)
      && same(one.zeroThreshold, two.zeroThreshold) && same(one.zeroCount, two.zeroCount)
      && one.customBounds == two.customBounds && a.count == b.count
      && zip(a, b).allSatisfy { $0.lower == $1.lower && $0.upper == $1.upper && same($0.count, $1.count) }
  }
}

/// Offsets of start timestamps: `_ -1m _x2 -30s-1mx2`.
enum ScriptStarts {
  static func offsets(_ text: String) throws -> [Int64?] {
    var offsets: [Int64?] = []
    for item in text.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init) {
      if item == "_" {
        offsets.append(nil)
        continue
      }
      if item.hasPrefix("_x"), let count = Int(item.dropFirst(2)) {
        offsets += [Int64?](repeating: nil, count: count)
        continue
      }
      var rest = item[...]
      var offset = try duration(&rest)
      var step: Int64 = 0
      if rest.hasPrefix("+") || rest.hasPrefix("-") { step = try duration(&rest) }
      let count = rest.hasPrefix("x") ? Int(rest.dropFirst()) ?? 0 : 0
      for _ in 0...count {
        offsets.append(offset)
        offset += step
      }
    }
    return offsets
  }

  private static func duration(_ rest: inout Substring) throws -> Int64 {
    let isNegative = rest.hasPrefix("-")
    if isNegative || rest.hasPrefix("+") { rest = rest.dropFirst() }
    let digits = rest.prefix { $0.isNumber }
    let unit = rest.dropFirst(digits.count).prefix { $0.isLetter && $0 != "x" }
    guard let value = DurationText.parse(String(digits + unit)) else { throw ScriptError("duration \(rest)") }
    rest = rest.dropFirst(digits.count + unit.count)
    return isNegative ? -value : value
  }
}

/// A query with every selector pinned to a time by `@`: its answer must not depend on when it is asked.
enum PinnedQuery {
  static func variants(of query: String, at time: Int64) -> [(query: String, time: Int64)] {
    guard let tree = try? Parser.parse(query, options: .all) else { return [] }
    let pinned = pin(tree, time).description
    if tree.dependsOnTime { return [(pinned, time)] }
    let others = time == 0 ? [-1000, 0, 1000] : [-10 * time, 0, time / 5, time, 10 * time]
    return others.map { (pinned, $0) }
  }

  private static func pin(_ expression: Expression, _ time: Int64) -> Expression {
    func pinned(_ shift: TimeShift) -> TimeShift {
      var shift = shift
      if shift.at == nil { shift.at = .milliseconds(time) }
      return shift
    }
    switch expression {
    case .number, .string: return expression
    case .selector(var node):
      node.shift = pinned(node.shift)
      return .selector(node)
    case .matrix(var node):
      node.selector.shift = pinned(node.selector.shift)
      return .matrix(node)
    case .subquery(var node):
      node.shift = pinned(node.shift)
      return .subquery(node)
    case .call(var node):
      let isInfo = node.function.name == "info"
      node.arguments = node.arguments.enumerated().map { isInfo && $0 == 1 ? $1 : pin($1, time) }
      return .call(node)
    case .aggregation(var node):
      node.expression = pin(node.expression, time)
      node.parameter = node.parameter.map { pin($0, time) }
      return .aggregation(node)
    case .binary(var node):
      node.left = pin(node.left, time)
      node.right = pin(node.right, time)
      return .binary(node)
    case .unary(var node):
      node.expression = pin(node.expression, time)
      return .unary(node)
    case .paren(var node):
      node.expression = pin(node.expression, time)
      return .paren(node)
    }
  }
}

extension Expression {
  private static let timely: Set<String> = [
    "days_in_month", "day_of_month", "day_of_week", "day_of_year", "end", "hour", "minute", "month", "year",
    "predict_linear", "range", "start", "step", "time", "timestamp",
  ]

  /// Whether some function in it looks at the time of evaluation.
  var dependsOnTime: Bool {
    if case .call(let node) = self, Expression.timely.contains(node.function.name) { return true }
    return children.contains(where: \.dependsOnTime)
  }
}
