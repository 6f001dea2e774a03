import Model
import Platform
import Synchronization
import TestKit
import Testing

@testable import Discovery

@Suite("Targets that a server tells")
struct HTTPDiscoveryTests {
  private static func answer(
    _ body: String, status: String = "200 OK", type: String = "application/json"
  ) -> String {
    "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  private func discovery(_ url: String, refreshMilliseconds: Int64 = 60_000) -> (HTTPDiscovery, MetricsRegistry) {
    var options = HTTPDiscoveryOptions()
    options.url = url
    options.refreshMilliseconds = refreshMilliseconds
    let registry = MetricsRegistry()
    let surroundings = DiscoverySurroundings(
      clock: SystemClock(), log: Log(level: .error, format: .logfmt) { _ in }, registry: registry,
      userAgent: "Prometheus/3.5.3")
    return (HTTPDiscovery(options, surroundings), registry)
  }

  @Test("groups are those of the body, with the URL as label, and the request says who asks and how often")
  func groups() throws {
    let server = try ScriptedServer(
      answer: HTTPDiscoveryTests.answer(
        "[{\"targets\":[\"a:1\",\"b:2\"],\"labels\":{\"x\":\"y\"}},{\"targets\":[\"c:3\"]}]"))
    let (discovery, registry) = discovery(server.url("/sd?x=1"), refreshMilliseconds: 1_500)
    let groups = try discovery.refresh { false }
    let url = server.url("/sd?x=1")
    #expect(
      groups == [
        fixed("a:1", "b:2", source: "\(url):0", labels: [("x", "y"), ("__meta_url", url)]),
        fixed("c:3", source: "\(url):1", labels: [("__meta_url", url)]),
      ])
    let head = try #require(server.requests.first).lowercased()
    #expect(head.hasPrefix("get /sd?x=1 http/1.1\r\n"))
    for line in [
      "accept: application/json", "user-agent: prometheus/3.5.3", "x-prometheus-refresh-interval-seconds: 1.5",
    ] { #expect(head.contains("\r\n\(line)\r\n"), "\(head)") }
    #expect(exposition(registry).contains("prometheus_sd_http_failures_total 0"))
  }

  @Test(
    "what is no list of targets is refused in Prometheus's words, and counted",
    arguments: [
      ("[]", "500 Internal Server Error", "application/json", "server returned HTTP status 500 Internal Server Error"),
      ("[]", "204 No Content", "application/json", "server returned HTTP status 204 No Content"),
      ("[]", "200 OK", "text/html", "unsupported content type \"text/html\""),
      (
        "[]", "200 OK", "application/json; charset=latin1",
        "unsupported content type \"application/json; charset=latin1\""
      ),
      ("[{\"target\":[]}]", "200 OK", "application/json", "json: unknown field \"target\""),
      ("[null]", "200 OK", "application/json", "nil target group item found"),
      ("", "200 OK", "application/json", "unexpected end of JSON input"),
    ])
  func refused(body: String, status: String, type: String, message: String) throws {
    let server = try ScriptedServer(answer: HTTPDiscoveryTests.answer(body, status: status, type: type))
    let (discovery, registry) = discovery(server.url("/"))
    #expect(throws: DiscoveryError(message)) { try discovery.refresh { false } }
    #expect(exposition(registry).contains("prometheus_sd_http_failures_total 1"))
  }

  @Test(
    "the type is JSON in any case, also with UTF-8",
    arguments: [
      ("application/json", true), ("Application/JSON; charset=UTF-8", true),
      ("application/json;charset=\"utf-8\"", true),
      (" application/json ", true), ("application/json ; charset=utf-8", false), ("application/json;", false),
      ("", false),
      ("application/jsonx", false),
    ])
  func types(type: String, isJSON: Bool) {
    #expect(HTTPDiscovery.isJSON(type) == isJSON)
  }

  @Test("a server that hangs is given up after the interval, and one that is gone is named")
  func hangs() throws {
    let released = Monitor(false)
    let server = try ScriptedServer { _ in
      _ = released.wait { $0 ? true : nil }
      return ""
    }
    let url = server.url("/")
    let (slow, _) = discovery(url, refreshMilliseconds: 200)
    #expect(throws: DiscoveryError("Get \"\(url)\": context deadline exceeded")) { try slow.refresh { false } }
    released.withLock { $0 = true }
    released.wakeAll()
    let port = FreePort.next()
    let (gone, _) = discovery("http://u:secret@127.0.0.1:\(port)/")
    #expect(
      throws: DiscoveryError(
        "Get \"http://u:***@127.0.0.1:\(port)/\": dial tcp 127.0.0.1:\(port): connect: connection refused")
    ) { try gone.refresh { false } }
  }

  @Test("fewer groups take the others away, and a failure keeps what was there")
  func fewer() throws {
    let bodies = Mutex([
      HTTPDiscoveryTests.answer("[{\"targets\":[\"a:1\"]},{\"targets\":[\"b:2\"]}]"),
      HTTPDiscoveryTests.answer("x", status: "503 Service Unavailable"),
      HTTPDiscoveryTests.answer("[{\"targets\":[\"a:1\"]}]"), HTTPDiscoveryTests.answer("[]"),
    ])
    let server = try ScriptedServer { _ in bodies.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] } }
    var options = HTTPDiscoveryOptions()
    options.url = server.url("/")
    options.refreshMilliseconds = 300
    let bench = DiscoveryBench()
    defer { bench.set.stop() }
    bench.set.apply([("j", [.http(options)])])
    #expect(bench.told.waits(for: ["a:1", "b:2"], of: "j"))
    #expect(
      bench.told.waitsForLine("err=\"server returned HTTP status 503 Service Unavailable\" discovery=http config=j"))
    #expect(bench.told.waits(for: [], of: "j"))
    #expect(
      bench.metrics("prometheus_sd_refresh_failures_total{") == [
        "prometheus_sd_refresh_failures_total{config=\"j\",mechanism=\"http\"} 1"
      ])
  }

  @Test("seconds have no needless digits", arguments: [(60_000, "60"), (1_500, "1.5"), (50, "0.05"), (0, "0")])
  func seconds(milliseconds: Int64, text: String) {
    #expect(HTTPDiscovery.seconds(milliseconds) == text)
  }
}
