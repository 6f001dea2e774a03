import Ingest
import Model
import Platform
import Scrape
import TestKit
import Testing

@testable import API

@Suite struct TargetEndpointTests {
  private static func target(_ pool: String, _ host: String, _ path: String = "metrics") -> TargetState {
    TargetState(
      pool: pool, discoveredLabels: Labels([("__address__", host), ("__meta_x", "<y>"), ("job", pool)]),
      labels: Labels([("instance", host), ("job", pool)]), url: "http://\(host)/\(path)?a=b",
      intervalMilliseconds: 15_000,
      timeoutMilliseconds: 2_500)
  }

  private static let view: ScrapeView = {
    var up = target("node", "host:9100")
    (up.health, up.lastMilliseconds, up.lastSeconds) = (.up, 1_700_000_000_123, 0.25)
    var down = target("zoo", "127.0.0.1:1")
    (down.health, down.lastError, down.lastMilliseconds) = (.down, "Get \"x\": <refused>", 1_700_000_001_000)
    let fresh = target("node", "other:9100")
    let active = [up, fresh, down]
    let dropped = [
      DroppedTarget(pool: "zoo", discoveredLabels: Labels([("__address__", "d")])),
      DroppedTarget(pool: "node", discoveredLabels: Labels([("__address__", "e")])),
    ]
    var options = ScrapeOptions()
    options.jobName = "node"
    options.text = "job_name: node\npassword: <secret>\n"
    options.relabelling = [
      RelabelRule(.replace, of: ["a", "b"], regex: "(.*);x", to: "c", replacement: "$1&"),
      RelabelRule(.drop, of: ["c"], regex: "gone.*"), RelabelRule(.labeldrop, regex: "a|b"),
    ]
    let node = options
    let metadata = [
      (
        up,
        [
          TargetMetadata(metric: "a_total", metadata: MetricMetadata(kind: .counter, help: "A <b>.", unit: "")),
          TargetMetadata(metric: "b_seconds", metadata: MetricMetadata(kind: .gauge, help: "", unit: "seconds")),
        ]
      ), (down, [TargetMetadata(metric: "a_total", metadata: MetricMetadata(kind: .gauge, help: "", unit: ""))]),
    ].map { (target: $0.0, metadata: $0.1) }
    return ScrapeView(
      pools: { ["empty", "node", "zoo"] }, options: { $0 == "node" ? node : nil },
      activeTargets: { pool in active.filter { pool == nil || $0.pool == pool } },
      droppedTargets: { pool in dropped.filter { pool == nil || $0.pool == pool } },
      droppedCounts: { ["node": 7, "zoo": 1] }, metadata: { metadata })
  }()

  private func bench() throws -> APIBench {
    let bench = try APIBench(scrape: Self.view)
    bench.ownTarget.note(
      OwnTarget.Facts(
        instance: "localhost:9090", intervalMilliseconds: 15_000, lastMilliseconds: 1_700_000_002_000, lastSeconds: 0.5,
        lastError: ""))
    return bench
  }

  private func data(_ bench: APIBench, _ path: String) throws -> JSONValue {
    let answer = try bench.get("/api/v1/\(path)")
    #expect(answer.status == 200, "\(answer.text)")
    return try JSONValue(parsing: answer.body)["data"]
  }

