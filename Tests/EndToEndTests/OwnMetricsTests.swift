import TestKit
import Testing

extension EndToEnd.Beside {
  @Test("what is told of the own target and its metrics has the members that Prometheus tells of its own")
  func ownTarget() throws {
    let site = try EndToEnd.Site()
    let apus = try site.start()
    let port = FreePort.next()
    let configuration = try site.directory.write(
      """
      scrape_configs:
        - {job_name: self, scrape_interval: 1s, static_configs: [{targets: ["127.0.0.1:\(port)"]}]}

      """, to: "prometheus.yml")
    let prometheus = try ServerProcess.prometheus(
      data: site.directory.path("peer"), configuration: configuration, port: port)
    func json(_ server: ServerProcess, _ path: String) throws -> JSONValue {
      try JSONValue(parsing: try server.get(path).body)["data"]
    }
    let scraped = try eventually(within: .seconds(30), every: .milliseconds(200)) {
      try json(prometheus, "/api/v1/targets")["activeTargets"][0]["health"].string == "up"
    }
    #expect(scraped)
    let peer = try json(prometheus, "/api/v1/targets")
    let own = try json(apus, "/api/v1/targets")
    let names = { (value: JSONValue) in (value.members ?? []).map(\.name) }
    #expect(names(own) == names(peer))
    let (ownTarget, peerTarget) = (own["activeTargets"][0], peer["activeTargets"][0])
    #expect(names(ownTarget) == names(peerTarget))
    for name in ["discoveredLabels", "labels"] { #expect(names(ownTarget[name]) == names(peerTarget[name]), "\(name)") }
    #expect(ownTarget["health"].string == "up" && ownTarget["lastError"].string == "")
    #expect(ownTarget["labels"]["instance"].string == "localhost:\(apus.port)")
    #expect(try apus.get("/api/v1/scrape_pools").text == #"{"status":"success","data":{"scrapePools":["apus"]}}"#)
    let metric = "/api/v1/targets/metadata?metric=prometheus_tsdb_head_series"
    #expect(try names(json(apus, metric)[0]) == names(json(prometheus, metric)[0]))
    let all = "/api/v1/targets/metadata"
    #expect(try names(json(apus, all)[0]) == names(json(prometheus, all)[0]))
    #expect(try json(apus, all + "?match_target=%7Bjob=%22none%22%7D").array?.isEmpty == true)
  }

  @Test(
    "what alerts and forecasts need is told: the queries, the sizes on the disk, under Prometheus's names and kinds")
  func enginesAndSizes() throws {
    let site = try EndToEnd.Site()
    let apus = try site.start(["--query.max-concurrency=7", "--query.max-bytes=64KB"])
    let port = FreePort.next()
    let configuration = try site.directory.write("scrape_configs: []\n", to: "prometheus.yml")
    let prometheus = try ServerProcess.prometheus(
      data: site.directory.path("peer"), configuration: configuration, port: port)
    #expect(try apus.write(EndToEnd.counting("e2e_counted", from: EndToEnd.recentTimestamp(), count: 60)).status == 204)
    for _ in 0..<3 { #expect(try apus.get("/api/v1/query?query=e2e_counted").status == 200) }
    #expect(try apus.get("/api/v1/query?query=e2e_counted&timeout=0").status == 503)
    #expect(try apus.get("/api/v1/query?query=max_over_time(e2e_counted%5B1h:1ms%5D)").status == 422)
    // The answer of the last query may be here a moment before the thread that worked on it is free.
    let isIdle = eventually(within: .seconds(10)) {
      (try? apus.get("/metrics").text.contains("\nprometheus_engine_queries 0\n")) == true
    }
    #expect(isIdle)
    let own = try apus.get("/metrics").text.split(separator: "\n")
    let peer = try prometheus.get("/metrics").text.split(separator: "\n")
    for name in [
      "prometheus_engine_queries", "prometheus_engine_queries_concurrent_max", "prometheus_engine_query_samples_total",
      "prometheus_engine_query_duration_seconds", "prometheus_tsdb_wal_storage_size_bytes",
      "prometheus_tsdb_head_chunks_storage_size_bytes", "prometheus_tsdb_storage_blocks_bytes",
    ] {
      for line in ["# HELP \(name) ", "# TYPE \(name) "] {
        let theirs = try #require(peer.first { $0.hasPrefix(line) })
        // The help of the samples was reworded after 3.5.
        if name != "prometheus_engine_query_samples_total" || line.hasPrefix("# TYPE") { #expect(own.contains(theirs)) }
      }
    }
    func value(_ series: String) -> Double? {
      own.first { $0.hasPrefix(series + " ") }.flatMap { Double($0.dropFirst(series.count + 1)) }
    }
    #expect(value("prometheus_engine_queries_concurrent_max") == 7)
    for slice in ["queue_time", "prepare_time", "inner_eval"] {
      #expect(value("prometheus_engine_query_duration_seconds_count{slice=\"\(slice)\"}") == 3)
      let quantile = value("prometheus_engine_query_duration_seconds{slice=\"\(slice)\",quantile=\"0.99\"}")
      #expect(try #require(quantile) >= 0)
    }
    #expect(value("prometheus_engine_query_samples_total") == 3)
    #expect(value("apus_queries_stopped_total{reason=\"timeout\"}") == 1)
    #expect(value("apus_queries_stopped_total{reason=\"memory\"}") == 1)
    #expect(try #require(value("prometheus_tsdb_wal_storage_size_bytes")) > 60)
    #expect(value("prometheus_tsdb_head_chunks_storage_size_bytes") != nil)
    #expect(value("prometheus_tsdb_out_of_order_wbl_storage_size_bytes") != nil)
    let size = try #require(value("apus_disk_size_bytes"))
    let free = try #require(value("apus_disk_free_bytes"))
    #expect(free > 0 && free < size)
  }

  @Test("what a real Prometheus says of its metrics is told as it tells it")
  func sentMetadata() throws {
    let site = try EndToEnd.Site()
    let apus = try site.start(["--no-storage.own-metrics"])
    let port = FreePort.next()
    let configuration = try site.directory.write(
      """
      scrape_configs:
        - {job_name: self, scrape_interval: 1s, static_configs: [{targets: ["127.0.0.1:\(port)"]}]}
      remote_write:
        - {url: "\(apus.baseURL)/api/v1/write", metadata_config: {send: true, send_interval: 1s}}

      """, to: "prometheus.yml")
    let prometheus = try ServerProcess.prometheus(
      data: site.directory.path("peer"), configuration: configuration, port: port)
    // Names that only Prometheus has, so that the server's own words do not mix in.
    let metrics = [
      "go_gc_duration_seconds", "net_conntrack_dialer_conn_attempted_total", "prometheus_target_sync_failed_total",
    ]
    let came = try eventually(within: .seconds(30), every: .milliseconds(200)) {
      try metrics.allSatisfy { try apus.get("/api/v1/metadata?metric=\($0)").text.contains("\"type\":") }
    }
    #expect(came)
    for metric in metrics {
      let target = "/api/v1/metadata?metric=\(metric)"
      #expect(try apus.get(target).text == prometheus.get(target).text, "\(metric)")
    }
  }
}
