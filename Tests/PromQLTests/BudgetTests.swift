import Model
import Synchronization
import Testing

@testable import PromQL

/// Every function, aggregation and operator against what a query may use. The queries come from the tables of the language, so
/// that what is added to it is asked here too.
struct BudgetTests {
  private static let start: Int64 = 1_700_000_000_000
  private static let steps: Int64 = 30

  private static let store: ScriptStore = {
    var store = ScriptStore()
    for index in 0..<12 {
      let pairs = [("instance", "\(index)"), ("job", "\(index % 3)"), ("v", "value-\(index)")]
      for sample in 0..<30 {
        let time = start + Int64(sample) * 15_000
        store.append(ScriptStore.labels("m_total", pairs), time, .float(Double(sample * index)))
        store.append(ScriptStore.labels("target_info", pairs + [("more", "\(index)")]), time, .float(1))
        store.append(
          ScriptStore.labels("b_bucket", [("job", "\(index % 3)"), ("le", "\(index / 3)")]), time,
          .float(Double(sample * (index / 3 + 1))))
        var histogram = Histogram()
        histogram.positiveSpans = [BucketSpan(offset: 0, length: 8)]
        histogram.positiveBuckets = (0..<8).map { Double($0 + sample) }
        histogram.count = histogram.positiveBuckets.reduce(0, +)
        histogram.sum = Double(sample)
        store.append(ScriptStore.labels("h", pairs), time, .histogram(histogram, hasHint: false))
      }
    }
    store.settle()
    return store
  }()

  /// A call of each function, with what it may leave out and without.
  private static func calls() -> [String] {
    FunctionSignature.all.flatMap { function -> [String] in
      let strings: [String]
      switch function.name {
      case "label_replace": strings = ["d", "$1-$1", "v", "(.*)"]
      case "label_join": strings = ["d", "-", "v"]
      case "histogram_quantiles": strings = ["q"]
      default: strings = ["v"]
      }
      var left = strings[...]
      let all = function.arguments.enumerated().map { place, kind -> String in
        switch kind {
        case .scalar: "0.\(place + 4)"
        case .string: "\"\(left.popFirst() ?? "v")\""
        case .matrix: function.name.contains("histogram") ? "h[5m]" : "m_total[5m]"
        case .vector:
          function.name == "info" && place == 1
            ? "{more=~\".+\"}" : function.name.contains("histogram") ? "{__name__=~\"h|b_bucket\"}" : "m_total"
        }
      }
      let text = { (arguments: ArraySlice<String>) in "\(function.name)(\(arguments.joined(separator: ", ")))" }
      if function.variadic == .fixed { return [text(all[...])] }
      return [text(all[...]), text(all.dropLast())]
    }
  }

  private static func others() -> [String] {
    var queries = BinaryOperator.allCases.flatMap { op -> [String] in
      if op == .trimUpper || op == .trimLower { return ["h \(op.rawValue) 3"] }
      let joined = ["m_total \(op.rawValue) m_total", "h \(op.rawValue) on (job, v) m_total"]
      if op.isSetOperator { return joined }
      return joined + [
        "m_total \(op.rawValue) 2",
        "1 \(op.rawValue == "==" ? "== bool" : op.isComparison ? op.rawValue + " bool" : op.rawValue) 2",
        "m_total \(op.rawValue) on (job, v) group_left (more) target_info",
        "m_total \(op.rawValue) fill (1) target_info", "h \(op.rawValue) h",
      ]
    }
    for op in AggregationOperator.allCases {
      let parameter = op == .countValues ? "\"x\", " : op.hasParameter ? "0.5, " : ""
      queries += ["m_total", "h"].map { "\(op.rawValue) by (v) (\(parameter)\($0))" }
      if op == .topk || op == .bottomk || op == .limitk { queries.append("\(op.rawValue)(3, m_total)") }
    }
    return queries + [
      "-m_total", "-h", "(m_total)", "m_total", "m_total offset 1m", "m_total @ end()", "1",
      "max_over_time(m_total[5m:1s])",
      "sum_over_time(h[5m:30s])", "rate(m_total[5m] anchored)", "m_total smoothed", "rate(h[5m])", "sum(rate(h[5m]))",
      "avg_over_time(h[5m])", "histogram_quantile(0.9, rate(b_bucket[5m]))", "m_total + m_total + (m_total + m_total)",
    ]
  }

  private static let engine: Engine = {
    var options = EngineOptions()
    options.parser = .all
    options.usesStartTimestamps = true
    return Engine(options: options)
  }()

  private static func run(_ query: String, _ limits: QueryLimits) -> Result<QueryResult, QueryError> {
    Result { () throws(QueryError) in
      try engine.range(
        query, start: start, end: start + (steps - 1) * 10_000, step: 10_000, limits: limits, over: store)
    }
  }

  /// Queries that have an answer; those that have none are refused for what they are.
  private static let answered: [String] = (calls() + others()).filter {
    if case .success = run($0, QueryLimits()) { true } else { false }
  }

