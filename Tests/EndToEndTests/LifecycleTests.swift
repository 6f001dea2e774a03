import Glibc
import TestKit
import Testing

extension EndToEnd {
  @Suite("A server's life", .serialized)
  struct Lifecycle {
    @Test("a container's command line written for Prometheus starts it")
    func containerCommandLine() throws {
      let site = try Site()
      let configuration = try site.directory.write("global:\n  scrape_interval: 15s\n", to: "prometheus.yml")
      let server = try site.start([
        "--config.file=\(configuration)", "--storage.tsdb.retention.time=15d",
        "--web.console.libraries=/usr/share/prometheus/console_libraries",
        "--web.console.templates=/usr/share/prometheus/consoles", "--web.enable-lifecycle",
      ])
      #expect(try server.get("/-/healthy").status == 200)
    }

    @Test("health and readiness answer GET and HEAD with Prometheus's words")
    func health() throws {
      let site = try Site()
      let server = try site.start()
      for (path, text) in [
        ("/-/healthy", "Prometheus Server is Healthy.\n"), ("/-/ready", "Prometheus Server is Ready.\n"),
      ] {
        let answer = try server.get(path)
        #expect(answer.status == 200)
        #expect(answer.text == text)
        let head = try server.request("HEAD", path)
        #expect(head.status == 200)
        #expect(head.body.isEmpty)
      }
    }

    @Test("a HEAD leaves a connection that the next request can use")
    func headKeepsTheConnection() throws {
      let site = try Site()
      let server = try site.start()
      var connection = try HTTPConnection(port: server.port)
      for _ in 0..<3 {
        #expect(try connection.exchange("HEAD", "/metrics").body.isEmpty)
        #expect(try connection.exchange("GET", "/-/healthy").status == 200)
      }
    }

    @Test("whoever is told that a fresh server is ready finds its metrics there, which are few")
    func selfScrape() throws {
      let site = try Site()
      let server = try site.start()
      let series = try #require(try server.query("prometheus_tsdb_head_series").series.first)
      #expect(series.labels["job"] == "apus")
      #expect(try server.query("up{job=\"apus\"}").series.first?.points.first?.value == 1)
      // The second round follows at once, and counts what the first has made.
      let counted = try eventually(within: .seconds(20), every: .milliseconds(20)) {
        try server.query("prometheus_tsdb_head_series > 0").series.first?.points.first?.value
      }
      #expect(counted != nil)
      let count = try #require(try server.query("count({job=\"apus\"})").series.first?.points.first?.value)
      #expect(count > 150 && count < 500, "\(count) series")
      #expect(try server.query("count(prometheus_http_request_duration_seconds_bucket) > 100").series.isEmpty)
      // What dashboards and alerts of a Prometheus ask for is there from the start.
      for name in [
        "prometheus_build_info", "prometheus_ready", "process_cpu_seconds_total", "process_resident_memory_bytes",
        "process_start_time_seconds", "prometheus_tsdb_head_chunks", "prometheus_tsdb_head_samples_appended_total",
        "prometheus_tsdb_wal_corruptions_total", "prometheus_tsdb_compactions_failed_total",
        "prometheus_tsdb_compactions_total", "prometheus_tsdb_reloads_failures_total",
        "prometheus_tsdb_blocks_loaded", "prometheus_tsdb_storage_blocks_bytes",
        "prometheus_tsdb_lowest_timestamp_seconds", "prometheus_config_last_reload_successful",
        "prometheus_tsdb_wal_fsync_duration_seconds_count", "prometheus_tsdb_head_chunks_created_total",
        "prometheus_tsdb_head_series_created_total", "prometheus_tsdb_head_max_time", "scrape_duration_seconds",
      ] where try server.query(name).series.isEmpty {
        Issue.record("\(name) is missing")
      }
    }

