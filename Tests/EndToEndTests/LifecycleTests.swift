#if canImport(Glibc)
  import Glibc
#endif
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

    @Test("the server's own metrics are stored and answer soon after a fresh start", .timeLimit(.minutes(3)))
    func selfScrape() throws {
      let site = try Site()
      let server = try site.start()
      let answer = try eventually(within: .seconds(20), every: .milliseconds(200)) {
        let answer = try server.query("prometheus_tsdb_head_series")
        return answer.series.isEmpty ? nil : answer
      }
      let series = try #require(answer?.series.first)
      #expect(series.labels["job"] == "apus")
      #expect(try #require(series.points.first).value >= 0)
      // A scrape becomes readable series by series.
      #expect(
        try eventually(within: .seconds(20)) {
          try server.query("up{job=\"apus\"}").series.first?.points.first?.value == 1
        })
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
