import Format
import Model
import PromQL
import Synchronization

// PromQL: what the parser takes, it prints, and takes again; evaluation ends within its limits.
extension FuzzTarget {
  static let language = [
    FuzzTarget(name: "promql", seeds: { queries }) { bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      guard let expression = try? Parser.parse(text, options: .all) else { return }
      let printed = "\(expression)"
      guard let again = try? Parser.parse(printed, options: .all) else {
        preconditionFailure("\(text) is printed as \(printed), which is not taken")
      }
      precondition("\(again)" == printed, "\(text) is printed as \(printed), then as \(again)")
      // Indented, it may be longer than a query can be.
      guard let pretty = expression.prettified, pretty.utf8.count <= Parser.textBytesMaximum else { return }
      guard let read = try? Parser.parse(pretty, options: .all) else {
        preconditionFailure("\(text) is laid out as \(pretty), which is not taken")
      }
      precondition("\(read)" == printed, "\(text) is laid out as \(pretty), which is \(read)")
      let tree = Array(TreeJSON.text(of: expression).utf8)
      // The reader of JSON takes no tree that is deeper.
      precondition(
        nesting(tree) >= JSONDocument.depthMax || tree.lend { JSONDocument($0) } != nil,
        "the tree of \(text) is no JSON")
    },
    FuzzTarget(name: "selector", seeds: { texts("up{job=\"a\",zone!~\"b|c\"}", "{__name__=~\"x.+\",\"é\"=\"1\"}") }) {
      _ = try? Parser.parseSelector(String(decoding: $0, as: UTF8.self))
    },
    FuzzTarget(name: "promql-evaluation", seeds: { queries }) { bytes in
      guard bytes.count < 400 else { return }
      let text = String(decoding: bytes, as: UTF8.self)
      var options = EngineOptions()
      options.parser = .all
      let engine = Engine(options: options)
      let limits = QueryLimits.small
      let end = FuzzSeries.start + 1_800_000
      _ = try? engine.instant(text, at: end, limits: limits, over: FuzzSeries())
      _ = try? engine.range(text, start: end - 600_000, end: end, step: 60_000, limits: limits, over: FuzzSeries())
    },
  ]

  /// How many brackets are open at once, at most.
  private static func nesting(_ json: [UInt8]) -> Int {
    var (open, most) = (0, 0)
    for byte in json {
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "["): open += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"): open -= 1
      default: continue
      }
      most = max(most, open)
    }
    return most
  }

  private static var queries: [[UInt8]] {
    texts(
      "sum by (job) (rate(a_total{job=~\"x.*\"}[5m] offset 1m)) > bool 0.5", "histogram_quantile(0.9, b)",
      "max_over_time(a[10m:1m] @ end()) / on (job) group_left (zone) c", "topk(2, a) or absent(d{x=\"1\"})",
      "label_replace(a, \"v\", \"$1-${2}\", \"job\", \"(.)(.*)\")", "-1 ^ 2 % 3 atan2 0x1f", "\"text\"",
      "count_values without (job) (\"n\", a)", "quantile_over_time(0.5, a[20m]) unless ignoring (zone) c")
  }
}

extension QueryLimits {
  /// Limits that end every evaluation within a moment.
  fileprivate static var small: QueryLimits {
    var limits = QueryLimits()
    limits.samplesMaximum = 20_000
    limits.bytesMaximum = 4 << 20
    let asked = AskedTimes()
    limits.stopReason = { asked.next() > 20_000 ? .timeout : nil }
    return limits
  }
}

/// How often an evaluation asked whether to stop: a deadline that does not depend on a clock.
private final class AskedTimes: Sendable {
  private let count = Atomic<Int>(0)
  func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}

/// A handful of series, floats with gaps and stale markers, and native histograms.
struct FuzzSeries: SeriesSource, SeriesSelection {
  static let start: Int64 = 1_700_000_000_000
  private static let all: [(labels: Labels, samples: SampleColumn)] = (0..<8).map { number in
    let name = ["a_total", "a", "b", "c"][number % 4]
    var samples = SampleColumn()
    for step in 0..<60 where (step + number) % 11 != 0 {
      let time = start + Int64(step) * 30_000
      if name == "b" {
        var histogram = Histogram()
        histogram.schema = 1
        histogram.count = Double(step + 2)
        histogram.sum = Double(step)
        histogram.positiveSpans = [BucketSpan(offset: 0, length: 2)]
        histogram.positiveBuckets = [Double(step), 2]
        samples.append(time, histogram)
      } else {
        samples.append(time, step == 40 ? StaleMarker.value : Double(step * (number + 1)))
      }
    }
    return (Labels([("__name__", name), ("job", "x\(number / 4)"), ("zone", "z\(number % 3)")]), samples)
  }

  private var chosen: [Int] = []

  var count: Int { chosen.count }
  func labels(_ index: Int) -> Labels { FuzzSeries.all[chosen[index]].labels }
  func makeReader() -> any SeriesReader { Reader(series: chosen.map { FuzzSeries.all[$0].samples }) }

  func select(_ request: SelectionRequest) throws(QueryError) -> any SeriesSelection {
    var matchers: [CompiledMatcher] = []
    for matcher in request.matchers {
      guard let compiled = try? CompiledMatcher(matcher) else { throw .invalid("pattern") }
      matchers.append(compiled)
    }
    var found = FuzzSeries()
    found.chosen = FuzzSeries.all.indices.filter { place in
      matchers.allSatisfy { $0.matches(FuzzSeries.all[place].labels) }
    }
    return found
  }

  private final class Reader: SeriesReader {
    let series: [SampleColumn]
    init(series: [SampleColumn]) { self.series = series }
    func read(_ index: Int, into column: inout SampleColumn) throws(QueryError) { column = series[index] }
  }
}
