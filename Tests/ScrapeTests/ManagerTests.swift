import Discovery
import HTTP
import Ingest
import Model
import Outbound
import Platform
import PlatformSimulation
import TSDB
import TestKit
import Testing

@testable import Scrape

@Suite struct ManagerTests {
  @Test(
    "a manager as the server has it: a fixed target of the configuration is found, scraped, and its samples are stored")
  func whole() throws {
    var options = HTTPServerOptions()
    options.listenAddress = "127.0.0.1:0"
    var router = Router(prefix: "/")
    router.add(.get, "/metrics") { _ in
      var response = Response(status: 200, body: .bytes(Array("# HELP a Some.\n# TYPE a counter\na{l=\"x\"} 7\n".utf8)))
      response.headers.append(("Content-Type", "text/plain; version=0.0.4"))
      return response
    }
    let log = Log(level: .error, format: .logfmt) { _ in }
    let server = HTTPServer(options: options, log: log, metrics: MetricsRegistry(), router: router)
    try server.start()
    defer { server.drain(deadlineSeconds: 0) }
    let address = "127.0.0.1:\(server.port)"

    let clock = SystemClock()
    let registry = MetricsRegistry()
    let disk = SimulatedDisk()
    let database = try Database.open(
      DatabaseOptions(directory: "/data"), disk: disk, clock: clock, log: log, registry: registry)
    try database.restore()
    let intake = Intake(
      Appender(database), limits: IngestLimits(), clock: clock, log: log, metrics: ReceiverMetrics(registry),
      replicas: HATracker(
        HAOptions(), path: database.layout.haLeaders, disk: disk, clock: clock, log: log, damaged: database.damaged,
        registry: registry))
    let manager = try ScrapeManager(
      DiscoverySurroundings(clock: clock, log: log, registry: registry, userAgent: "Prometheus/3.5.0"), into: intake)
    let job = ScrapeOptions.test(interval: 200, timeout: 200) { job in
      job.discoveries = [.fixed([TargetGroup(source: "0", targets: [Labels([("__address__", address)])])])]
    }
    manager.reconfigure([job], externalLabels: .empty)
    #expect(
      eventually(within: .seconds(60)) {
        manager.activeTargets().first?.health == .up && manager.metadata().first?.metadata.isEmpty == false
      }, "\(manager.activeTargets())")
    func series(_ name: String) throws -> [String] {
      try database.head.select([CompiledMatcher(Matcher(.equal, "__name__", name))]).map { "\($0.labels)" }
    }
    #expect(try series("a") == [#"{__name__="a", instance="\#(address)", job="job", l="x"}"#])
    #expect(try series("up") == [#"{__name__="up", instance="\#(address)", job="job"}"#])
    manager.stop()
    let state = manager.activeTargets().first
    sleepThread(.milliseconds(250))
    #expect(manager.activeTargets().first == state)
  }
}
