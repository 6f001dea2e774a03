@testable import PromQL

/// Makes queries whose types are right, over the series of `RandomSeries`. Only what a released Prometheus 3 knows too.
struct RandomQuery {
  private var numbers: SeededNumbers

  init(seed: UInt64) { numbers = SeededNumbers(seed) }

  mutating func query() -> String { vector(Int.random(in: 0...3, using: &numbers)) }

  private mutating func pick(_ all: [String]) -> String { all.randomElement(using: &numbers) ?? "" }
  private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &numbers) < percent }

  private mutating func selector() -> String {
    var text = pick(["requests_total", "temperature", "latency_bucket", "latency_count", "up", "sparse"])
    if chance(40) {
      let matchers = [
        "job=\"api\"", "job!=\"db\"", "job=~\"a.*|web\"", "instance=~\"[0-2]\"", "instance!~\"1|3\"", "job=~\".+\"",
        "missing=\"\"", "instance=\"0\"", "job=~\"\"",
      ]
      text += "{" + (chance(20) ? pick(matchers) + "," + pick(matchers) : pick(matchers)) + "}"
    }
    return text
  }

  private mutating func shift() -> String {
    if chance(85) { return "" }
    let all = [" offset 1m", " offset -2m", " offset 10m", " @ 1700003000", " @ 1700001234.567 offset 30s"]
    return pick(all)
  }

  private mutating func duration() -> String { pick(["30s", "1m", "90s", "5m", "10m", "1h"]) }

  private mutating func matrix(_ depth: Int) -> String {
    if depth > 0, chance(25) {
      return "(\(vector(depth - 1)))[\(duration()):\(pick(["", "15s", "1m", "37s"]))]\(shift())"
    }
    return "\(selector())[\(duration())]\(shift())"
  }

  private mutating func scalar(_ depth: Int) -> String {
    if depth > 0, chance(20) { return "scalar(\(vector(depth - 1)))" }
    return pick(["0", "1", "2", "0.5", "-1.5", "1e3", "3", "10", "NaN", "Inf", "time()", "pi()", "(2 * 3)"])
  }

  private mutating func labels() -> String {
    pick(["job", "instance", "job, instance", "", "le", "job, le", "missing", "__name__", "zone"])
  }

  private mutating func vector(_ depth: Int) -> String {
    if depth == 0 { return selector() + shift() }
    switch Int.random(in: 0..<16, using: &numbers) {
    case 0: return selector() + shift()
    case 1: return "-(\(vector(depth - 1)))"
    case 2, 3, 4:
      let simple = [
        "rate", "increase", "delta", "irate", "idelta", "changes", "resets", "deriv", "sum_over_time", "avg_over_time",
        "min_over_time", "max_over_time", "count_over_time", "last_over_time", "present_over_time", "stddev_over_time",
        "stdvar_over_time", "absent_over_time",
      ]
      // 3.5 takes NaN for the least number where later versions answer NaN.
      if chance(5) { return "mad_over_time(\(pick(["requests_total", "latency_count"]))[\(duration())])" }
      if chance(15) { return "quantile_over_time(\(scalar(0)), \(matrix(depth)))" }
      if chance(10) { return "predict_linear(\(matrix(depth)), \(scalar(0)))" }
      return "\(pick(simple))(\(matrix(depth)))"
    case 5:
      let functions = [
        "abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "sgn", "sin", "atan", "deg", "minute", "hour",
        "day_of_month", "day_of_week", "day_of_year", "month", "year", "days_in_month", "timestamp", "absent", "sort",
        "sort_desc",
      ]
      return "\(pick(functions))(\(vector(depth - 1)))"
    case 6, 7, 8:
      let op = pick(["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"])
      return "\(op) \(pick(["by", "without"])) (\(labels())) (\(vector(depth - 1)))"
    case 9:
      let grouping = "\(pick(["by", "without"])) (\(labels()))"
      if chance(30) { return "quantile \(grouping) (\(scalar(0)), \(vector(depth - 1)))" }
      if chance(30) { return "count_values \(grouping) (\"v\", round(\(vector(depth - 1)), 50))" }
      // Of equal values the first one stays, and only these come in a certain order there.
      let ranked = chance(50) ? selector() + shift() : "increase(\(selector())[\(duration())])"
      return "\(pick(["topk", "bottomk"])) \(grouping) (\(pick(["1", "2", "3", "100"])), \(ranked))"
    case 10: return withScalar(depth)
    case 11, 12: return matching(depth)
    case 13:
      let on = chance(50) ? " \(pick(["on", "ignoring"])) (\(labels()))" : ""
      return "(\(vector(depth - 1))) \(pick(["and", "or", "unless"]))\(on) (\(vector(depth - 1)))"
    case 14:
      if chance(40) {
        return "histogram_quantile(\(scalar(0)), \(pick(["rate", "increase"]))(latency_bucket[\(duration())]))"
      }
      if chance(30) {
        // Inside the first bucket 3.5 does not interpolate but says NaN, so the first one (0.1) has to be there.
        let bounds = ["0.1", "0.3", "0.5", "1", "2.5", "10", "Inf", "NaN"]
        return "histogram_fraction(\(pick(bounds)), \(pick(bounds)), last_over_time(latency_bucket[1h]))"
      }
      if chance(50) { return "label_replace(\(vector(depth - 1)), \"new\", \"x-$1\", \"job\", \"(a|w).*\")" }
      return "label_join(\(vector(depth - 1)), \"both\", \"/\", \"job\", \"instance\")"
    default:
      if chance(30) { return "vector(\(scalar(depth)))" }
      if chance(50) { return "clamp(\(vector(depth - 1)), \(scalar(0)), \(scalar(0)))" }
      return "round(\(vector(depth - 1)), \(pick(["1", "5", "0.1"])))"
    }
  }

  private mutating func withScalar(_ depth: Int) -> String {
    let op = pick(["+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<", ">=", "<=", "> bool", "== bool"])
    let one = "(\(vector(depth - 1)))"
    let two = scalar(depth - 1)
    return chance(50) ? "\(one) \(op) \(two)" : "\(two) \(op) \(one)"
  }

  private mutating func matching(_ depth: Int) -> String {
    let op = pick(["+", "-", "*", "/", "%", ">", "<=", "==", "!= bool", "> bool"])
    switch Int.random(in: 0..<4, using: &numbers) {
    case 0:
      let same = vector(depth - 1)
      return "(\(same)) \(op) (\(same))"
    case 1:
      return "sum by (job) (\(vector(depth - 1))) \(op) on (job) sum by (job) (\(vector(depth - 1)))"
    case 2:
      return "(\(selector())) \(op) on (job) group_left (zone) sum by (job, zone) (\(vector(depth - 1)))"
    default: return "(\(vector(depth - 1))) \(op) ignoring (\(labels())) (\(vector(depth - 1)))"
    }
  }
}

