import Model
import PromQL
import Query
import TestKit
import Testing

/// What rules, federation and remote read ask of a database, with nothing of HTTP in sight.
struct QuerierTests {
  private static let now = QueryBench.now

  private func vector(_ result: QueryResult) -> [String: Double] {
    guard case .vector(let samples) = result.value else { return [:] }
    var values: [String: Double] = [:]
    for sample in samples { if case .float(let value) = sample.value { values["\(sample.labels)"] = value } }
    return values
  }

  private func failure(_ body: () throws(QueryError) -> QueryResult) -> QueryError? {
    do throws(QueryError) {
      _ = try body()
      return nil
    } catch {
      return error
    }
  }

  @Test("an expression has its value at a time, with what it cost; the engine's metrics count it")
  func instant() throws {
    let bench = try QueryBench()
    let querier = bench.querier
    let sum = try querier.instant("sum(m_total)", at: Self.now)
    #expect(vector(sum) == ["{}": 76])
    #expect(sum.warnings.isEmpty && sum.statistics.samplesTotal == 4)
    let early = try querier.instant("m_total{i=\"1\"} + 0 * time()", at: Self.now - 30_000)
    #expect(vector(early) == ["{i=\"1\"}": 17])
    #expect(bench.metric("prometheus_engine_query_samples_total") == 5)
    #expect(bench.metric("prometheus_engine_query_duration_seconds_count", [("slice", "inner_eval")]) == 2)
  }

  @Test("an expression has its values at each step of a range")
  func range() throws {
    let bench = try QueryBench(series: 1)
    let found = try bench.querier.range("m_total * 2", start: Self.now - 30_000, end: Self.now, step: 15_000)
    guard case .matrix(let series) = found.value else {
      Issue.record("no matrix")
      return
    }
    #expect(series.map(\.samples.values) == [[34, 36, 38]])
  }

  @Test("a subquery without a step has that of the server, which a reload changes; prepared ones, too")
  func subqueryStep() throws {
    let bench = try QueryBench(series: 1)
    let expression = "count_over_time(vector(1)[10m:])"
    #expect(vector(try bench.querier.instant(expression, at: Self.now)) == ["{}": 10])
    bench.service.reconfigure(subqueryStepMilliseconds: 5_000)
    #expect(vector(try bench.querier.instant(expression, at: Self.now)) == ["{}": 120])
    let prepared = try PreparedQuery(expression)
    #expect(vector(try bench.querier.instant(prepared, at: Self.now)) == ["{}": 120])
    bench.service.reconfigure(subqueryStepMilliseconds: 60_000)
    #expect(vector(try bench.querier.instant(prepared, at: Self.now)) == ["{}": 10])
  }

  @Test("an evaluation on a lane of its own is not behind the queries of clients")
  func lane() throws {
    let bench = try QueryBench()
    let rules = try QueryLane(name: "rules", concurrencyMax: 1, queuedMax: 1)
    defer { rules.stop() }
    let answer = Answer()
    #expect(bench.service.lane.submit { _ = answer.wait() })
    let isTaken = rules.submit { [querier = bench.querier] in
      let value = try? querier.instant("count(m_total)", at: Self.now).value
      if case .vector(let samples)? = value, case .float(let count)? = samples.first?.value { answer.set(count) }
    }
    #expect(isTaken)
    rules.stop()
    #expect(answer.wait() == 4)
  }

  @Test("series come in the order of their labels, with every sample of the time asked for")
  func select() throws {
    let bench = try QueryBench()
    let found = try bench.querier.select(
      SelectorText.parse("m_total{i=~\"[12]\"}"), from: Self.now - 15_000, through: Self.now, damage: .failsCopy,
      stop: bench.service.stopCheck(QueryTerms()))
    #expect(found.labels.map { $0["i"] } == ["1", "2"] && found.warnings.isEmpty)
    let reader = found.makeReader()
    var column = SampleColumn()
    for place in 0..<found.count {
      try reader.read(place, into: &column)
      #expect(column.timestamps == [Self.now - 15_000, Self.now] && column.values == [18, 19])
    }
  }

  @Test("what is wrong with an expression, and a regular expression that is none, are errors of their kind")
  func invalid() throws {
    let bench = try QueryBench()
    let querier = bench.querier
    for text in ["sum(", "m_total{i=~\"[\"}"] {
      guard case .invalid? = failure({ () throws(QueryError) in try querier.instant(text, at: Self.now) }) else {
        Issue.record("\(text) is taken")
        continue
      }
    }
    #expect(throws: SelectorFault.self) { try SelectorText.compile("m_total{i=~\"[\"}") }
    #expect(throws: SelectorFault.self) { try SelectorText.parse("rate(m_total[5m])") }
    #expect(bench.metric("prometheus_engine_query_duration_seconds_count", [("slice", "inner_eval")]) == 0)
  }

  @Test("a query that is canceled, late or too large ends with that error, and is counted by it")
  func bounds() throws {
    let bench = try QueryBench { $0.samplesMax = 30 }
    let querier = bench.querier
    var canceled = QueryTerms()
    canceled.isCanceled = { true }
    #expect(
      failure { () throws(QueryError) in try querier.instant("m_total", at: Self.now, canceled) } == .canceled)
    var late = QueryTerms()
    late.timeoutMilliseconds = 0
    #expect(failure { () throws(QueryError) in try querier.instant("m_total", at: Self.now, late) } == .timeout)
    let large = failure { () throws(QueryError) in
      try querier.range("m_total", start: Self.now - 285_000, end: Self.now, step: 15_000)
    }
    #expect(large?.isOverBudget == true)
    for reason in ["canceled", "timeout", "memory"] {
      #expect(bench.metric("apus_queries_stopped_total", [("reason", reason)]) == 1, "\(reason)")
    }
    #expect(throws: QueryError.canceled) {
      try querier.select(
        SelectorText.parse("m_total"), from: 0, through: Self.now, damage: .answers,
        stop: bench.service.stopCheck(canceled))
    }
  }

  @Test("the server's time counts where it is shorter than the query's own")
  func shorterTime() throws {
    let bench = try QueryBench { $0.timeoutMilliseconds = 0 }
    var patient = QueryTerms()
    patient.timeoutMilliseconds = 3_600_000
    #expect(
      failure { () throws(QueryError) in try bench.querier.instant("m_total", at: Self.now, patient) } == .timeout)
  }

  @Test("how far back selectors look follows the options, and before them the query's own terms")
  func lookback() throws {
    let bench = try QueryBench { $0.engine.lookback = 60_000 }
    let later = Self.now + 90_000
    #expect(vector(try bench.querier.instant("count(m_total)", at: later)).isEmpty)
    var terms = QueryTerms()
    terms.lookbackMilliseconds = 300_000
    #expect(vector(try bench.querier.instant("count(m_total)", at: later, terms)) == ["{}": 4])
  }

  @Test("one service asks several databases, each for its own series")
  func databases() throws {
    let (one, other) = (try QueryBench(series: 1), try QueryBench(series: 3))
    let service = one.service
    for (bench, count) in [(one, 1.0), (other, 3.0)] {
      #expect(
        vector(try service.querier(over: bench.database).instant("count(m_total)", at: Self.now)) == ["{}": count])
    }
  }
}
