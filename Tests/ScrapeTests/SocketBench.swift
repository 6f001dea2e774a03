import Discovery
import Glibc
import HTTP
import Model
import Outbound
import Platform
import PlatformSimulation
import TestKit

@testable import Scrape

/// A manager with the threads and the network of a server, and an HTTP server for targets. What would be stored is written
/// down.
final class SocketBench {
  let server: HTTPServer
  let scraper: Scraper
  let manager: ScrapeManager
  let record = ScrapeRecord()
  var address: String { "127.0.0.1:\(server.port)" }

  init(_ routes: (inout Router) -> Void) throws {
    var options = HTTPServerOptions()
    options.listenAddress = "127.0.0.1:0"
    options.threadCount = 3
    var router = Router(prefix: "/")
    routes(&router)
    let log = Log(level: .error, format: .logfmt) { _ in }
    server = HTTPServer(options: options, log: log, metrics: MetricsRegistry(), router: router)
    try server.start()
    let clock = SystemClock()
    let registry = MetricsRegistry()
    let metrics = ScrapeMetrics(registry, clock: clock)
    let wheel = TimeWheel(clock, name: "scrape-wheel")
    let workers = try WorkerPool(name: "scrape", threadCount: Processors.count, queueLimit: 1_000)
    scraper = Scraper(
      wheel, try LoopExchange(), metrics, log: log, options: ScrapeServerOptions(), submit: { workers.submit($0) },
      prepare: { workers.submit($0) })
    let record = record
    manager = ScrapeManager(
      ScrapeManager.Parts(
        scraper: scraper, metrics: metrics, clock: clock, log: log, disk: SimulatedDisk(), host: "a",
        userAgent: "Prometheus/3.5.0",
        makeSeries: { _, labels, _ in SeriesRoom(FakeSeries(labels, record)) },
        stopThreads: { _ = workers.stop(within: $0) }),
      registry: registry)
    try wheel.start()
  }

  deinit { server.drain(deadlineSeconds: 0) }

  /// One job with the server as its target.
  func scrape(interval: Int64, _ change: (inout ScrapeOptions) -> Void = { _ in }) {
    manager.reconfigure([.test(interval: interval, timeout: interval, change)], externalLabels: .empty)
    find("job", [address])
  }

  /// Targets of a job, told apart by a label.
  func find(_ job: String, _ addresses: [String]) {
    let targets = addresses.enumerated().map { Labels([("__address__", $1), ("n", "\($0)")]) }
    manager.take([job: [TargetGroup(source: "test", targets: targets)]])
  }

  var state: TargetState? { manager.activeTargets(of: "job").first }

  func stop() { manager.stop() }
}

/// A socket that takes connections and says nothing.
final class SilentListener {
  let port: Int
  private let descriptor: Int32

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(descriptor, address, length) == 0 && listen(descriptor, 1_024) == 0
          && getsockname(descriptor, address, &length) == 0
      }
    }
    if !isBound { throw DiskError(operation: "listen", path: "127.0.0.1", code: errno) }
    port = Int(in_port_t(bigEndian: address.sin_port))
  }

  deinit { close(descriptor) }
}

/// The names of this process's threads.
enum ThreadNames {
  static func count(where isCounted: (String) -> Bool) -> Int {
    guard let tasks = try? LinuxDisk().list("/proc/self/task") else { return 0 }
    return tasks.count { task in
      guard let file = try? LinuxDisk().open("/proc/self/task/\(task)/comm", .read),
        let bytes = try? file.bytes(64, at: 0)
      else { return false }
      return isCounted(String(decoding: bytes, as: UTF8.self))
    }
  }
}