/// Series with the habits of real ones: counters that begin anew, gaps, noise, values that are no numbers.
struct RandomSeries {
  struct Series {
    var name: String
    var labels: [(name: String, value: String)]
    var samples: [(time: Int64, value: Double)]
  }

  /// The first sample's time, in milliseconds.
  static let start: Int64 = 1_700_000_000_000
  static let samplesPerSeries = 400

  var all: [Series] = []

  init(seed: UInt64) {
    var numbers = SeededNumbers(seed)
    for job in ["api", "web", "db"] {
      for instance in 0..<4 {
        let labels = [("job", job), ("instance", "\(instance)")]
        all.append(Self.series("requests_total", labels, &numbers, Self.counter))
        all.append(Self.series("temperature", labels, &numbers, Self.gauge))
        all.append(Self.series("up", labels + [("zone", job == "db" ? "b" : "a")], &numbers) { _, _ in 1 })
        if instance < 2 {
          all.append(Self.series("sparse", labels, &numbers, gaps: 70, Self.gauge))
          for bound in ["0.1", "0.5", "1", "5", "+Inf"] {
            all.append(Self.series("latency_bucket", labels + [("le", bound)], &numbers, Self.counter))
          }
          all.append(Self.series("latency_count", labels, &numbers, Self.counter))
        }
      }
    }
  }

  private static func counter(_ previous: Double, _ numbers: inout SeededNumbers) -> Double {
    if Int.random(in: 0..<60, using: &numbers) == 0 { return Double(Int.random(in: 0..<5, using: &numbers)) }
    return previous + Double(Int.random(in: 0..<20, using: &numbers))
  }

  private static func gauge(_ previous: Double, _ numbers: inout SeededNumbers) -> Double {
    switch Int.random(in: 0..<200, using: &numbers) {
    case 0: .nan
    case 1: .infinity
    default: Double.random(in: -100...100, using: &numbers)
    }
  }

  private static func series(
    _ name: String, _ labels: [(String, String)], _ numbers: inout SeededNumbers, gaps: Int = 3,
    _ next: (Double, inout SeededNumbers) -> Double
  ) -> Series {
    var series = Series(name: name, labels: labels.map { ($0.0, $0.1) }, samples: [])
    var value = 0.0
    let phase = Int64.random(in: 0..<15_000, using: &numbers)
    var silent = 0
    for index in 0..<samplesPerSeries {
      value = next(value.isFinite ? value : 0, &numbers)
      if Int.random(in: 0..<150, using: &numbers) == 0 { silent = 30 }
      silent -= 1
      if silent > 0 || Int.random(in: 0..<100, using: &numbers) < gaps { continue }
      let jitter = Int64.random(in: 0..<500, using: &numbers)
      series.samples.append((start + phase + Int64(index) * 15_000 + jitter, value))
    }
    return series
  }

  func store() -> ScriptStore {
    var store = ScriptStore()
    for series in all {
      let labels = ScriptStore.labels(series.name, series.labels)
      for sample in series.samples { store.append(labels, sample.time, .float(sample.value)) }
    }
    store.settle()
    return store
  }
}
