import Discovery
import Format
import HTTP
import Model
import Platform
import PlatformSimulation
import Synchronization
import TestKit

@testable import Notify

/// A server that remembers the bodies that it was sent, and answers as it is told to.
final class RecordingServer: Sendable {
  private let server: HTTPServer
  private let seen: Recorded
  let port: Int

  struct Post: Sendable {
    var path: String
    var headers: [String: String]
    var body: String
  }

  private final class Recorded: Sendable {
    struct State: Sendable {
      var posts: [Post] = []
      var status = 200
    }
    let state = Mutex(State())
  }

  init(paths: [String] = ["/api/v2/alerts"], text: String = "") throws {
    var options = HTTPServerOptions()
    options.listenAddress = "127.0.0.1:0"
    options.threadCount = 2
    let seen = Recorded()
    var router = Router(prefix: "/")
    for path in paths {
      router.add(.post, path, readsForm: false) { request in
        var headers: [String: String] = [:]
        for name in ["content-type", "authorization", "user-agent", "x-amz-date", "host"] {
          headers[name] = request.header(named: name)
        }
        let body = String(decoding: request.body, as: UTF8.self)
        let status = seen.state.withLock { state in
          state.posts.append(Post(path: path, headers: headers, body: body))
          return state.status
        }
        return .text(status, text)
      }
    }
    self.seen = seen
    server = HTTPServer(
      options: options, log: Log(level: .error, format: .logfmt) { _ in }, metrics: MetricsRegistry(), router: router)
    try server.start()
    port = server.port
  }

  deinit { server.drain(deadlineSeconds: 0) }

  var posts: [Post] { seen.state.withLock { $0.posts } }
  func answer(_ status: Int) { seen.state.withLock { $0.status = status } }

  /// `alertname` of all alerts of all posts so far.
  var names: [String] {
    posts.flatMap { post in
      JSONDocument.read(post.body)?.elements.map { $0["labels"]?["alertname"]?.text ?? "" } ?? []
    }
  }
}

/// A notifier with its clock, metrics and log lines.
final class NotifierRig: Sendable {
  let clock: SimulatedClock
  let registry = MetricsRegistry()
  let notifier: Notifier
  private let lines: Lines

  private final class Lines: Sendable {
    let state = Mutex<[String]>([])
  }

  /// `disk`: where the state of receivers lies; nil: it does not survive.
  init(now: Int64 = 1_700_000_000_000, disk: (any Disk)? = nil) {
    clock = SimulatedClock(nowMilliseconds: now)
    let lines = Lines()
    self.lines = lines
    let log = Log(level: .info, format: .logfmt) { line in lines.state.withLock { $0.append(line) } }
    let registry = registry
    let stateFile = disk.map { disk in
      ReceiverStateFile(
        "/data/apus.notify", on: disk,
        damaged: DamagedFiles(
          Quarantine(disk, "/data/quarantine", log: log), names: ["apus.notify"], log: log, registry: registry))
    }
    notifier = Notifier(
      DiscoverySurroundings(clock: clock, log: log, registry: registry, userAgent: "Prometheus/3.5.0"),
      stateFile: stateFile)
  }

  var log: [String] { lines.state.withLock { $0 } }

  /// The value of a metric; nil where there is no such series.
  func metric(_ name: String, _ labels: [String: String] = [:]) -> Double? {
    registry.families().flatMap(\.samples).first { sample in
      sample.name == name && Dictionary(uniqueKeysWithValues: sample.labels.map { ($0.name, $0.value) }) == labels
    }?.value
  }

  func alert(
    _ name: String, resolved: Bool = false, labels: [(name: String, value: String)] = [], endsIn: Int64 = 240_000
  ) -> AlertNotice {
    let now = clock.nowMilliseconds()
    return AlertNotice(
      labels: Labels([("alertname", name)] + labels), annotations: Labels([("summary", "about \(name)")]),
      startsAt: now - 60_000, endsAt: resolved ? now : now + endsIn, isResolved: resolved,
      generatorURL: "http://localhost:9090/graph?g0.expr=up&g0.tab=1")
  }
}

extension AlertmanagerSetOptions {
  init(ports: [Int]) {
    self.init()
    discoveries = [
      .fixed([TargetGroup(source: "0", targets: ports.map { Labels([("__address__", "127.0.0.1:\($0)")]) })])
    ]
  }
}

extension JSONDocument {
  static func read(_ text: String) -> JSONDocument? { Array(text.utf8).lend { JSONDocument($0) } }
}

/// Waits for what other threads do.
func soon(_ condition: () -> Bool) -> Bool { eventually(within: .seconds(20), every: .milliseconds(5), condition) }
