import HTTP
import Model
import Outbound
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import Discovery

/// A Consul in this process: an index, queries that wait for the next one.
private final class ConsulFake: Sendable {
  private struct State {
    var index = 10
    var services: [String: [String]] = [:]
    /// JSON of the instances by service.
    var instances: [String: String] = [:]
    var failures = 0
    var requests: [String] = []
    var tokens: Set<String> = []
    var isStopping = false
  }

  private let state = Monitor(State())
  let server: ChunkServer

  init() {
    let state = state
    server = ChunkServer { request, answer in
      let query = request.query.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: "&")
      let isFailing = state.withLock { state in
        state.requests.append(request.path + (query.isEmpty ? "" : "?" + query))
        state.tokens.insert(request.headers["x-consul-token"] ?? "")
        defer { if state.failures > 0 { state.failures -= 1 } }
        return state.failures > 0
      }
      if isFailing { return answer.send(status: 500, "No cluster leader", type: "text/plain") }
      if request.path == "/v1/agent/self" { return answer.send(status: 200, #"{"Config":{"Datacenter":"dc7"}}"#) }
      let seen = request.query["index"].flatMap { Int($0) } ?? 0
      // As the real one does at the end of `wait`: the same again.
      let (index, body) =
        state.wait(until: Deadline(milliseconds: 10_000)) { state -> (Int, String)? in
          if state.index <= seen && !state.isStopping { return nil }
          if request.path == "/v1/catalog/services" {
            let all = state.services.map { name, tags in
              "\"\(name)\":[\(tags.map { "\"\($0)\"" }.joined(separator: ","))]"
            }
            return (state.index, "{\(all.joined(separator: ","))}")
          }
          return (state.index, state.instances[String(request.path.dropFirst(19))] ?? "[]")
        } ?? (seen, "{}")
      answer.send(status: 200, body, headers: ["X-Consul-Index: \(index)"])
    }
  }

  deinit { end() }

  func end() {
    state.withLock { $0.isStopping = true }
    state.wakeAll()
    server.stop()
  }

  func put(_ service: String, tags: [String] = [], _ instances: String) {
    state.withLock {
      $0.services[service] = tags
      $0.instances[service] = instances
      $0.index += 1
    }
    state.wakeAll()
  }

  func remove(_ service: String) {
    state.withLock {
      $0.services[service] = nil
      $0.index += 1
    }
    state.wakeAll()
  }

  func fail(_ times: Int) { state.withLock { $0.failures = times } }
  var requests: [String] { state.withLock { $0.requests } }
  var tokens: Set<String> { state.withLock { $0.tokens } }
}

@Suite struct ConsulTests {
  private static func instance(_ address: String, port: Int = 80, status: String = "passing") -> String {
    """
    [{"Node":{"Node":"n1","Address":"\(address)"},"Service":{"ID":"s1","Service":"s","Port":\(port)},
      "Checks":[{"CheckID":"c","Status":"\(status)"}]}]
    """
  }

