import Format
import HTTP
import Model
import Platform
import PromQL
import Query
import Workspaces

/// `/api/v1/query` and `/api/v1/query_range`. Runs on the lane of clients' queries.
struct QueryEndpoint: Sendable {
  let queries: QueryService

  func instant(_ request: Request, _ workspace: Workspace) -> Response {
    answer(request, workspace) { (parameters, querier, terms) throws(APIError) in
      let time = try parameters.optionalTime("time") ?? queries.clock.nowMilliseconds()
      terms.lookbackMilliseconds = try lookback(parameters)
      return try APIError.of { () throws(QueryError) in
        try querier.instant(parameters.text("query"), at: time, terms)
      }
    }
  }

  func range(_ request: Request, _ workspace: Workspace) -> Response {
    answer(request, workspace) { (parameters, querier, terms) throws(APIError) in
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
      terms.lookbackMilliseconds = try lookback(parameters)
      return try APIError.of { () throws(QueryError) in
        try querier.range(parameters.text("query"), start: start, end: end, step: step, terms)
      }
    }
  }

  private static let tooManySteps = APIError(
    .badData,
    "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)")

  private func answer(
    _ request: Request, _ workspace: Workspace,
    _ evaluate: (Parameters, Querier, inout QueryTerms) throws(APIError) -> QueryResult
  ) -> Response {
    do throws(APIError) {
      guard workspace.database.isReady else {
        throw APIError(.unavailable, "the write-ahead log is being replayed")
      }
      let parameters = Parameters(request: request)
      var terms = QueryTerms(of: request)
      if let log = queries.queryLog, log.isOn { terms.origin = QueryOrigin(request) }
      terms.queuedSeconds = request.queuedSeconds(until: queries.clock.monotonicNanoseconds())
      let limit = try parameters.limit()
      terms.timeoutMilliseconds = try parameters.duration("timeout")
      let statistics = parameters.text("stats")
      terms.tellsSamplesPerStep = statistics == "all"
      var result = try evaluate(parameters, queries.querier(over: workspace.database), &terms)
      request.work.samples.store(result.statistics.samplesTotal, ordering: .relaxed)
      result.truncate(to: limit)
      let json = ResultJSON(result: result, tellsStatistics: !statistics.isEmpty)
      let heldBytes = json.heldBytes
      let pieces = Exclusive(json)
      return Response(
        contentType: .json,
        body: .pieces(heldBytes: heldBytes) { (writer) throws(StreamError) in
          try pieces.use { (json) throws(StreamError) in try json.next(writer) }
        })
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
}

extension QueryTerms {
  /// The terms of a request's query, which ends when its client goes or an operator says so.
  init(of request: Request) {
    self.init()
    isCanceled = { request.isCancelled }
  }
}

extension QueryOrigin {
  init(_ request: Request) {
    self = .request(client: request.peer?.host ?? "", method: request.method.description, path: request.path)
  }
}

extension APIError {
  /// Runs a part of a query, with its error as the API tells it.
  static func of<Result>(_ body: () throws(QueryError) -> Result) throws(APIError) -> Result {
    do throws(QueryError) {
      return try body()
    } catch {
      throw APIError(error)
    }
  }

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