  @Test("the tables of the language are asked whole: each function has a query with an answer")
  func coverage() {
    let names = FunctionSignature.all.map(\.name)
    let missing = names.filter { name in !Self.answered.contains { $0.hasPrefix(name + "(") } }
    #expect(
      missing == [],
      "\(missing.map { name in Self.calls().filter { $0.hasPrefix(name + "(") }.map { "\($0): \(Self.run($0, QueryLimits()))" } })"
    )
    #expect(Self.answered.count > names.count + 100)
  }

  @Test("what a query takes is what it needs: with as much it has the same answer, with a byte less it is refused")
  func bytes() throws {
    for query in Self.answered {
      let whole = try Self.run(query, QueryLimits()).get()
      let peak = whole.statistics.bytesPeak
      // Steps of eight bytes at least, whatever it is.
      #expect(peak > Int(Self.steps) * 8, "\(query)")
      var limits = QueryLimits()
      limits.bytesMaximum = peak
      #expect("\(try Self.run(query, limits).get().value)" == "\(whole.value)", "\(query)")
      for maximum in [0, 1, peak / 2, peak - 1] {
        limits.bytesMaximum = maximum
        let refused = Self.run(query, limits)
        // What a query can do without it does without, where there is little room.
        if case .success(let answer) = refused, answer.statistics.bytesPeak <= maximum { continue }
        guard case .failure(let error) = refused else {
          Issue.record("\(query) with \(maximum) of \(peak) bytes has an answer")
          continue
        }
        #expect(error == .tooManyBytes(maximum: maximum), "\(query) with \(maximum) of \(peak) bytes")
      }
    }
  }

  @Test("a query that should stop does so at once, before it begins or wherever it is")
  func stops() {
    for query in Self.answered {
      let counted = Counter()
      var limits = QueryLimits()
      limits.stopReason = { counted.reason(from: .max) }
      _ = Self.run(query, limits)
      let looks = counted.value
      #expect(looks > 0, "\(query)")
      for from in Set([1, 2, looks / 2, looks]) where from >= 1 && from <= looks {
        let counter = Counter()
        limits.stopReason = { counter.reason(from: from) }
        guard case .failure(.timeout) = Self.run(query, limits) else {
          Issue.record("\(query) goes on after look \(from) of \(looks)")
          continue
        }
        #expect(counter.value <= from + 2, "\(query)")
      }
    }
  }

  @Test("work on one series, or none, looks at the clock too")
  func longWork() {
    let queries = [
      "sum_over_time(m_total{v=\"value-1\"}[1h:10ms])", "max_over_time(sum(vector(1))[10m:10ms])",
      "max_over_time((vector(1) * on () vector(2))[10m:10ms])", "max_over_time(topk(1, vector(1))[10m:10ms])",
      "max_over_time(quantile(0.5, vector(1))[10m:10ms])", "max_over_time(absent(vector(1) > 2)[10m:10ms])",
      "max_over_time(label_replace(vector(1), \"a\", \"b\", \"\", \".*\")[10m:10ms])",
      "max_over_time((vector(1) and vector(1))[10m:10ms])", "max_over_time(abs(vector(1))[10m:10ms])",
      "max_over_time(count_values(\"a\", vector(1))[10m:10ms])",
      "max_over_time(histogram_quantile(0.5, label_replace(vector(1), \"le\", \"+Inf\", \"\", \".*\"))[10m:10ms])",
    ]
    for query in queries {
      let counter = Counter()
      var limits = QueryLimits()
      limits.stopReason = { counter.reason(from: .max) }
      guard case .success = Self.run(query, limits) else {
        Issue.record("\(query) has no answer")
        continue
      }
      // 60,000 steps or more.
      #expect(counter.value >= 3, "\(query): \(counter.value)")
    }
  }

  private final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    var value: Int { count.load(ordering: .relaxed) }

    func reason(from first: Int) -> StopReason? {
      count.wrappingAdd(1, ordering: .relaxed).newValue >= first ? .timeout : nil
    }
  }

  @Test("numbers of steps that nobody can count are refused, not added up")
  func overflow() {
    let far = Engine.timeMaximum
    for query in [
      "max_over_time(m_total[292y:1ms])", "max_over_time(vector(1)[1m:1ms])", "sum_over_time(time()[1m:1ms])",
    ] {
      let result = Result { () throws(QueryError) in
        try Self.engine.range(query, start: -far, end: far, step: far / 1000, over: Self.store)
      }
      guard case .failure = result else {
        Issue.record("\(query) has an answer")
        continue
      }
    }
  }

  @Test("parts that are kept for a second use go where there is no room for them")
  func shared() throws {
    let query = "sum(rate(m_total[5m])) / count(rate(m_total[5m])) + sum(rate(m_total[5m]))"
    let whole = try Self.run(query, QueryLimits()).get()
    var limits = QueryLimits()
    limits.bytesMaximum = 12_000
    let small = try Self.run(query, limits).get()
    #expect(whole.statistics.bytesPeak > 12_000 && small.statistics.bytesPeak <= 12_000)
    #expect("\(small.value)" == "\(whole.value)")
  }
}
