import Model
import Outbound
import Platform
import PlatformSimulation
import Synchronization
import TestKit
import Testing

@testable import Discovery

/// Discoveries over real sockets, against a server in this process; pauses pass in simulated time.
@Suite struct KubernetesWatchTests {
  private static let pods = "/api/v1/pods"

  /// Discoveries of one cluster, and the groups that they have told.
  private final class Bench: Sendable {
    let fake = KubernetesFake()
    let clock = SimulatedClock()
    let registry = MetricsRegistry()
    let clusters = KubernetesClusters(log: Log(level: .error, format: .logfmt) { _ in })
    let lines = Monitor<[String]>([])
    private let groups = Monitor<[String: [String: TargetGroup]]>([:])
    private let running = Mutex<[any Discoverer]>([])

    deinit { for discovery in running.withLock({ $0 }) { discovery.stop() } }

    var surroundings: KubernetesSurroundings {
      KubernetesSurroundings(
        clock: clock, log: Log(level: .warn, format: .logfmt) { [lines] line in lines.withLock { $0.append(line) } },
        metrics: KubernetesMetrics(registry), userAgent: "Prometheus/3.0")
    }

    @discardableResult
    func start(
      _ name: String = "job", _ surroundings: KubernetesSurroundings? = nil,
      _ change: (inout KubernetesDiscoveryOptions) -> Void = { _ in }
    ) throws -> any Discoverer {
      var options = KubernetesDiscoveryOptions()
      options.apiServer = fake.server.url + "/"
      change(&options)
      let discovery = KubernetesDiscovery(
        options, try KubernetesAccess(options, environment: [:]), clusters, surroundings ?? self.surroundings)
      running.withLock { $0.append(discovery) }
      discovery.start(
        DiscoverySink { [groups] change in
          groups.withLock { groups in
            switch change {
            case .all(let all): groups[name] = Dictionary(uniqueKeysWithValues: all.map { ($0.source, $0) })
            case .one(let group): groups[name, default: [:]][group.source] = group.targets.isEmpty ? nil : group
            }
          }
        })
      return discovery
    }

    func addresses(_ name: String = "job") -> [String] {
      groups.withLock { ($0[name] ?? [:]).values.flatMap { $0.targets.compactMap { $0["__address__"] } }.sorted() }
    }

    func reaches(_ addresses: [String], _ name: String = "job") -> Bool {
      eventually { self.addresses(name) == addresses }
    }

    /// Asks until it is so, while simulated time passes.
    func eventually(_ condition: () -> Bool) -> Bool {
      TestKit.eventually(within: .seconds(20)) {
        if condition() { return true }
        clock.advance(milliseconds: 500)
        return false
      }
    }

    func put(_ name: String, ip: String) {
      fake.put(KubernetesWatchTests.pods, name) { KubernetesShape.pod(name, ip: ip, version: $0) }
    }

    func metric(_ name: String, _ label: String = "") -> Double {
      registry.families().filter { $0.name == "prometheus_sd_kubernetes_" + name }.flatMap(\.samples)
        .filter { label.isEmpty || $0.labels.map { $0.value }.joined(separator: " ") == label }.reduce(0) {
          $0 + $1.value
        }
    }

    func lists() -> [String] { fake.requests.filter { !$0.contains("watch=1") } }
  }

  @Test("objects of the list and what the watch adds, changes and deletes are targets")
  func course() throws {
    let bench = Bench()
    bench.put("a", ip: "1.1.1.1")
    try bench.start()
    #expect(bench.reaches(["1.1.1.1:80"]))
    bench.put("b", ip: "2.2.2.2")
    #expect(bench.reaches(["1.1.1.1:80", "2.2.2.2:80"]))
    bench.put("a", ip: "3.3.3.3")
    #expect(bench.reaches(["2.2.2.2:80", "3.3.3.3:80"]))
    bench.fake.delete(Self.pods, "b")
    #expect(bench.reaches(["3.3.3.3:80"]))
    #expect(bench.lists() == ["/api/v1/pods?limit=500&resourceVersion=0"])
    #expect(bench.metric("events_total", "pod add") == 2)
    #expect(bench.metric("events_total", "pod update") == 1)
    #expect(bench.metric("events_total", "pod delete") == 1)
    #expect(bench.metric("events_total", "node add") == 0)
    #expect(bench.metric("failures_total") == 0)
  }

