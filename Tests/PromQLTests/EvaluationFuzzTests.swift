import Model
import TestKit
import Testing

@testable import PromQL

struct EvaluationFuzzTests {
  private static func bits(_ value: SampleValue) -> UInt64 {
    if case .float(let float) = value { return float.isNaN ? Double.nan.bitPattern : float.bitPattern }
    return 0
  }

  private static func vector(_ result: QueryResult) -> [Labels: UInt64] {
    guard case .vector(let samples) = result.value else { return [:] }
    return Dictionary(samples.map { ($0.labels, bits($0.value)) }) { one, _ in one }
  }

  private static func step(_ result: QueryResult, _ time: Int64) -> [Labels: UInt64] {
    guard case .matrix(let all) = result.value else { return [:] }
    var values: [Labels: UInt64] = [:]
    for series in all {
      guard let place = series.samples.timestamps.firstIndex(of: time) else { continue }
      values[series.labels] = bits(.float(series.samples.values[place]))
    }
    return values
  }

  @Test("a range query has at each step the bits of the instant query at that time", arguments: [false, true])
  func rangeIsInstants(delaysNameRemoval: Bool) {
    let seed = RandomSource(for: "range queries").seed
    var numbers = SeededNumbers(seed)
    var queries = RandomQuery(seed: numbers.next())
    let store = RandomSeries(seed: numbers.next()).store()
    var options = EngineOptions()
    options.parser = .all
    options.delaysNameRemoval = delaysNameRemoval
    let engine = Engine(options: options)
    var answered = 0
    for round in 0..<150 {
      let query = queries.query()
      let step = Int64.random(in: 7_000...400_000, using: &numbers)
      let start = RandomSeries.start + Int64.random(in: -600_000...3_000_000, using: &numbers)
      let place = "seed \(seed) round \(round): \(query)"
      // Instant answers of these are in order of their values, and the last bit of a deviation, mean or sum turns on the order.
      let isRanked = ["topk", "bottomk", "sort"].contains { query.range($0) != nil }
      if isRanked, ["std", "avg", "sum"].contains(where: { query.range($0) != nil }) { continue }
      guard let range = try? engine.range(query, start: start, end: start + 4 * step, step: step, over: store) else {
        continue
      }
      for index in 0...4 {
        let time = start + Int64(index) * step
        do throws(QueryError) {
          let instant = try engine.instant(query, at: time, over: store)
          if case .scalar = instant.value { continue }
          answered += 1
          #expect(Self.step(range, time) == Self.vector(instant), "\(place) at \(time)")
        } catch {
          Issue.record("\(place) at \(time): \(error) though the range has an answer")
        }
      }
    }
    #expect(answered > 100)
  }

  @Test("numbers at the edges of what fits are answered or refused")
  func edges() {
    let store = RandomSeries(seed: 1).store()
    let engine = Engine(options: EngineOptions())
    let queries = [
      "up @ 9223372036854775", "up @ -9223372036854775", "rate(up[292y] @ -9.2e15)", "up offset 292y",
      "up offset -292y",
      "sum_over_time(up[292y:1ms])", "max_over_time(up[1d:1ms])", "topk(9e18, up)", "topk(-9e18, up)", "topk(NaN, up)",
      "quantile(NaN, up)", "up[NaN]", "up offset NaN", "up offset Inf", "month(vector(1e300))", "year(vector(-1e300))",
      "day_of_year(vector(NaN))", "round(up, 0)", "predict_linear(up[1h], 1e300)", "holt(up)", "up[1ms:1ms]",
      "count_values(\"\", up)", "label_replace(up, \"a\", \"$9${x}$$$\", \"job\", \".*\")", "up @ 1e-300",
      "up[5m] @ 1e17",
    ]
    for query in queries {
      for time in [0, RandomSeries.start, Int64.max, Int64.min, Engine.timeMaximum, -Engine.timeMaximum] {
        _ = try? engine.instant(query, at: time, over: store)
      }
    }
    #expect(throws: QueryError.self) { try engine.instant("up", at: Int64.max, over: store) }
    #expect(throws: QueryError.self) { try engine.instant("sum_over_time(up[292y:1ms])", at: 0, over: store) }
  }

  @Test("the parameters of a range query are refused in Prometheus's words")
  func parameters() {
    let store = ScriptStore()
    let engine = Engine()
    func refusal(_ start: Int64, _ end: Int64, _ step: Int64, _ query: String = "up") -> String? {
      do throws(QueryError) {
        _ = try engine.range(query, start: start, end: end, step: step, over: store)
        return nil
      } catch {
        return error.description
      }
    }
    #expect(refusal(1000, 0, 1000) == "end timestamp must not be before start time")
    #expect(
      refusal(0, 1000, 0)
        == "zero or negative query resolution step widths are not accepted. Try a positive integer")
    #expect(
      refusal(0, 11_001_000, 1000)
        == "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"
    )
    #expect(refusal(0, 11_000_000, 1000) == nil)
    #expect(
      refusal(0, 1000, 1000, "up[5m]")
        == "invalid expression type \"range vector\" for range query, must be Scalar or instant Vector")
  }

  @Test("a query stops when it should, and when it holds too much")
  func limits() {
    let store = RandomSeries(seed: 1).store()
    let engine = Engine()
    var limits = QueryLimits()
    limits.stopReason = { .timeout }
    #expect(throws: QueryError.timeout) {
      try engine.instant("sum(up)", at: RandomSeries.start + 60_000, limits: limits, over: store)
    }
    limits.stopReason = { .canceled }
    #expect(throws: QueryError.canceled) {
      try engine.instant("sum(up)", at: RandomSeries.start + 60_000, limits: limits, over: store)
    }
    limits = QueryLimits()
    limits.samplesMaximum = 100
    #expect(throws: QueryError.tooManySamples) {
      try engine.instant("sum_over_time(up[1h])", at: RandomSeries.start + 3_600_000, limits: limits, over: store)
    }
  }
}
