import Model
import PromQL
import TSDB

/// Queries of one database: an expression at one time or over a range of steps, or series with their samples. Every query
/// keeps to the bounds of its service and is counted in its metrics. A value; any thread.
///
/// A query runs on its caller's thread. Expressions from outside belong on the threads of a `QueryLane`, whose stacks have
/// room for the deepest of them.
package struct Querier: Sendable {
  package let database: Database
  package let service: QueryService

  /// Evaluates an expression at one time, in milliseconds.
  package func instant(
    _ expression: String, at time: Int64, _ terms: QueryTerms = QueryTerms()
  ) throws(QueryError) -> QueryResult {
    try evaluate(expression, start: time, end: time, step: nil, terms) { (limits, source) throws(QueryError) in
      try service.engine.instant(
        expression, at: time, lookback: terms.lookbackMilliseconds, limits: limits, over: source)
    }
  }

  /// The same of an expression that is read already.
  package func instant(
    _ query: PreparedQuery, at time: Int64, _ terms: QueryTerms = QueryTerms()
  ) throws(QueryError) -> QueryResult {
    try evaluate(query.text, start: time, end: time, step: nil, terms) { (limits, source) throws(QueryError) in
      try service.engine.instant(query, at: time, lookback: terms.lookbackMilliseconds, limits: limits, over: source)
    }
  }

  /// Evaluates an expression at each step from `start` to `end`, both included; milliseconds.
  package func range(
    _ expression: String, start: Int64, end: Int64, step: Int64, _ terms: QueryTerms = QueryTerms()
  ) throws(QueryError) -> QueryResult {
    try evaluate(expression, start: start, end: end, step: step, terms) { (limits, source) throws(QueryError) in
      try service.engine.range(
        expression, start: start, end: end, step: step, lookback: terms.lookbackMilliseconds, limits: limits,
        over: source)
    }
  }

  /// Finds the series that pass all matchers, with their samples from `start` to `end`, both included; milliseconds.
  /// - Parameter stop: ends the search; several selections may share one, and with it a deadline.
  package func select(
    _ matchers: [Matcher], from start: Int64, through end: Int64, damage policy: DamagePolicy,
    stop: @escaping StopCheck
  ) throws(QueryError) -> StoredSeries {
    let source = DatabaseSeries(database: database, policy: policy, stopReason: stop)
    let selection = try source.select(SelectionRequest(matchers: matchers, start: start, end: end))
    return StoredSeries(selection, damage: source.damage)
  }

  /// - Parameter step: nil for a query of one time.
  private func evaluate(
    _ expression: String, start: Int64, end: Int64, step: Int64?, _ terms: QueryTerms,
    _ body: (QueryLimits, DatabaseSeries) throws(QueryError) -> QueryResult
  ) throws(QueryError) -> QueryResult {
    let logged = service.queryLog?.begin(expression, start: start, end: end, step: step ?? 0, terms)
    let (tally, asker) = (database.metrics.queries, terms.isOfRule ? QueryTally.Asker.rule : .client)
    let limits = service.limits(terms)
    let source = DatabaseSeries(
      database: database, policy: DamagePolicy(service.options), stopReason: limits.stopReason)
    do throws(QueryError) {
      var result = try body(limits, source)
      result.statistics.queuedSeconds = terms.queuedSeconds
      result.warnings += source.damage.warnings
      service.metrics.note(result.statistics, isRange: step != nil)
      tally.note(asker, samples: result.statistics.samplesTotal)
      tally.tell(
        EndedQuery(
          expression, start: start, end: end, step: step ?? 0, asker: asker, samples: result.statistics.samplesTotal,
          seconds: result.statistics.evaluationSeconds))
      logged?.end(result.statistics)
      return result
    } catch {
      service.metrics.note(error)
      tally.note(asker)
      tally.tell(
        EndedQuery(
          expression, start: start, end: end, step: step ?? 0, asker: asker, samples: 0, seconds: 0,
          error: error.description))
      logged?.end(error)
      throw error
    }
  }
}
