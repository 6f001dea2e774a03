import TestKit
import Testing

extension EndToEnd.Beside {
  private func promtool(_ arguments: [String]) throws -> (output: String, errors: String, exit: ChildProcess.Exit?) {
    let child = try ChildProcess(try PeerBinary.promtool.path(), arguments)
    let exit = child.wait(within: .seconds(30))
    return (child.standardOutput.complete(), child.standardError.complete(), exit)
  }

  @Test("promtool's queries print the same of both")
  func promtoolQueries() throws {
    let pair = try Pair()
    let commands: [([String], [String])] = [
      (["instant", "--time=\(pair.end)"], ["up"]), (["instant", "--time=\(pair.end)"], ["sum(up)"]),
      (["instant"], ["up{"]), (["instant", "--time=\(pair.end)", "--format=json"], ["up"]),
      (["range", "--start=\(pair.start)", "--end=\(pair.end)", "--step=1m"], ["rate(up[2m])"]),
      (["series", "--match=up"], []), (["series", "--match=up", "--match=weird", "--start=\(pair.start)"], []),
      (["series", "--match={"], []), (["labels"], ["job"]), (["labels", "--match=up"], ["instance"]),
      (["labels", "--start=\(pair.start)", "--end=\(pair.end)"], ["__name__"]), (["labels"], ["nope"]),
    ]
    for (flags, last) in commands {
      let peer = try promtool(["query"] + flags + [pair.prometheus.baseURL] + last)
      let own = try promtool(["query"] + flags + [pair.apus.baseURL] + last)
      #expect(peer.output == own.output && peer.errors == own.errors && peer.exit == own.exit, "\(flags) \(last)")
    }
    #expect(try promtool(["query", "series", "--match=up", pair.apus.baseURL]).output.contains("h2:9100"))
  }

  @Test("promtool finds the server healthy and ready")
  func promtoolChecks() throws {
    let pair = try Pair()
    for check in ["healthy", "ready"] {
      let answer = try promtool(["check", check, "--url=\(pair.apus.baseURL)"])
      #expect(answer.exit == .code(0), "\(answer.errors)")
    }
  }

  @Test("a Prometheus that reads from Apus answers from it")
  func remoteRead() throws {
    let site = try EndToEnd.Site()
    // The same label on both sides: a reader asks for its own external labels.
    let shared = try site.directory.write("global: {external_labels: {region: here}}\n", to: "apus.yml")
    let apus = try site.start(["--config.file=\(shared)", "--no-storage.own-metrics"])
    let start = nowMilliseconds() / 60_000 * 60 - 6000
    var body = RemoteWriteBody()
    for host in 0..<20 {
      var samples: RemoteWriteBody.Samples = []
      for step in 0..<400 {
        let time = (start + Int64(step) * 15) * 1000
        samples.append((timestamp: time, value: Double(step * host) * 0.1))
      }
      let job = host % 2 == 0 ? "a" : "b"
      body.add("far", ["instance": "h\(host)", "job": job], samples)
    }
    #expect(try apus.write(body).status == 204)
    let configuration = try site.directory.write(
      """
      global: {external_labels: {region: here}}
      remote_read:
        - {url: "\(apus.baseURL)/api/v1/read", read_recent: true}

      """, to: "reader.yml")
    let reader = try ServerProcess.prometheus(
      data: site.directory.path("reader"), configuration: configuration)
    let time = (start + 5900) * 1000
    for query in [
      "far", "sum by(job)(far)", "count_over_time(far[2h])", "rate(far{job=\"a\"}[10m])", "far{instance=~\"h1.\"}",
      "sum(sum_over_time(far[1h:5m]))", "far{job=\"none\"}",
    ] {
      let own = try apus.query(query, at: time)
      let through = try reader.query(query, at: time)
      #expect(values(own) == values(through), "\(query)")
    }
    // The label is the reader's own, which Apus's series do not have.
    #expect(try reader.query("far{region=\"here\"}", at: time).series.count == 20)
  }

  private func values(_ answer: QueryAnswer) -> [[String: String]: Double] {
    var values: [[String: String]: Double] = [:]
    for series in answer.series { values[series.labels] = series.points[0].value }
    return values
  }

