import API
import Discovery
import HTTP
import Ingest
import Model
import Notify
import Platform
import Query
import Rules
import Scrape
import Synchronization
import TSDB
import Workspaces

/// The reason why the server does not start: one line for an operator.
struct StartError: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

/// The whole server, built bottom-up on one page. Immutable once built; `Lifecycle` starts and ends it.
final class Assembly: Sendable {
  let log: Log
  let clock: any Clock
  let registry: MetricsRegistry
  /// The threads that keep databases in order.
  let work: SharedWork
  let workspaces: WorkspaceSet
  let queries: QueryService
  let queryLog: QueryLog
  let remoteReadLane: QueryLane
  /// The thread that reads the configuration again: opening workspaces waits for disks.
  let reloads: WorkerPool
  let scrapes: ScrapeManager
  /// The threads on which rules are evaluated.
  let ruleWork: RuleWork
  let notifier: Notifier
  let definitions: DefinitionDelivery
  let passage: AlertmanagerPassage
  let access: AccessControl
  let ownTarget: OwnTarget
  let ownCoverage: OwnCoverage
  let servers: [HTTPServer]
  let heapTrim: HeapTrim
  let configuration: ConfigurationHolder
  let stopping: StoppingFlag
  let areOwnMetricsStored: Bool
  let shutdownGraceMilliseconds: Int64
  /// Held while the database is open.
  let lock: DirectoryLock?

  private static let reloadsQueuedMax = 16

  init(_ options: ServeOptions, _ configuration: ConfigurationHolder, log: Log) throws(StartError) {
    self.log = log
    self.configuration = configuration
    let clock = SystemClock()
    let registry = MetricsRegistry()
    self.clock = clock
    self.registry = registry
    stopping = StoppingFlag()
    areOwnMetricsStored = options.areOwnMetricsStored
    shutdownGraceMilliseconds = options.shutdownGraceMilliseconds
    ProcessMetrics.register(in: registry)
    BuildMetrics.register(in: registry)
    configuration.register(in: registry)

    // What others may hold comes first, and touches nothing: the ports, then the directory.
    let sockets = try Assembly.bind(options.listenAddresses)
    lock = try Assembly.takeDirectory(options, log)

    let present = configuration.present
    Assembly.tellStart(options, present, sockets, log)
    let outside = DiscoverySurroundings(
      clock: clock, log: log, registry: registry, userAgent: Version.userAgent,
      environment: configuration.environment)
    queryLog = try Assembly.queryLog(present, clock, log)
    do throws(ThreadError) {
      work = try SharedWork(clock: clock, databasesMax: WorkspaceBound.workspacesMax)
      queries = try QueryService(QueryOptions(options), clock: clock, registry: registry, queryLog: queryLog)
      let readsMax = options.remoteReadsMax > 0 ? options.remoteReadsMax : options.queriesMax
      // No expression is evaluated there.
      remoteReadLane = try QueryLane(
        name: "remote-read", concurrencyMax: readsMax, queuedMax: options.queriesQueuedMax,
        stackBytes: NamedThread.stackBytesDefault)
      heapTrim = try HeapTrim(registry: registry)
      reloads = try WorkerPool(name: "reload", threadCount: 1, queueLimit: Assembly.reloadsQueuedMax)
    } catch {
      throw StartError("\(error)")
    }
    ruleWork = RuleWork(clock: clock)
    var surroundings = Workspace.Surroundings(disk: LinuxDisk(), clock: clock, log: log, registry: registry)
    if options.isLockFileUsed {
      surroundings.takeFolder = { (path) throws(DirectoryLockError) in try DirectoryLock(inside: path) }
    }
    surroundings.aside = { work in
      do throws(ThreadError) { _ = try NamedThread(name: "remove", work) } catch { work() }
    }
    let told = AlertsOut()
    surroundings.rules = SharedRules(queries: queries, work: ruleWork, send: told.send)
    let ownURL = "http://\(HostFacts.hostName):\(sockets.first?.port ?? 9090)"
    do throws(DatabaseError) {
      workspaces = try WorkspaceSet(
        present.reached(at: ownURL).standard, in: surroundings, work: work, bound: WorkspaceBound(options),
        onOpen: LimitMetrics.register(_:in:))
    } catch {
      throw StartError("\(error)")
    }
    notifier = Assembly.notifier(outside, workspaces)
    told.begin(notifier)
    definitions = DefinitionDelivery(notifier, outside, disk: LinuxDisk())
    do throws(ThreadError) {
      scrapes = try ScrapeManager(
        outside, into: workspaces.standard.receiver.intake, options: configuration.present.scraping)
      passage = try AlertmanagerPassage(outside)
    } catch {
      throw StartError("\(error)")
    }

    let address = OwnAddress(
      port: sockets.first?.port ?? 9090, metricsPath: WebLinks(routePrefix: options.routePrefix).routePrefix + "metrics"
    )
    ownCoverage = OwnCoverage(
      address, clock: clock, jobs: { [configuration] in configuration.present.scrapes },
      targets: { [scrapes] in scrapes.activeTargets() })
    ownTarget = OwnTarget { [ownCoverage] in ownCoverage.isCovered }

    var lifecycle = LifecycleActions(
      isEnabled: options.isLifecycleEnabled, reload: { [configuration] in configuration.reload() },
      quit: { ProcessSignals.send(.terminate) })
    lifecycle.run = .queued { [reloads] work in reloads.submit(work) }
    var services = APIServices(
      workspaces: workspaces, registry: registry, lifecycle: lifecycle,
      isStopping: { [stopping] in stopping.isSet }, version: Version.build, queries: queries, flags: options.flags,
      configurationText: { [configuration] in configuration.present.text })
    services.externalLabels = { [configuration] in configuration.present.global.externalLabels }
    services.links = WebLinks(
      externalURL: options.externalURL, routePrefix: options.routePrefix, ownPort: sockets.first?.port ?? 9090)
    services.runtime = Assembly.runtime(configuration, clock)
    services.ownTarget = ownTarget
    services.scrape = ScrapeView(scrapes)
    services.remoteRead = RemoteReadOptions(options)
    services.remoteReadLane = remoteReadLane
    services.isAdminEnabled = options.isAdminAPIEnabled
    services.rules = RuleFacts(
      groups: { $0.rules.shown }, alertmanagers: { [notifier] _ in notifier.shown }, store: { $0.rules.store })
    services.usagePrices = { [configuration] in configuration.present.usagePrices }
    services.isRulesAPIEnabled = options.isRulesAPIEnabled
    access = try AccessControl(options, workspaces, clock: clock, log: log, registry: registry)
    services.management = try Assembly.management(options, workspaces, access, definitions, clock, log)
    services.alertmanagers = passage
    services.cors = try Assembly.cors(options, access)
    services.slowQueryLog = try Assembly.slowQueryLog(options, log)
    let router = Routes.router(services)
    servers = sockets.map { [heapTrim, access] socket in
      var options = HTTPServerOptions(options, socket)
      access.apply(to: &options)
      options.memoryFreed = { heapTrim.note() }
      return HTTPServer(options: options, log: log, metrics: registry, router: router)
    }
    configuration.onReload { [workspaces, scrapes, queries, queryLog, notifier, definitions, passage] configuration in
      let configuration = configuration.reached(at: ownURL)
      Assembly.reopen(queryLog, configuration, log)
      queries.reconfigure(subqueryStepMilliseconds: configuration.global.evaluationMilliseconds)
      notifier.reconfigure(NotifyOptions(configuration, options))
      passage.reconfigure(configuration.alertmanagers)
      definitions.reconfigure(configuration.alertmanagers, allowsPrivate: configuration.allowsPrivateReceivers)
      workspaces.reconfigure(configuration)
      scrapes.reconfigure(
        configuration.scrapes, externalLabels: configuration.global.externalLabels, server: configuration.scraping)
    }
  }

