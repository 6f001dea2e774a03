import HTTP
import PromQL
import Query
import TSDB
import Workspaces

/// The way to every endpoint of the API: the workspace is found, has its data back, and the answer carries what browsers
/// ask for. Immutable.
struct APIGate: Sendable {
  let workspaces: WorkspaceSet
  let queries: QueryService
  let lifecycle: LifecycleEndpoints
  let cors: CORSPolicy

  typealias WorkspaceHandler = @Sendable (Request, Workspace) throws(APIError) -> Response
  /// A `WorkspaceHandler` that also gets a function which gives the reason to end long work, once there is one.
  typealias LookupHandler = @Sendable (Request, Workspace, @escaping StopCheck) throws(APIError) -> Response

  /// A handler that has its own way of answering errors.
  typealias PlainHandler = @Sendable (Request, Workspace) -> Response

  /// An endpoint that answers in every state of the server.
  func always(_ handler: @escaping WorkspaceHandler) -> Handler {
    { request in cors.apply(to: answer(request, workspaces.find(request.workspace), handler), for: request) }
  }

  /// An endpoint that needs data: 503 until it is there and once the server stops.
  func ready(_ handler: @escaping WorkspaceHandler) -> Handler {
    { request in
      let found = workspaces.find(request.workspace)
      guard isReady(found) else { return lifecycle.unavailable() }
      return cors.apply(to: answer(request, found, handler), for: request)
    }
  }

  /// The same as `ready`, for a handler that has its own way of answering errors.
  func ready(plain handler: @escaping PlainHandler) -> Handler {
    { request in
      let found = workspaces.find(request.workspace)
      return isReady(found) ? answer(request, found, plain: handler) : lifecycle.unavailable()
    }
  }

  /// An endpoint that takes samples. Its handler reports by itself where the workspace cannot take any.
  func writing(_ handler: @escaping PlainHandler) -> Handler {
    { request in answer(request, workspaces.findForWrite(request.workspace), plain: handler) }
  }

  /// An endpoint that may take long: it ends when the client goes, or after the time that a query may take.
  func lookup(_ handler: @escaping LookupHandler) -> Handler {
    ready { (request, workspace) throws(APIError) in
      try handler(request, workspace, queries.stopCheck(QueryTerms(of: request)))
    }
  }

  /// Answers the request that a browser sends before a request of another origin.
  func preflight(_ request: Request) -> Response { cors.apply(to: .noContent, for: request) }

  private func isReady(_ found: WorkspaceSet.Lookup) -> Bool {
    if lifecycle.isStopping() { return false }
    // Where there is none, the answer says so.
    guard case .found(let workspace) = found else { return true }
    return workspace.database.isReady
  }

  private func answer(_ request: Request, _ found: WorkspaceSet.Lookup, _ handler: WorkspaceHandler) -> Response {
    do throws(APIError) {
      return try handler(request, try found.workspace())
    } catch {
      return error.response
    }
  }

  private func answer(_ request: Request, _ found: WorkspaceSet.Lookup, plain handler: PlainHandler) -> Response {
    switch found {
    case .found(let workspace): handler(request, workspace)
    case .unknown(let text): .text(404, text)
    case .unavailable(let text): Response.text(503, text).retryAfter(seconds: 5)
    }
  }
}

extension WorkspaceSet.Lookup {
  /// The workspace, or the answer that there is none.
  func workspace() throws(APIError) -> Workspace {
    switch self {
    case .found(let workspace): return workspace
    case .unknown(let text): throw APIError(.notFound, text)
    case .unavailable(let text): throw APIError(.unavailable, text)
    }
  }
}

extension APIError {
  /// A lookup that was ended.
  init(_ stopped: QueryStopped, _ reason: StopReason?) {
    self.init(QueryError(reason ?? .canceled))
  }
}