  @Test("an instance has all labels of its node and service")
  func labels() throws {
    let body = """
      [{"Node":{"Node":"node1","Address":"10.0.0.1","Datacenter":"dc1","Meta":{"rack-name":"r1"},
         "TaggedAddresses":{"lan":"10.0.0.1","wan":"1.2.3.4"}},
        "Service":{"ID":"web-1","Service":"web","Tags":["a","b"],"Address":"10.0.0.9","Port":8080,"Meta":{"v.x":"2"},
         "Namespace":"ns1","Partition":"p1"},
        "Checks":[{"CheckID":"x","Status":"passing"},{"CheckID":"y","Status":"warning"}]},
       {"Node":{"Node":"node2","Address":"fd00::2"},"Service":{"ID":"web-2","Port":0},"Checks":[]}]
      """
    let group = try #require(
      ConsulAnswer.group(Array(body.utf8), service: "web", datacenter: "dc1", tagSeparator: ","))
    #expect(group.source == "web")
    #expect(group.labels == Labels([("__meta_consul_service", "web"), ("__meta_consul_dc", "dc1")]))
    let first: [(name: String, value: String)] = [
      ("__address__", "10.0.0.9:8080"), ("__meta_consul_address", "10.0.0.1"), ("__meta_consul_node", "node1"),
      ("__meta_consul_namespace", "ns1"), ("__meta_consul_partition", "p1"), ("__meta_consul_tags", ",a,b,"),
      ("__meta_consul_service_address", "10.0.0.9"), ("__meta_consul_service_port", "8080"),
      ("__meta_consul_service_id", "web-1"), ("__meta_consul_health", "warning"),
      ("__meta_consul_metadata_rack_name", "r1"), ("__meta_consul_service_metadata_v_x", "2"),
      ("__meta_consul_tagged_address_lan", "10.0.0.1"), ("__meta_consul_tagged_address_wan", "1.2.3.4"),
    ]
    #expect(group.targets.first == Labels(first))
    #expect(group.targets.last?["__address__"] == "[fd00::2]:0")
    #expect(group.targets.last?["__meta_consul_tags"] == ",,")
    #expect(group.targets.last?["__meta_consul_health"] == "passing")
  }

  @Test(
    "the health is the worst of the checks",
    arguments: [
      ("[]", "passing"), (#"[{"Status":"passing"},{"Status":"critical"},{"Status":"warning"}]"#, "critical"),
      (#"[{"CheckID":"_node_maintenance","Status":"critical"},{"Status":"critical"}]"#, "maintenance"),
      (#"[{"CheckID":"_service_maintenance:x","Status":"critical"}]"#, "maintenance"), (#"[{"Status":"odd"}]"#, ""),
    ])
  func health(checks: String, expected: String) throws {
    let group = ConsulAnswer.group(
      Array(#"[{"Checks":\#(checks)}]"#.utf8), service: "s", datacenter: "", tagSeparator: ",")
    #expect(try #require(group).targets[0]["__meta_consul_health"] ?? "" == expected)
  }

  @Test("requests are those of Consul's own client")
  func requests() {
    var options = ConsulDiscoveryOptions()
    options.server = "https://c:8501/"
    options.pathPrefix = "/p/"
    options.token = "t"
    options.datacenter = "dc"
    options.tags = ["a", "b c"]
    options.nodeMetadata = ["rack": "r1", "az": "z"]
    options.healthFilter = "Checks.Status == passing"
    let requests = ConsulRequests(options)
    let service = requests.service("my svc", index: 7)
    #expect(
      service.url
        == "https://c:8501/p/v1/health/service/my%20svc?stale=&index=7&wait=120000ms&node-meta=az%3Az&node-meta=rack%3Ar1"
        + "&filter=Checks.Status%20%3D%3D%20passing&tag=a&tag=b%20c&dc=dc")
    #expect(service.secretHeaders.map { "\($0): \($1)" } == ["X-Consul-Token: t"])
    options = ConsulDiscoveryOptions()
    options.server = "unix:///run/consul.sock"
    #expect(ConsulRequests(options).agent.unixSocket == "/run/consul.sock")
    #expect(
      ConsulRequests(ConsulDiscoveryOptions()).catalog(index: 0).url
        == "http://localhost:8500/v1/catalog/services?stale=&wait=120000ms")
  }

  @Test("a query follows the last after the refresh interval, one that failed after fifteen seconds")
  func pauses() {
    var options = ConsulDiscoveryOptions()
    options.datacenter = "dc"
    options.services = ["s"]
    options.refreshMilliseconds = 1_000
    var course = ConsulCourse(options)
    let due = course.takeDue(0)
    #expect(due.map(\.query) == [.service("s")] && course.next == nil)
    let isNew = course.found(service: "s", index: 5, 200)
    #expect(isNew)
    #expect(course.next == 1_000)
    _ = course.takeDue(1_000)
    let isSame = !course.found(service: "s", index: 5, 90_000)
    #expect(isSame)
    #expect(course.next == 90_000)
    _ = course.takeDue(90_000)
    course.failed(.service("s"), 90_010)
    #expect(course.next == 105_010)
    // A state that was restored begins anew.
    let isRestored = course.found(service: "s", index: 3, 105_020)
    #expect(isRestored)
    let again = course.takeDue(200_000)
    #expect(again.map(\.index) == [0])
  }

  @Test("of the catalog, the services with all tags are watched; those that go lose their group")
  func catalog() {
    var options = ConsulDiscoveryOptions()
    options.datacenter = "dc"
    options.tags = ["x", "y"]
    var course = ConsulCourse(options)
    _ = course.takeDue(0)
    _ = course.found(services: [("a", ["x", "y", "z"]), ("b", ["x"]), ("c", ["y", "x"])], index: 1, 0)
    #expect(course.services == ["a", "c"])
    let gone = course.found(services: [("c", [])], index: 2, 1)
    #expect(course.services == ["c"] && gone == [TargetGroup(source: "a", targets: [])])
  }

  @Test("services, their instances and their end are told; while Consul fails the last targets stay")
  func course() throws {
    let fake = ConsulFake()
    defer { fake.end() }
    fake.put("web", Self.instance("10.0.0.1"))
    let clock = SimulatedClock()
    let registry = MetricsRegistry()
    let groups = Monitor<[String: TargetGroup]>([:])
    var options = ConsulDiscoveryOptions()
    options.server = "127.0.0.1:\(fake.server.port)"
    options.token = "secret"
    let discovery = ConsulDiscovery(
      options,
      DiscoverySurroundings(
        clock: clock, log: Log(level: .error, format: .logfmt) { _ in }, registry: registry, userAgent: "Prometheus/3"))
    defer { discovery.stop() }
    discovery.start(
      DiscoverySink { change in
        guard case .one(let group) = change else { return }
        groups.withLock { $0[group.source] = group.targets.isEmpty ? nil : group }
      })
    func reaches(_ addresses: [String]) -> Bool {
      eventually(within: .seconds(20)) {
        let present = groups.withLock { $0.values.flatMap { $0.targets.compactMap { $0["__address__"] } }.sorted() }
        if present == addresses { return true }
        clock.advance(milliseconds: 5_000)
        return false
      }
    }
    #expect(reaches(["10.0.0.1:80"]))
    #expect(groups.withLock { $0["web"]?.labels["__meta_consul_dc"] } == "dc7")
    fake.put("api", Self.instance("10.0.0.2", status: "critical"))
    #expect(reaches(["10.0.0.1:80", "10.0.0.2:80"]))
    fake.fail(3)
    fake.put("web", Self.instance("10.0.0.3"))
    #expect(reaches(["10.0.0.2:80", "10.0.0.3:80"]))
    fake.remove("api")
    #expect(reaches(["10.0.0.3:80"]))
    #expect(fake.tokens == ["secret"])
    let failures = registry.families().first { $0.name == "prometheus_sd_consul_rpc_failures_total" }
    #expect((failures?.samples.first?.value ?? 0) >= 3)
  }
}
