import HTTP
import Platform
import Query
import Workspaces

/// `/api/v1/status/active_queries`: lists the queries of a workspace, and ends one; and the way by which they come on the
/// list. Any thread.
struct ActiveQueryEndpoints: Sendable {
  let clock: any Clock
  let queries: ActiveQueries

  /// A handler of queries that are listed while it works on them, until their answers have been written.
  func tracking(_ handler: @escaping APIGate.PlainHandler) -> APIGate.PlainHandler {
    { [clock, queries] request, workspace in
      let entry = queries.add(QueryStart(request, clock), request)
      var response = handler(request, workspace)
      guard case .pieces(let heldBytes, let pieces) = response.body else {
        entry.end()
        return response
      }
      // A failure releases the pieces, and the entry with them.
      response.body = .pieces(heldBytes: heldBytes) { (writer) throws(StreamError) in
        let outcome = try pieces(writer)
        if outcome == .last { entry.end() }
        return outcome
      }
      return response
    }
  }

  func list(_ request: Request, _ workspace: Workspace) -> Response {
    let running = queries.running(in: workspace.id)
    return JSONAnswer.success { json in
      json.raw("[")
      for (place, query) in running.enumerated() {
        json.raw(place == 0 ? "" : ",")
        json.raw("{\"id\":\"\(query.id)\",")
        query.start.write(&json)
        json.raw(",\"duration\":\(query.seconds)}")
      }
      json.raw("]")
    }
  }

  /// Ends a query of the workspace.
  func kill(_ request: Request, _ workspace: Workspace) throws(APIError) -> Response {
    let id = request.queryParameter("id")
    guard let number = Int(id), queries.cancel(number, in: workspace.id) else {
      throw APIError(.notFound, "no query \(id) is running")
    }
    return .noContent
  }
}

extension QueryStart {
  init(_ request: Request, _ clock: any Clock) {
    let now = clock.monotonicNanoseconds()
    self.init(
      workspace: request.workspace ?? WorkspaceSettings.defaultID, path: request.path,
      query: request.queryParameter("query"),
      times: ["time", "start", "end", "step"].compactMap { name in request.parameter(name).map { (name, $0) } },
      client: request.remoteAddress, startMilliseconds: clock.nowMilliseconds(), startNanoseconds: now,
      queueNanoseconds: request.queuedNanoseconds(until: now))
  }
}

extension Request: QueryWork {
  package var samplesRead: Int { work.samples.load(ordering: .relaxed) }
  package var bytesWritten: Int { work.bytes.load(ordering: .relaxed) }
  package var isCanceled: Bool { isCancelled }
}

extension Request {
  /// Nanoseconds from its last byte to a moment of the monotonic clock.
  func queuedNanoseconds(until now: Int64) -> Int64 { completeNanoseconds == 0 ? 0 : max(0, now - completeNanoseconds) }

  func queuedSeconds(until now: Int64) -> Double { Double(queuedNanoseconds(until: now)) / 1e9 }
}