  @Test("the targets of the jobs and the server itself are listed by pool, each with its last scrape")
  func targets() throws {
    let bench = try bench()
    let all = try data(bench, "targets")
    #expect(all["activeTargets"].array?.map { $0["scrapePool"].string } == ["apus", "node", "node", "zoo"])
    #expect(all["droppedTargets"].array?.map { $0["scrapePool"].string } == ["node", "zoo"])
    let counts = all["droppedTargetCounts"].members?.map { "\($0.name)=\($0.value.number ?? -1)" }
    #expect(counts == ["apus=0.0", "empty=0.0", "node=7.0", "zoo=1.0"])
    let text = try bench.get("/api/v1/targets?scrapePool=node&state=active").text
    #expect(
      text.hasPrefix(
        #"{"status":"success","data":{"activeTargets":[{"discoveredLabels":{"__address__":"host:9100","#
          + #""__meta_x":"<y>","job":"node"},"labels":{"instance":"host:9100","job":"node"},"scrapePool":"node","#
          + #""scrapeUrl":"http://host:9100/metrics?a=b","globalUrl":"http://host:9100/metrics?a=b","lastError":"","#
          + #""lastScrape":"2023-11-14T22:13:20.123Z","lastScrapeDuration":0.25,"health":"up","#
          + #""scrapeInterval":"15s","scrapeTimeout":"2s500ms"}"#), "\(text)")
    #expect(text.hasSuffix(#""droppedTargets":[],"droppedTargetCounts":null}}"#))
    #expect(text.contains(#""lastScrape":"0001-01-01T00:00:00Z","lastScrapeDuration":0,"health":"unknown""#))
    let down = try data(bench, "targets?scrapePool=zoo")["activeTargets"][0]
    #expect(down["lastError"].string == "Get \"x\": <refused>" && down["health"].string == "down")
    // What is on this machine has the host's name outside.
    #expect(down["globalUrl"].string == "http://\(HostFacts.hostName):1/metrics?a=b")
  }

  @Test("state and pool narrow the targets down as in Prometheus")
  func filters() throws {
    let bench = try bench()
    let dropped = try data(bench, "targets?state=DROPPED&scrapePool=zoo")
    #expect(dropped["activeTargets"].array?.count == 0 && dropped["droppedTargets"].array?.count == 1)
    #expect(dropped["droppedTargetCounts"]["node"].number == 7)
    let none = try data(bench, "targets?state=foo")
    #expect(none["activeTargets"].array?.count == 0 && none["droppedTargetCounts"].isNull)
    #expect(try data(bench, "targets?scrapePool=apus")["activeTargets"].array?.count == 1)
    #expect(try data(bench, "targets?scrapePool=nope")["activeTargets"].array?.count == 0)
    #expect(try bench.get("/api/v1/scrape_pools").text.contains(#"{"scrapePools":["apus","empty","node","zoo"]}"#))
  }

  @Test("a pool's configuration is told as YAML, and one that is not there is refused")
  func configuration() throws {
    let bench = try bench()
    #expect(
      try data(bench, "scrape_pools/config?scrapePool=node")["yaml"].string == "job_name: node\npassword: <secret>\n")
    func refusal(_ path: String) throws -> String? {
      let answer = try bench.get("/api/v1/\(path)")
      #expect(answer.status == 400)
      return try JSONValue(parsing: answer.body)["error"].string
    }
    #expect(try refusal("scrape_pools/config") == "no scrapePool parameter provided")
    #expect(
      try refusal("scrape_pools/config?scrapePool=a%22")
        == "error retrieving scrape config: scrape pool \"a\\\"\" not found")
    #expect(try refusal("targets/relabel_steps?labels=%7B%7D") == "no scrapePool parameter provided")
    #expect(try refusal("targets/relabel_steps?scrapePool=none") == "no labels parameter provided")
    #expect(
      try refusal("targets/relabel_steps?scrapePool=none&labels=%7B%7D")
        == "error retrieving scrape config: scrape pool \"none\" not found")
    for labels in ["[]", "{", "{\"a\":1}", "{\"a\":{}}", "x"] {
      let text = try refusal("targets/relabel_steps?scrapePool=node&labels=\(percentEncoded(labels))")
      #expect(text?.hasPrefix("error parsing labels: ") == true, "\(labels)")
    }
    #expect(try refusal("targets/metadata?limit=x") == "limit must be a number")
    #expect(
      try refusal("targets/metadata?match_target=%7B")?.hasPrefix("invalid parameter \"match_target\": ") == true)
  }

  @Test("each relabelling rule is shown with what it makes of the labels, and after a drop nothing is kept")
  func relabelSteps() throws {
    let bench = try bench()
    func steps(_ labels: String) throws -> String {
      try bench.get("/api/v1/targets/relabel_steps?scrapePool=node&labels=\(percentEncoded(labels))").text
    }
    let rules = [
      #"{"source_labels":["a","b"],"separator":";","regex":"(.*);x","target_label":"c","replacement":"$1\u0026","action":"replace"}"#,
      #"{"source_labels":["c"],"separator":";","regex":"gone.*","replacement":"$1","action":"drop"}"#,
      #"{"separator":";","regex":"a|b","replacement":"$1","action":"labeldrop"}"#,
    ]
    func expected(_ outputs: [(String, Bool)]) -> String {
      let steps = zip(rules, outputs).map { #"{"rule":\#($0),"output":\#($1.0),"keep":\#($1.1)}"# }
      return #"{"status":"success","data":{"steps":[\#(steps.joined(separator: ","))]}}"#
    }
    let kept = #"{"a":"1","b":"x","c":"1&"}"#
    #expect(try steps(#"{"b":"x","a":"1"}"#) == expected([(kept, true), (kept, true), (#"{"c":"1&"}"#, true)]))
    let gone = #"{"a":"gone","b":"x","c":"gone&"}"#
    #expect(try steps(#"{"b":"x","a":"gone","n":null}"#) == expected([(gone, true), ("{}", false), ("{}", false)]))
    #expect(try steps("null") == expected([("{}", true), ("{}", true), ("{}", true)]))
  }

  @Test("what targets say of their metrics is told for each, a limit being asked before each target")
  func metadata() throws {
    let bench = try bench()
    let all = try data(bench, "targets/metadata?match_target=\(percentEncoded("{job!=\"apus\"}"))").array ?? []
    #expect(all.map { $0["target"]["job"].string } == ["node", "node", "zoo"])
    #expect(all.map { $0["metric"].string } == ["a_total", "b_seconds", "a_total"])
    let node = percentEncoded("{job=\"node\"}")
    let text = try bench.get("/api/v1/targets/metadata?match_target=\(node)&metric=a_total").text
    #expect(
      text == #"{"status":"success","data":[{"target":{"instance":"host:9100","job":"node"},"type":"counter","#
        + #""help":"A \u003cb\u003e.","unit":""}]}"#)
    // The server's own metrics come first.
    #expect(try data(bench, "targets/metadata?limit=1&metric=a_total").array?.count == 1)
    #expect(try data(bench, "targets/metadata?limit=0").array?.count == 0)
    let own = try data(bench, "targets/metadata?metric=prometheus_tsdb_head_series")
    #expect(own.array?.map { $0["target"]["instance"].string } == ["localhost:9090"])
  }

  @Test("addresses on this machine are told as others reach them")
  func globalURLs() {
    let plain = WebLinks(ownPort: 9090)
    let host = HostFacts.hostName
    let outside = WebLinks(externalURL: "https://prom.example/x/", routePrefix: "/x", ownPort: 9090)
    for (url, first, second) in [
      ("http://localhost:9090/x/metrics", "http://\(host):9090/x/metrics", "https://prom.example/x/metrics"),
      ("http://127.0.0.1:1/m?a=b", "http://\(host):1/m?a=b", "http://prom.example:1/m?a=b"),
      ("https://[::1]:1/m", "https://\(host):1/m", "https://prom.example:1/m"),
      ("http://localhost/m", "http://\(host)/m", "http://prom.example/m"),
      ("http://localhost.example:9090/m", "http://localhost.example:9090/m", "http://localhost.example:9090/m"),
      ("http://[fe80::1]:9090/m", "http://[fe80::1]:9090/m", "http://[fe80::1]:9090/m"), ("", "", ""),
    ] {
      #expect(plain.globalURL(of: url) == first)
      #expect(outside.globalURL(of: url) == second)
    }
  }

  @Test("the page for browsers shows each target with its health and last error, escaped")
  func page() throws {
    let text = try bench().get("/targets").text
    #expect(text.contains("4 targets, 1 of them down."))
    #expect(
      text.contains(
        "<tr><td>zoo</td><td>http://127.0.0.1:1/metrics?a=b</td><td>down</td><td>2023-11-14T22:13:21.000Z</td>"
          + "<td>Get &quot;x&quot;: &lt;refused&gt;</td></tr>"))
    #expect(text.contains("<td>unknown</td><td>never</td><td></td>"))
    #expect(try APIBench().get("/targets").text.contains("the configuration has no scrape_configs"))
  }
}