    @Test("the log says at the start what runs, on which data, told by what, for how long and where")
    func startLine() throws {
      let site = try Site()
      let configuration = try site.directory.write("global: {}\n", to: "prometheus.yml")
      let server = try site.start(["--config.file=\(configuration)", "--storage.tsdb.retention.time=30d"])
      let line = server.child.standardError.text.split(separator: "\n").first { $0.contains("Starting Apus") }
      let text = String(try #require(line))
      for part in [
        "level=INFO", "version=0.1.0", "data=\(site.data)", "config=\(configuration)", "retention=30d",
        "addresses=127.0.0.1:\(server.port)",
      ] { #expect(text.contains(part), "\(part): \(text)") }
      let revision = try #require(text.firstMatch(of: /revision=([0-9a-f]{40}|unknown)( |$)/)?.output.1)
      #expect(try server.get("/api/v1/status/buildinfo").text.contains("\"revision\":\"\(revision)\""))
      #expect(try server.query("prometheus_build_info{revision=\"\(revision)\"}").series.count == 1)
    }

    @Test("a refused sample is in the log with its sender, and on the page of limits")
    func refusals() throws {
      let site = try Site()
      let server = try site.start()
      var body = RemoteWriteBody()
      body.add("early", ["job": "e2e"], (0..<3).map { (nowMilliseconds() + 86_400_000 + $0, 1) })
      #expect(try server.write(body).status == 400)
      let line = eventually(within: .seconds(10)) {
        server.child.standardError.text.split(separator: "\n").first { $0.contains("Samples were refused") }
      }
      let text = String(try #require(line))
      for part in [
        "level=WARN", "reason=too_far_in_future", "more=2", "sender=\"127.0.0.1:", "workspace=default", "answer=400",
      ] { #expect(text.contains(part), "\(part): \(text)") }
      let limits = try JSONValue(parsing: try server.get("/api/v1/status/limits").body)["data"]
      #expect(limits["lastRefused"]["too_far_in_future"]["count"].number == 3)
      #expect(limits["activeSeries"]["present"].number == 0)
      #expect(try #require(limits["activeSeries"]["ownMetrics"].number) > 150)
    }

    @Test("metrics and version are exposed")
    func metrics() throws {
      let site = try Site()
      let server = try site.start()
      let metrics = try server.get("/metrics")
      #expect(metrics.status == 200)
      #expect(metrics.text.split(separator: "\n").contains { $0.hasPrefix("prometheus_tsdb_head_series ") })
      #expect(metrics.text.hasSuffix("\n"))
      #expect(try server.get("/version").status == 200)
    }

    @Test("reload is off unless it was enabled")
    func reloadDisabled() throws {
      let site = try Site()
      let server = try site.start()
      #expect(try server.request("POST", "/-/reload").status == 403)
    }

    @Test("POST and SIGHUP reload; a configuration with a mistake changes nothing")
    func reload() throws {
      let site = try Site()
      let good = "global:\n  scrape_interval: 15s\n"
      let file = try site.directory.write(good, to: "apus.yml")
      let server = try site.start(["--config.file=\(file)", "--web.enable-lifecycle"])
      #expect(try server.request("POST", "/-/reload").status == 200)
      #expect(try server.request("GET", "/-/reload").status == 405)

      try site.directory.write("global: [\n", to: "apus.yml")
      let refused = try server.request("POST", "/-/reload")
      #expect(refused.status == 500)
      #expect(refused.text.contains("apus.yml"))
      try expectLastReload(server, successful: false)

      try site.directory.write(good, to: "apus.yml")
      server.child.send(SIGHUP)
      try expectLastReload(server, successful: true)
      #expect(try server.get("/-/healthy").status == 200)
    }

    private func expectLastReload(_ server: ServerProcess, successful: Bool) throws {
      let line = "prometheus_config_last_reload_successful \(successful ? 1 : 0)"
      #expect(
        try eventually(within: .seconds(10)) {
          try server.get("/metrics").text.split(separator: "\n").contains { $0 == line }
        })
    }

    @Test("SIGTERM while clients hold idle connections does not wait for them")
    func terminateWithIdleConnections() throws {
      let site = try Site()
      let server = try site.start()
      var connections: [HeldConnection] = []
      for _ in 0..<20 { connections.append(try HeldConnection(server.port)) }
      #expect(server.child.terminate(within: .seconds(20)) == .code(0))
      #expect(connections.count == 20)
    }
  }

  /// A connection that has made one request and stays open.
  final class HeldConnection {
    private var connection: HTTPConnection

    init(_ port: UInt16) throws {
      connection = try HTTPConnection(port: port)
      _ = try connection.exchange("GET", "/-/healthy")
    }
  }
}