  @Test("both answer a remote read with the same samples")
  func remoteReadBytes() throws {
    let pair = try Pair()
    for (selector, kind) in [("up", 0), ("weird", 0), ("no_such", 0), ("up|weird|infs", 2)] as [(String, UInt64)] {
      let request = RemoteReadBody.request(
        start: pair.start * 1000, end: pair.end * 1000, matchers: [(kind, "__name__", selector)])
      let peer = try pair.prometheus.request("POST", "/api/v1/read", headers: RemoteReadBody.headers, body: request)
      let own = try pair.apus.request("POST", "/api/v1/read", headers: RemoteReadBody.headers, body: request)
      #expect(peer.status == 200 && own.status == 200)
      #expect(own.header("Content-Encoding") == "snappy" && own.header("Content-Type") == "application/x-protobuf")
      let one = try #require(snappyDecompressed(peer.body))
      let two = try #require(snappyDecompressed(own.body))
      #expect(RemoteReadBody.series(one) == RemoteReadBody.series(two), "\(selector)")
    }
    for bad in [[0xff, 0xff, 0xff], [], snappyCompressed([0x0a, 0x05, 0x01])] as [[UInt8]] {
      let peer = try pair.prometheus.request("POST", "/api/v1/read", headers: RemoteReadBody.headers, body: bad)
      let own = try pair.apus.request("POST", "/api/v1/read", headers: RemoteReadBody.headers, body: bad)
      #expect(peer.status == own.status, "\(bad): \(peer.text) \(own.text)")
    }
  }

  @Test("a real Prometheus scrapes /federate without an error")
  func federation() throws {
    let pair = try Pair()
    // Fresh samples, since a federation has only those of the last five minutes.
    let now = nowMilliseconds() / 1000
    var body = RemoteWriteBody()
    for host in 0..<50 { body.add("fresh", ["instance": "h\(host)", "job": "a"], [((now - 5) * 1000, Double(host))]) }
    body.add("no_instance", ["job": "b"], [((now - 5) * 1000, 1.5e-9)])
    #expect(try pair.apus.write(body).status == 204)
    let configuration = try pair.site.directory.write(
      """
      scrape_configs:
        - job_name: federate
          scrape_interval: 1s
          honor_labels: true
          metrics_path: /federate
          params: {"match[]": ['{__name__=~".+"}']}
          static_configs: [{targets: ["127.0.0.1:\(pair.apus.port)"]}]

      """, to: "scraper.yml")
    let scraper = try ServerProcess.prometheus(data: pair.site.directory.path("scraper"), configuration: configuration)
    let count = try eventually(within: .seconds(30), every: .milliseconds(200)) {
      let series = try scraper.query("count(fresh)").series
      return series.first?.points.first?.value
    }
    #expect(count == 50)
    #expect(try scraper.query("no_instance").series.first?.labels == ["__name__": "no_instance", "job": "b"])
    let targets = try JSONValue(parsing: try scraper.get("/api/v1/targets").body)
    #expect(targets["data"]["activeTargets"][0]["lastError"].string == "")
    #expect(try scraper.query("{\"my.dotted.metric\"}").series.count == 1)
  }

  @Test(
    "prometheus-api-client, the Python library, is served", .enabled(if: PythonClient.isThere, PythonClient.absence))
  func python() throws {
    let pair = try Pair()
    let script = """
      import sys
      from datetime import datetime
      from prometheus_api_client import PrometheusConnect
      for url in sys.argv[1:3]:
          c = PrometheusConnect(url=url, disable_ssl=True)
          start, end = datetime.fromtimestamp(int(sys.argv[3])), datetime.fromtimestamp(int(sys.argv[4]))
          print(sorted(c.all_metrics()), c.get_label_names(), c.get_label_values('job'))
          print(c.custom_query('up', params={'time': int(sys.argv[4])}))
          print(c.custom_query_range('sum(up)', start, end, '60s'))
          print(c.get_metric_range_data('up', {'job': 'a'}, start_time=start, end_time=end))
          print(c.get_series(start, end, params={'match[]': 'up'}) if hasattr(c, 'get_series') else '')
      """
    var printed: [String] = []
    for server in [pair.prometheus, pair.apus] {
      let child = try ChildProcess(
        PythonClient.python, ["-c", script, server.baseURL, server.baseURL, "\(pair.start)", "\(pair.end)"])
      #expect(child.wait(within: .seconds(60)) == .code(0), "\(child.standardError.complete())")
      printed.append(child.standardOutput.complete())
    }
    #expect(printed[0] == printed[1] && printed[0].contains("h2:9100"))
  }
}

/// A Python with the library: APUS_PYTHON, or the system's.
private enum PythonClient {
  static var python: String { environmentVariable("APUS_PYTHON") ?? "/usr/bin/python3" }

  static let isThere: Bool = {
    guard let child = try? ChildProcess(python, ["-c", "import prometheus_api_client"]) else { return false }
    return child.wait(within: .seconds(30)) == .code(0)
  }()

  static let absence: Comment =
    "no Python with prometheus-api-client: pip install it, and set APUS_PYTHON to that Python"
}