  @Test("a watch that ends goes on from the last version, which a bookmark tells too")
  func bookmark() throws {
    let bench = Bench()
    bench.put("a", ip: "1.1.1.1")
    try bench.start()
    #expect(bench.reaches(["1.1.1.1:80"]))
    bench.fake.bookmark(Self.pods)
    let version = bench.fake.version
    #expect(bench.eventually { bench.fake.watchCount == 1 })
    bench.fake.cutWatches()
    #expect(bench.eventually { bench.fake.requests.last?.contains("resourceVersion=\(version)&") == true })
    bench.put("b", ip: "2.2.2.2")
    #expect(bench.reaches(["1.1.1.1:80", "2.2.2.2:80"]))
    #expect(bench.lists().count == 1)
  }

  @Test("410 lists again, page by page, and what the list does not name is gone", arguments: [false, true])
  func expired(byEvent: Bool) throws {
    let bench = Bench()
    for name in ["a", "b", "c", "d"] { bench.put(name, ip: "1.1.1.\(name.utf8.first ?? 0)") }
    try bench.start()
    #expect(bench.reaches(["1.1.1.100:80", "1.1.1.97:80", "1.1.1.98:80", "1.1.1.99:80"]))
    bench.fake.delete(Self.pods, "b", silently: true)
    bench.fake.expire(byEvent: byEvent)
    bench.fake.cutWatches()
    #expect(bench.reaches(["1.1.1.100:80", "1.1.1.97:80", "1.1.1.99:80"]))
    #expect(
      bench.lists() == [
        "/api/v1/pods?limit=500&resourceVersion=0", "/api/v1/pods?limit=500", "/api/v1/pods?continue=2&limit=500",
      ])
    #expect(bench.metric("events_total", "pod delete") == 1)
    #expect(bench.metric("failures_total") == 0)
  }

  @Test("a connection that breaks within a line loses nothing")
  func cut() throws {
    let bench = Bench()
    bench.put("a", ip: "1.1.1.1")
    try bench.start()
    #expect(bench.reaches(["1.1.1.1:80"]))
    bench.fake.cutWatches(within: #"{"type":"ADDED","object":{"metadata":{"na"#)
    bench.put("b", ip: "2.2.2.2")
    #expect(bench.reaches(["1.1.1.1:80", "2.2.2.2:80"]))
    #expect(bench.lists().count == 1)
  }

  @Test("a watch that neither speaks nor ends is given up")
  func silence() throws {
    let bench = Bench()
    bench.put("a", ip: "1.1.1.1")
    bench.fake.mute(true)
    var surroundings = bench.surroundings
    surroundings.watchSeconds = 1...1
    surroundings.watchGraceMilliseconds = 100
    try bench.start("job", surroundings)
    #expect(bench.reaches(["1.1.1.1:80"]))
    #expect(bench.eventually { bench.fake.watchCount == 1 })
    bench.put("b", ip: "2.2.2.2")
    bench.fake.mute(false)
    #expect(bench.reaches(["1.1.1.1:80", "2.2.2.2:80"]))
    #expect(bench.lists().count == 1)
  }

  @Test("while the API is away or busy the last targets stay, and the watch goes on later")
  func busy() throws {
    let bench = Bench()
    bench.put("a", ip: "1.1.1.1")
    try bench.start()
    #expect(bench.reaches(["1.1.1.1:80"]))
    #expect(bench.eventually { bench.fake.watchCount == 1 })
    bench.fake.refuse("/pods", 429, times: 3, headers: ["Retry-After: 1"])
    bench.fake.cutWatches()
    #expect(bench.eventually { bench.metric("failures_total") == 3 })
    #expect(bench.addresses() == ["1.1.1.1:80"])
    bench.put("b", ip: "2.2.2.2")
    #expect(bench.reaches(["1.1.1.1:80", "2.2.2.2:80"]))
    #expect(bench.lists().count == 1)
    #expect(bench.metric("http_request_total", "429") == 3)
    // Told once, not three times.
    let told = bench.lines.withLock { $0 }
    #expect(told.count == 1 && told[0].contains("429") && told[0].contains("too bad"))
  }

  @Test("a 500 lists again; nothing is lost meanwhile")
  func broken() throws {
    let bench = Bench()
    bench.put("a", ip: "1.1.1.1")
    try bench.start()
    #expect(bench.reaches(["1.1.1.1:80"]))
    #expect(bench.eventually { bench.fake.watchCount == 1 })
    bench.fake.refuse("/pods", 500, times: 2)
    bench.fake.cutWatches()
    #expect(bench.eventually { bench.lists().count == 3 })
    #expect(bench.addresses() == ["1.1.1.1:80"])
    bench.put("b", ip: "2.2.2.2")
    #expect(bench.reaches(["1.1.1.1:80", "2.2.2.2:80"]))
  }

  @Test("jobs share a watch for what they all look at, and it ends with the last of them")
  func shared() throws {
    let bench = Bench()
    bench.put("a", ip: "1.1.1.1")
    let one = try bench.start("one")
    let two = try bench.start("two") { $0.attached.namespace = true }
    #expect(bench.reaches(["1.1.1.1:80"], "one") && bench.reaches(["1.1.1.1:80"], "two"))
    #expect(
      bench.lists().sorted() == [
        "/api/v1/namespaces?limit=500&resourceVersion=0", "/api/v1/pods?limit=500&resourceVersion=0",
      ])
    one.stop()
    bench.put("b", ip: "2.2.2.2")
    #expect(bench.reaches(["1.1.1.1:80", "2.2.2.2:80"], "two"))
    #expect(bench.addresses("one") == ["1.1.1.1:80"])
    two.stop()
    let count = bench.fake.requests.count
    bench.fake.cutWatches()
    try bench.start("three")
    try bench.start("four")
    #expect(bench.reaches(["1.1.1.1:80", "2.2.2.2:80"], "three"))
    // The watches before did not begin again.
    #expect(bench.fake.requests[count...].filter { $0.contains("/pods") && !$0.contains("watch=1") }.count == 1)
  }

  @Test("selectors go to the server")
  func selectors() throws {
    let bench = Bench()
    try bench.start {
      $0.namespaces = ["web"]
      var selector = KubernetesDiscoveryOptions.Selector()
      selector.role = "pod"
      selector.label = "app in (a, b)"
      selector.field = "spec.nodeName=n"
      $0.selectors = [selector]
    }
    #expect(
      bench.eventually {
        bench.lists() == [
          "/api/v1/namespaces/web/pods?fieldSelector=spec.nodeName=n&labelSelector=app in (a, b)&limit=500"
            + "&resourceVersion=0"
        ]
      })
  }

  @Test("a token that has expired is read again from its file")
  func token() throws {
    let folder = try TemporaryDirectory("token")
    try folder.write("one\n", to: "token")
    let bench = Bench()
    bench.put("a", ip: "1.1.1.1")
    bench.fake.require(token: "one")
    try bench.start {
      $0.client.credentials = .authorization(type: "Bearer", credentials: .file(folder.path("token")))
    }
    #expect(bench.reaches(["1.1.1.1:80"]))
    #expect(bench.eventually { bench.fake.watchCount == 1 })
    bench.fake.require(token: "two")
    bench.fake.cutWatches()
    #expect(bench.eventually { bench.metric("http_request_total", "401") >= 2 })
    #expect(bench.addresses() == ["1.1.1.1:80"])
    try folder.write("two\n", to: "token")
    bench.put("b", ip: "2.2.2.2")
    #expect(bench.reaches(["1.1.1.1:80", "2.2.2.2:80"]))
  }
}
