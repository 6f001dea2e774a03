/// Takes work and runs it on another thread, once; false when its queue is full.
package typealias Executor = @Sendable (@escaping @Sendable () -> Void) -> Bool

package typealias Handler = @Sendable (Request) -> Response

/// The thread on which a route's handler runs.
package enum RouteRun: Sendable {
  /// On the connection's thread: for what is short and never waits for other requests.
  case inline
  /// Elsewhere, the connection being suspended meanwhile.
  case queued(Executor)
}

/// Limits of a route that differ from the server's; nil keeps the server's.
package struct RouteLimits: Sendable {
  package var bodyBytesMax: Int?
  package var bodyMillisecondsMax: Int?

  /// The answer where the queue of its thread has no room.
  package var busyResponse: Response?

  package init(bodyBytesMax: Int? = nil, bodyMillisecondsMax: Int? = nil, busyResponse: Response? = nil) {
    self.bodyBytesMax = bodyBytesMax
    self.bodyMillisecondsMax = bodyMillisecondsMax
    self.busyResponse = busyResponse
  }
}

/// One entry of the router: immutable, shared by all threads.
package final class Route: Sendable {
  /// `/api/v1/label/{name}/values`; the name of its metrics too.
  package let pattern: String
  package let methods: HTTPMethods
  let run: RouteRun
  let limits: RouteLimits
  let handler: Handler
  /// True if `/workspaces/{id}` may stand before it.
  package let inWorkspaces: Bool
  /// True if a form body is parameters; otherwise a body is bytes, whatever it calls itself.
  let readsForm: Bool
  /// True if it is answered on connections beyond the limit of connections.
  let isForOperators: Bool
  /// Nil: whoever guards the routes lets nobody pass.
  package let action: RouteAction?
  /// Names of `{...}` in the pattern, in order; the last may be `{name...}`, which takes the rest of the path.
  let captureNames: [String]
  let capturesRest: Bool
  /// Its place among all routes.
  let index: Int

  init(
    pattern: String, methods: HTTPMethods, run: RouteRun, limits: RouteLimits, inWorkspaces: Bool, readsForm: Bool,
    isForOperators: Bool, action: RouteAction?, captureNames: [String], capturesRest: Bool, index: Int,
    handler: @escaping Handler
  ) {
    self.pattern = pattern
    self.methods = methods
    self.run = run
    self.limits = limits
    self.inWorkspaces = inWorkspaces
    self.readsForm = readsForm
    self.isForOperators = isForOperators
    self.action = action
    self.captureNames = captureNames
    self.capturesRest = capturesRest
    self.index = index
    self.handler = handler
  }
}
