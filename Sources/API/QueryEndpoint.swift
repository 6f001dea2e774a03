import Format
import HTTP
import Model
import PromQL

/// `/api/v1/query` and `/api/v1/query_range`. Runs on the query pool.
struct QueryEndpoint: Sendable {
  let workspaces: Workspaces
  let queries: QueryService

  func instant(_ request: Request) -> Response {
    answer(request, isRange: false) { (parameters, source, limits) throws(APIError) in
      let time = try parameters.optionalTime("time") ?? queries.clock.nowMilliseconds()
      let lookback = try lookback(parameters)
      return try run { () throws(QueryError) in
        try queries.engine.instant(
          parameters.text("query"), at: time, lookback: lookback, limits: limits, over: source)
      }
    }
  }

  func range(_ request: Request) -> Response {
    answer(request, isRange: true) { (parameters, source, limits) throws(APIError) in
      let start = try required("start", try parameters.time("start"))
      let end = try required("end", try parameters.time("end"))
      if end < start { throw .invalidParameter("end", "end timestamp must not be before start time") }
      let step = try required("step", try parameters.duration("step"), as: "duration")
      if step <= 0 {
        // Less than a millisecond is more steps than there may be, unless it is nothing at all.
        if let seconds = Double(parameters.text("step")), seconds > 0, end > start { throw QueryEndpoint.tooManySteps }
        throw .invalidParameter(
          "step", "zero or negative query resolution step widths are not accepted. Try a positive integer")
      }
      if (end - start) / step > Engine.stepsMaximum {
        throw QueryEndpoint.tooManySteps
      }
      let lookback = try lookback(parameters)
      return try run { () throws(QueryError) in
        try queries.engine.range(
          parameters.text("query"), start: start, end: end, step: step, lookback: lookback, limits: limits,
          over: source)
      }
    }
  }

  private static let tooManySteps = APIError(
    .badData,
    "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)")

  private func answer(
    _ request: Request, isRange: Bool,
    _ evaluate: (Parameters, DatabaseSeries, QueryLimits) throws(APIError) -> QueryResult
  ) -> Response {
    do throws(APIError) {
      guard let workspace = workspaces[request.workspace] else {
        throw APIError(.notFound, "no such workspace: \(request.workspace ?? "")")
      }
      guard workspace.database.isReady else {
        throw APIError(.unavailable, "the write-ahead log is being replayed")
      }
      let started = queries.clock.monotonicNanoseconds()
      let parameters = Parameters(request: request)
      let limit = try parameters.limit()
      var limits = try queries.limits(of: request, timeout: try parameters.duration("timeout"))
      let statistics = parameters.text("stats")
      limits.tellsSamplesPerStep = statistics == "all" && queries.tellsSamplesPerStep
      let source = DatabaseSeries(
        database: workspace.database, policy: DamagePolicy(queries.options), stopReason: limits.stopReason)
      var result = try evaluate(parameters, source, limits)
      result.statistics.queuedSeconds = request.queuedSeconds(until: started)
      queries.metrics.note(result.statistics, isRange: isRange)
      request.work.samples.store(result.statistics.samplesTotal, ordering: .relaxed)
      result.truncate(to: limit)
      result.warnings += source.damage.warnings
      let json = ResultJSON(result: result, tellsStatistics: !statistics.isEmpty)
      return Response(
        contentType: .json,
        body: .pieces(heldBytes: json.heldBytes) { (writer) throws(StreamError) in try json.next(writer) })
    } catch {
      return error.response
    }
  }

  private func lookback(_ parameters: Parameters) throws(APIError) -> Int64? {
    let given: Int64?
    do throws(APIError) {
      given = try parameters.duration("lookback_delta")
    } catch {
      let text = QuotedText.double(parameters.text("lookback_delta"))
      throw APIError(.badData, "error parsing lookback delta duration: cannot parse \(text) to a valid duration")
    }
    guard let lookback = given else { return nil }
    if lookback <= 0 { throw .invalidParameter("lookback_delta", "must be positive") }
    return lookback
  }

  /// A parameter that must be there; an empty one does not parse, as Prometheus says it.
  private func required(_ name: String, _ value: Int64?, as kind: String = "timestamp") throws(APIError) -> Int64 {
    guard let value else { throw .invalidParameter(name, "cannot parse \"\" to a valid \(kind)") }
    return value
  }

  private func run(_ body: () throws(QueryError) -> QueryResult) throws(APIError) -> QueryResult {
    do throws(QueryError) {
      return try body()
    } catch {
      queries.metrics.note(error)
      throw APIError(error)
    }
  }
}

extension APIError {
  init(_ error: QueryError) {
    switch error {
    case .invalid(let message):
      let named = APIError.invalidParameter("query", message)
      self.init(named.kind, named.message)
    case .execution(let message): self.init(.execution, message)
    case .timeout: self.init(.timeout, error.description)
    case .canceled: self.init(.canceled, error.description)
    case .storage(let message): self.init(.internalError, message)
    }
  }
}

extension QueryResult {
  /// Keeps the first series, and says so; 0 keeps all.
  mutating func truncate(to limit: Int) {
    if limit == 0 { return }
    switch value {
    case .vector(let samples) where samples.count > limit: value = .vector(Array(samples.prefix(limit)))
    case .matrix(let series) where series.count > limit: value = .matrix(Array(series.prefix(limit)))
    default: return
    }
    warnings.append("results truncated due to limit")
  }
}
