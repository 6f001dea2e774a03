import HTTP
import Ingest
import Notify
import Platform
import PlatformSimulation
import Query
import TSDB
import TestKit
import Testing

@testable import API
import Workspaces

/// The whole HTTP surface over a database in memory, on a port of its own. One test's own.
final class APIBench {
  static let now: Int64 = 1_700_000_000_000

  let clock = SimulatedClock(nowMilliseconds: APIBench.now)
  let database: Database
  let routes: [Route]
  let queries: QueryService
  let receiver: Receiver
  let ownTarget = OwnTarget()
  private let server: HTTPServer

  init(
    isReady: Bool = true, queryOptions: QueryOptions = QueryOptions(), scrape: ScrapeView = .none,
    rules: RuleFacts = .none, isRulesAPIEnabled: Bool = false, usagePrices: UsagePrices = UsagePrices(),
    alertmanagers: AlertmanagerPassage? = nil
  ) throws {
    let registry = MetricsRegistry()
    let log = Log(level: .error, format: .logfmt) { _ in }
    let settings = WorkspaceSettings(directory: "/data")
    let workspaces = try WorkspaceSet(
      settings, in: Workspace.Surroundings(disk: SimulatedDisk(), clock: clock, log: log, registry: registry), work: nil
    )
    (database, receiver) = (workspaces.standard.database, workspaces.standard.receiver)
    try database.restore()
    if isReady {
      try database.start()
      workspaces.reconfigure([settings], createsOnWrite: false)
    }
    var queryOptions = queryOptions
    queryOptions.concurrencyMax = 2
    queries = try QueryService(queryOptions, clock: clock)
    var services = APIServices(
      workspaces: workspaces, registry: registry,
      lifecycle: LifecycleActions(isEnabled: false, reload: { nil }, quit: {}), isStopping: { false },
      version: BuildVersion(version: "1.2.3", revision: "r\"", branch: "b", buildDate: "d", compiler: "swift"),
      queries: queries, flags: [("web.name", "a\"b")], configurationText: { "global:\n  x: \"1\"\n" })
    services.scrape = scrape
    services.rules = rules
    services.isRulesAPIEnabled = isRulesAPIEnabled
    services.usagePrices = { usagePrices }
    services.ownTarget = ownTarget
    services.alertmanagers = alertmanagers
    var options = HTTPServerOptions()
    options.listenAddress = "127.0.0.1:0"
    options.threadCount = 1
    let router = Routes.router(services)
    routes = router.routes
    server = HTTPServer(options: options, log: log, metrics: registry, router: router)
    try server.start()
  }

  deinit {
    server.drain(deadlineSeconds: 0)
    queries.stop()
    database.close()
  }

  var port: Int { server.port }

  func connection() throws -> HTTPConnection { try HTTPConnection(port: UInt16(server.port)) }

  func get(_ target: String) throws -> HTTPAnswer {
    var connection = try connection()
    return try connection.exchange("GET", target)
  }

  func write(_ body: [UInt8], _ headers: [(String, String)], to path: String = "/api/v1/write") throws -> HTTPAnswer {
    var connection = try connection()
    return try connection.exchange("POST", path, headers: headers, body: body)
  }
}