  /// The receivers' states lie beside the default workspace's data.
  private static func notifier(_ outside: DiscoverySurroundings, _ workspaces: WorkspaceSet) -> Notifier {
    let database = workspaces.standard.database
    let file = ReceiverStateFile(database.layout.notify, on: LinuxDisk(), damaged: database.damaged)
    return Notifier(outside, stateFile: file)
  }

  /// The policy of the flag. Without it no other origin reads answers once clients have to say who they are.
  private static func cors(_ options: ServeOptions, _ access: AccessControl) throws(StartError) -> CORSPolicy {
    guard let origin = options.corsOrigin else { return access.asksForCredentials ? .none : .any }
    do throws(RegexError) {
      return try CORSPolicy(origin)
    } catch {
      throw StartError("--web.cors.origin: \(error)")
    }
  }

  private static func slowQueryLog(_ options: ServeOptions, _ log: Log) throws(StartError) -> SlowQueryLog? {
    if options.slowQueryLogFile.isEmpty { return nil }
    do throws(DiskError) {
      return try SlowQueryLog(
        options.slowQueryLogFile, thresholdMilliseconds: options.slowQueryMilliseconds, disk: LinuxDisk(), log: log)
    } catch {
      throw StartError("--query.slow-log-file: \(error)")
    }
  }

  private static func bind(_ addresses: [ListenAddress]) throws(StartError) -> [BoundSocket] {
    var sockets: [BoundSocket] = []
    for address in addresses {
      do throws(HTTPServerError) {
        sockets.append(try BoundSocket(address.description))
      } catch {
        throw StartError("\(error)")
      }
    }
    return sockets
  }

  /// Makes the data directory where it is missing and takes it for this process.
  private static func takeDirectory(_ options: ServeOptions, _ log: Log) throws(StartError) -> DirectoryLock? {
    do throws(DiskError) {
      try LinuxDisk().makeDirectories(options.dataDirectory)
    } catch {
      throw StartError("data directory \(options.dataDirectory) cannot be used: \(error)")
    }
    guard options.isLockFileUsed else { return nil }
    do throws(DirectoryLockError) {
      return try DirectoryLock(options.dataDirectory) { lost in
        log.error("The data directory was taken by another process; stopping", ["err": "\(lost)"])
        ProcessSignals.send(.terminate)
      }
    } catch {
      throw StartError("\(error)")
    }
  }
}

/// Set once the server is on its way out. Any thread.
final class StoppingFlag: Sendable {
  private let flag = Atomic<Bool>(false)
  var isSet: Bool { flag.load(ordering: .relaxed) }
  func set() { flag.store(true, ordering: .relaxed) }
}
