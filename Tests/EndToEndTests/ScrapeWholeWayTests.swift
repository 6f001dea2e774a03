import HTTP
import TestKit
import Testing

extension EndToEnd {
  /// From what discovers and exposes to the answer of a query, through the real binary.
  @Suite("Scraping, the whole way", .serialized, .timeLimit(.minutes(2)))
  struct ScrapeWholeWay {
    private func values(_ server: ServerProcess, _ query: String) throws -> [String] {
      let answer = try server.get("/api/v1/query?query=\(query)")
      return (try JSONValue(parsing: answer.body)["data"]["result"].array ?? []).map { series in
        let labels = (series["metric"].members ?? []).map { "\($0.name)=\($0.value.string ?? "")" }
        return labels.sorted().joined(separator: ",") + " " + (series["value"][1].string ?? "")
      }.sorted()
    }

    private func eventuallyValues(_ server: ServerProcess, _ query: String, _ wanted: [String]) throws {
      var found: [String] = []
      let isThere = try eventually(within: .seconds(30), every: .milliseconds(200)) {
        found = try values(server, query)
        return found == wanted
      }
      #expect(isThere, "\(query): \(found)")
    }

    /// A pod as the API server lists it, at this machine's address.
    private static func pod(_ name: String, annotations: String) -> String {
      """
      {"metadata":{"name":"\(name)","namespace":"shop","uid":"u-\(name)","labels":{"app":"cart","tier":"web"},
       "annotations":{\(annotations)}},
       "spec":{"nodeName":"n1","containers":[{"name":"main","image":"i","ports":[{"name":"web","containerPort":8080}]}]},
       "status":{"phase":"Running","podIP":"127.0.0.1","hostIP":"10.0.0.1","conditions":[{"type":"Ready","status":"True"}]}}
      """
    }

    /// The API server: one list of pods, and watches in which nothing happens.
    private static func pods() -> ExporterFarm.Exporter {
      { visit in
        let port = (visit.request.header("Host") ?? "").drop { $0 != ":" }.dropFirst()
        let annotations =
          "\"prometheus.io/scrape\":\"true\",\"prometheus.io/port\":\"\(port)\",\"prometheus.io/path\":\"/shop\""
        if visit.request.parameter("watch") != nil {
          for _ in 0..<50 where !visit.request.isCancelled { sleepThread(.milliseconds(20)) }
          return Response(body: .bytes([])).with(header: "Content-Type", "application/json")
        }
        let items = [pod("scraped", annotations: annotations), pod("silent", annotations: "")]
        let list =
          "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":["
          + items.joined(separator: ",") + "]}"
        return Response(body: .bytes(Array(list.utf8))).with(header: "Content-Type", "application/json")
      }
    }

    @Test("a pod with the usual annotations is found, relabelled, scraped and queried; one without is dropped")
    func annotatedPods() throws {
      let site = try Site()
      let farm = try ExporterFarm([
        "/api/v1/pods": Self.pods(),
        "/shop": { _ in .exposing("# TYPE carts gauge\ncarts{state=\"open\"} 3\n") },
      ])
      let file = try site.directory.write(
        """
        global: {scrape_interval: 1s}
        scrape_configs:
        - job_name: pods
          kubernetes_sd_configs: [{role: pod, api_server: 'http://\(farm.address)'}]
          relabel_configs:
          - {source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape], regex: 'true', action: keep}
          - source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_path]
            regex: (.+)
            target_label: __metrics_path__
          - source_labels: [__address__, __meta_kubernetes_pod_annotation_prometheus_io_port]
            regex: '([^:]+)(?::\\d+)?;(\\d+)'
            replacement: $1:$2
            target_label: __address__
          - {regex: __meta_kubernetes_pod_label_(.+), action: labelmap}
          - {source_labels: [__meta_kubernetes_namespace], target_label: namespace}
          - {source_labels: [__meta_kubernetes_pod_name], target_label: pod}

        """, to: "apus.yml")
      let apus = try site.start(["--config.file=\(file)"])
      try eventuallyValues(
        apus, "carts",
        [
          "__name__=carts,app=cart,instance=\(farm.address),job=pods,namespace=shop,pod=scraped,state=open,tier=web 3"
        ])
      let targets = try JSONValue(parsing: try apus.get("/api/v1/targets").body)["data"]
      #expect(targets["droppedTargetCounts"]["pods"].number == 1)
      #expect(
        targets["droppedTargets"][0]["discoveredLabels"]["__meta_kubernetes_pod_name"].string == "silent")
    }

    @Test("while a job scrapes this server its own metrics are stored once, and again as its own when the job is gone")
    func ownMetrics() throws {
      let site = try Site()
      let port = FreePort.next()
      func configuration(_ more: String) -> String {
        "global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: prometheus\n\(more)"
          + "  static_configs: [{targets: ['localhost:\(port)']}]\n"
      }
      let file = try site.directory.write(configuration(""), to: "apus.yml")
      let apus = try ServerProcess.apus(
        data: site.data, ["--config.file=\(file)", "--web.enable-lifecycle"], port: port)
      let query = "count%20by%20(job)%20(prometheus_tsdb_head_series)"
      try eventuallyValues(apus, query, ["job=prometheus 1"])
      let pools = { try apus.get("/api/v1/scrape_pools").text }
      #expect(try pools() == #"{"status":"success","data":{"scrapePools":["prometheus"]}}"#)

      // A job that names this server and keeps nothing of it brings nothing.
      _ = try site.directory.write(
        configuration("  relabel_configs: [{action: drop, source_labels: [job], regex: prometheus}]\n"), to: "apus.yml")
      #expect(try apus.request("POST", "/-/reload").status == 200)
      try eventuallyValues(apus, query, ["job=apus 1"])
      #expect(try pools().contains("\"apus\""))
    }
  }
}
