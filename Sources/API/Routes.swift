import Access
import HTTP
import Model
import Notify
import Platform
import Query
import Workspaces

/// The parts of the program that the HTTP surface needs.
package struct APIServices: Sendable {
  package var workspaces: WorkspaceSet
  package var registry: MetricsRegistry
  package var lifecycle: LifecycleActions
  package var isStopping: @Sendable () -> Bool
  package var version: BuildVersion
  package var queries: QueryService
  /// Flags with their values, sorted by name.
  package var flags: [(name: String, value: String)]
  /// The configuration in force, as YAML.
  package var configurationText: @Sendable () -> String
  /// Labels added to everything that leaves for other servers.
  package var externalLabels: @Sendable () -> Labels = { .empty }
  package var cors = CORSPolicy.any
  package var links = WebLinks()
  package var runtime = RuntimeFacts.none
  package var ownTarget = OwnTarget()
  package var scrape = ScrapeView.none
  package var rules = RuleFacts.none
  /// The prices of usage that are configured now.
  package var usagePrices: @Sendable () -> UsagePrices = { UsagePrices() }
  package var remoteRead = RemoteReadOptions()
  /// The threads that run remote reads; nil: those of the queries.
  package var remoteReadLane: QueryLane?
  package var slowQueryLog: SlowQueryLog?
  package var isAdminEnabled = false
  /// True if rule groups may be changed through the API (`--web.enable-rules-api`).
  package var isRulesAPIEnabled = false
  package var management = ManagementFacts.none
  /// The way to the Alertmanagers of workspaces.
  package var alertmanagers: AlertmanagerPassage?

  package init(
    workspaces: WorkspaceSet, registry: MetricsRegistry, lifecycle: LifecycleActions,
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

  var scraped: ScrapedTargets {
    ScrapedTargets(own: ownTarget, scrape: scrape, registry: registry, links: links)
  }
}

/// Every path this server answers: the table of contents of the API.
package enum Routes {
  package static func router(_ services: APIServices) -> Router {
    let lifecycle = LifecycleEndpoints(
      workspaces: services.workspaces, actions: services.lifecycle, isStopping: services.isStopping)
    var routes = RouteTable(services, lifecycle)
    addWriting(&routes)
    addQueries(&routes)
    addLookups(&routes)
    addRules(&routes)
    addStatus(&routes)
    addAdministration(&routes)
    ManagementEndpoints(facts: services.management, links: services.links)
      .add(to: &routes, changesRun: services.lifecycle.run)
    AlertmanagerEndpoints(passage: services.alertmanagers, workspaces: services.workspaces).add(to: &routes)
    addServer(&routes, lifecycle)
    return routes.router
  }

  private static func addWriting(_ routes: inout RouteTable) {
    let write = routes.gate.writing(WriteEndpoint().handle)
    for path in ["/api/v1/write", "/api/v1/remote_write", "/api/v1/push"] {
      routes.router.add(.post, path, readsForm: false, action: .remoteWrite, write)
    }
    let otlp = routes.gate.writing(OTLPEndpoint().handle)
    routes.router.add(.post, "/api/v1/otlp/v1/metrics", readsForm: false, action: .remoteWrite, otlp)
  }

  private static func addQueries(_ routes: inout RouteTable) {
    let services = routes.services
    let query = QueryEndpoint(queries: services.queries)
    let active = ActiveQueryEndpoints(
      clock: services.queries.clock,
      queries: ActiveQueries(clock: services.queries.clock, slowLog: services.slowQueryLog))
    routes.addQuery("/api/v1/query", .queryMetrics, active.tracking(query.instant))
    routes.addQuery("/api/v1/query_range", .queryMetrics, active.tracking(query.range))
    routes.addForOperators(.get, "/api/v1/status/active_queries", .serverAdmin, active.list)
    routes.addForOperators(
      .delete, "/api/v1/status/active_queries", .serverAdmin, routes.changing(active.kill))

    let expressions = ExpressionEndpoints(options: services.queries.engine.options.parser)
    let exemplars = ExemplarEndpoint(options: services.queries.engine.options.parser)
    routes.addQueued([.get, .post], "/api/v1/query_exemplars", .queryMetrics, exemplars.exemplars)
    routes.addQueued([.get, .post], "/api/v1/format_query", .queryMetrics, expressions.format)
    routes.addQueued([.get, .post], "/api/v1/parse_query", .queryMetrics, expressions.parse)

    let read = RemoteReadEndpoint(
      options: services.remoteRead, externalLabels: services.externalLabels, queries: services.queries)
    let lane = services.remoteReadLane ?? services.queries.lane
    routes.router.add(
      .post, "/api/v1/read", run: .queued(lane.executor), readsForm: false, action: .queryMetrics,
      routes.gate.ready(plain: read.handle))
    let federation = Federation(queries: services.queries, externalLabels: services.externalLabels)
    routes.router.add(
      .get, "/federate", run: routes.queued, inWorkspaces: true, action: .queryMetrics,
      routes.gate.ready(plain: federation.handle))
  }

  private static func addLookups(_ routes: inout RouteTable) {
    let services = routes.services
    let labels = LabelEndpoints(
      bytesMax: services.queries.options.bytesMax, policy: DamagePolicy(services.queries.options))
    routes.addLookup([.get, .post], "/api/v1/labels", .getLabels, labels.names)
    routes.addLookup(.get, "/api/v1/label/{name}/values", .getLabels, labels.values)
    routes.addLookup([.get, .post], "/api/v1/series", .getSeries, labels.series)
    routes.add(.delete, "/api/v1/series", .admin, needsData: true, routes.changing(labels.delete))
    routes.addLookup(.get, "/api/v1/status/tsdb", .queryMetrics, TSDBStatusEndpoint().status)

    let metadata = MetadataEndpoints(registry: services.registry, clock: services.queries.clock)
    routes.add(.get, "/api/v1/metadata", .getMetricMetadata, needsData: true, metadata.metrics)
    let scraped = services.scraped
    let targets = TargetEndpoints(scraped: scraped, links: services.links)
    routes.add(.get, "/api/v1/targets", .serverRead, needsData: true, targets.targets)
    routes.addQueued(.get, "/api/v1/targets/metadata", .serverRead, targets.metadata)
    routes.addQueued(.get, "/api/v1/targets/relabel_steps", .serverRead, RelabelStepsEndpoint(scraped: scraped).steps)
    routes.add(.get, "/api/v1/scrape_pools", .serverRead, needsData: true, targets.pools)
    routes.add(.get, "/api/v1/scrape_pools/config", .serverRead, needsData: true, targets.poolConfiguration)
  }

  private static func addRules(_ routes: inout RouteTable) {
    let services = routes.services
    let rules = RuleEndpoints(facts: services.rules)
    routes.addQueued(.get, "/api/v1/rules", .listRules, rules.rules)
    routes.addQueued(.get, "/api/v1/alerts", .listAlerts, rules.alerts)
    routes.add(.get, "/api/v1/alertmanagers", .serverRead, needsData: true, rules.alertmanagers)
    let store = RuleStoreEndpoints(
      facts: services.rules, isEnabled: services.isRulesAPIEnabled, links: services.links)
    store.add(to: &routes, writesRun: services.lifecycle.run)
  }

  private static func addStatus(_ routes: inout RouteTable) {
    let services = routes.services
    let status = StatusEndpoints(services: services)
    routes.addForOperators(.get, "/api/v1/status/buildinfo", .queryMetrics, status.buildInfo)
    routes.addForOperators(.get, "/api/v1/status/flags", .serverRead, status.flags)
    routes.addForOperators(.get, "/api/v1/status/config", .serverRead, status.config)
    routes.addForOperators(.get, "/api/v1/status/runtimeinfo", .serverRead, status.runtimeInfo)
    routes.addForOperators(.get, "/api/v1/status/walreplay", .queryMetrics, status.walReplay)
    let ha = HAStatusEndpoint(clock: services.queries.clock)
    routes.add(.get, "/api/v1/status/ha", .queryMetrics, ha.status)
    routes.add(.get, "/api/v1/status/limits", .queryMetrics, LimitsEndpoint().limits)
    let usage = UsageEndpoint(clock: services.queries.clock, prices: services.usagePrices)
    routes.addQueued(.get, "/api/v1/status/usage", .queryMetrics, usage.usage)
    routes.add(.get, "/api/v1/notifications", .serverRead, status.notifications)
    routes.add(.get, "/api/v1/notifications/live", .serverRead, status.liveNotifications)
    let features = FeatureList(
      options: services.queries.engine.options, isAdminEnabled: services.isAdminEnabled,
      isLifecycleEnabled: services.lifecycle.isEnabled)
    routes.add(.get, "/api/v1/features", .queryMetrics, features.features)
    routes.router.add(.get, "/metrics", isForOperators: true, action: .metrics, status.metrics)
    routes.router.add(.get, "/version", isForOperators: true, action: .serverRead, status.version)
  }

  private static func addAdministration(_ routes: inout RouteTable) {
    let workspaces = routes.services.workspaces
    let actions = AdminActions(isEnabled: routes.services.isAdminEnabled) { (id) throws(APIError) in
      let database = try workspaces.find(id).workspace().database
      return database.isReady ? database.administration : nil
    }
    AdminEndpoints(actions: actions).add(
      to: &routes.router, run: routes.queued, foreignPages: ForeignPages(routes.services.links))
  }

  private static func addServer(_ routes: inout RouteTable, _ lifecycle: LifecycleEndpoints) {
    let services = routes.services
    routes.router.add(.get, "/-/healthy", isForOperators: true, action: .health, lifecycle.healthy)
    routes.router.add(.get, "/-/ready", isForOperators: true, action: .health, lifecycle.ready)
    for (path, handler) in [("/-/reload", lifecycle.reload), ("/-/quit", lifecycle.quit)] {
      let busy = RouteLimits(busyResponse: .text(503, "too many reloads and changes are waiting, try again later"))
      routes.router.add(
        [.post, .put], path, run: services.lifecycle.run, limits: busy, isForOperators: true,
        action: .serverAdmin, routes.foreignPages.refusing(handler))
      routes.router.add(.get, path, action: .serverAdmin, lifecycle.onlyPostOrPut)
    }
    let page = StatusPage(
      links: services.links, workspaces: services.workspaces, version: services.version, scraped: services.scraped)
    routes.router.add(.get, "/", action: .serverRead, page.home)
    routes.router.add(.get, "/graph", action: .serverRead, page.graph)
    for path in StatusPage.paths { routes.router.add(.get, path, action: .serverRead, page.page) }
  }
}

/// The routes while they are gathered, and what most of them have in common. One owner.
struct RouteTable {
  let services: APIServices
  let gate: APIGate
  /// Runs a handler on the query pool; the connection is suspended meanwhile.
  let queued: RouteRun
  /// Keeps pages of others from changing anything.
  let foreignPages: ForeignPages
  var router: Router
  private var withPreflight: Set<String> = []

  init(_ services: APIServices, _ lifecycle: LifecycleEndpoints) {
    self.services = services
    gate = APIGate(
      workspaces: services.workspaces, queries: services.queries, lifecycle: lifecycle, cors: services.cors)
    queued = .queued(services.queries.lane.executor)
    foreignPages = ForeignPages(services.links)
    router = Router(prefix: services.links.routePrefix)
    router.answersUnknown = ManagementEndpoints.unknown
  }

  /// An endpoint that is answered at once.
  mutating func add(
    _ methods: HTTPMethods, _ path: String, _ action: RouteAction, needsData: Bool = false,
    _ handler: @escaping APIGate.WorkspaceHandler
  ) {
    router.add(methods, path, action: action, needsData ? gate.ready(handler) : gate.always(handler))
    addPreflight(path)
  }

  /// Adds a route that answers also where there are too many connections.
  mutating func addForOperators(
    _ methods: HTTPMethods, _ path: String, _ action: RouteAction, _ handler: @escaping APIGate.WorkspaceHandler
  ) {
    router.add(methods, path, isForOperators: true, action: action, gate.always(handler))
    addPreflight(path)
  }

  /// One that reads the index.
  mutating func addLookup(
    _ methods: HTTPMethods, _ path: String, _ action: RouteAction, _ handler: @escaping APIGate.LookupHandler
  ) {
    router.add(methods, path, run: queued, action: action, gate.lookup(handler))
    addPreflight(path)
  }

  /// One that may take a while.
  mutating func addQueued(
    _ methods: HTTPMethods, _ path: String, _ action: RouteAction, _ handler: @escaping APIGate.WorkspaceHandler
  ) {
    router.add(methods, path, run: queued, action: action, gate.ready(handler))
    addPreflight(path)
  }

  /// One that evaluates, and knows its workspace itself.
  mutating func addQuery(_ path: String, _ action: RouteAction, _ handler: @escaping APIGate.PlainHandler) {
    router.add(
      [.get, .post], path, run: queued, action: action,
      gate.ready { (request, workspace) throws(APIError) in handler(request, workspace) })
    addPreflight(path)
  }

  /// The same handler, which refuses pages of another origin.
  func changing(_ handler: @escaping APIGate.WorkspaceHandler) -> APIGate.WorkspaceHandler {
    { [foreignPages] (request, workspace) throws(APIError) in
      if foreignPages.isBehind(request) { throw APIError(.forbidden, ForeignPages.text) }
      return try handler(request, workspace)
    }
  }

  mutating func addPreflight(_ path: String) {
    if withPreflight.insert(path).inserted { router.add(.options, path, action: .preflight, gate.preflight) }
  }
}
