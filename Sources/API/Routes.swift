import HTTP
import Platform

/// What the HTTP surface needs from the rest of the program.
package struct APIServices: Sendable {
  package var workspaces: Workspaces
  package var registry: MetricsRegistry
  package var lifecycle: LifecycleActions
  package var isStopping: @Sendable () -> Bool
  package var version: BuildVersion
  package var queries: QueryService
  /// Flags with their values, sorted by name.
  package var flags: [(name: String, value: String)]
  /// The configuration in force, as YAML.
  package var configurationText: @Sendable () -> String

  package init(
    workspaces: Workspaces, registry: MetricsRegistry, lifecycle: LifecycleActions,
    isStopping: @escaping @Sendable () -> Bool, version: BuildVersion, queries: QueryService,
    flags: [(name: String, value: String)], configurationText: @escaping @Sendable () -> String
  ) {
    self.workspaces = workspaces
    self.registry = registry
    self.lifecycle = lifecycle
    self.isStopping = isStopping
    self.version = version
    self.queries = queries
    self.flags = flags
    self.configurationText = configurationText
  }
}

/// Every path this server answers: the table of contents of the API.
package enum Routes {
  package static func router(_ services: APIServices) -> Router {
    var router = Router()
    let write = WriteEndpoint(workspaces: services.workspaces)
    for path in ["/api/v1/write", "/api/v1/remote_write", "/api/v1/push"] {
      router.add(.post, path, readsForm: false, write.handle)
    }

    let query = QueryEndpoint(workspaces: services.workspaces, queries: services.queries)
    let queued = RouteRun.queued(services.queries.executor)
    router.add([.get, .post], "/api/v1/query", run: queued, query.instant)
    router.add([.get, .post], "/api/v1/query_range", run: queued, query.range)

    let status = StatusEndpoints(services: services)
    router.add(.get, "/api/v1/status/buildinfo", status.buildInfo)
    router.add(.get, "/api/v1/status/flags", status.flags)
    router.add(.get, "/api/v1/status/config", status.config)
    router.add(.get, "/api/v1/status/walreplay", status.walReplay)
    router.add(.get, "/metrics", status.metrics)
    router.add(.get, "/version", status.version)

    let lifecycle = LifecycleEndpoints(
      workspaces: services.workspaces, actions: services.lifecycle, isStopping: services.isStopping)
    router.add(.get, "/-/healthy", lifecycle.healthy)
    router.add(.get, "/-/ready", lifecycle.ready)
    for (path, handler) in [("/-/reload", lifecycle.reload), ("/-/quit", lifecycle.quit)] {
      router.add([.post, .put], path, handler)
      router.add(.get, path, lifecycle.onlyPostOrPut)
    }
    return router
  }
}
