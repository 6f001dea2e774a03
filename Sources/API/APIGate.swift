import HTTP
import PromQL
import Query
import TSDB

/// The way to every endpoint of the API: the workspace is found, has its data back, and the answer carries what browsers
/// ask for. Immutable.
struct APIGate: Sendable {
  let workspaces: Workspaces
  let queries: QueryService
  let lifecycle: LifecycleEndpoints
  let cors: CORSPolicy

  typealias WorkspaceHandler = @Sendable (Request, Workspace) throws(APIError) -> Response
  /// As `WorkspaceHandler`, with the function that ends long work: a reason once it should.
  typealias LookupHandler = @Sendable (Request, Workspace, @escaping StopCheck) throws(APIError) -> Response

  /// An endpoint that answers in every state of the server.
  func always(_ handler: @escaping WorkspaceHandler) -> Handler {
    { request in cors.apply(to: answer(request, handler), for: request) }
  }

  /// An endpoint that needs data: 503 until it is there and once the server stops.
  func ready(_ handler: @escaping WorkspaceHandler) -> Handler {
    { request in
      guard isReady(request) else { return lifecycle.unavailable() }
      return cors.apply(to: answer(request, handler), for: request)
    }
  }

  /// The same for a handler that has its own way of answering errors.
  func ready(plain handler: @escaping Handler) -> Handler {
    { request in isReady(request) ? handler(request) : lifecycle.unavailable() }
  }

  /// An endpoint that may take long: it ends when the client goes, or when a query would have to.
  func lookup(_ handler: @escaping LookupHandler) -> Handler {
    ready { (request, workspace) throws(APIError) in
      try handler(request, workspace, queries.stopCheck(QueryTerms(of: request)))
    }
  }

  /// What browsers send before a request of another origin.
  func preflight(_ request: Request) -> Response { cors.apply(to: .noContent, for: request) }

  private func isReady(_ request: Request) -> Bool {
    if lifecycle.isStopping() { return false }
    // An unknown workspace is told so by the handler.
    return workspaces[request.workspace]?.database.isReady ?? true
  }

  private func answer(_ request: Request, _ handler: WorkspaceHandler) -> Response {
    do throws(APIError) {
      guard let workspace = workspaces[request.workspace] else {
        throw APIError(.notFound, "no such workspace: \(request.workspace ?? "")")
      }
      return try handler(request, workspace)
    } catch {
      return error.response
    }
  }
}

extension APIError {
  /// A lookup that was ended.
  init(_ stopped: QueryStopped, _ reason: StopReason?) {
    self.init(QueryError(reason ?? .canceled))
  }
}
