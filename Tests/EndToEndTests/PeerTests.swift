import TestKit
import Testing

extension EndToEnd {
  @Suite("Real senders", .serialized, .timeLimit(.minutes(3)))
  struct Peers {
    private static let series = "prometheus_tsdb_head_series{job=\"peer\"}"

    @Test(
      "a Prometheus that scrapes itself writes into Apus, and both answer the same",
      .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)))
    func prometheusWrites() throws {
      let site = try Site()
      let apus = try site.start()
      let port = FreePort.next()
      let configuration = try site.directory.write(
        """
        global: {scrape_interval: 1s, external_labels: {origin: peer}}
        scrape_configs:
          - {job_name: peer, static_configs: [{targets: ["127.0.0.1:\(port)"]}]}
        remote_write:
          - {url: "\(apus.baseURL)/api/v1/write", queue_config: {batch_send_deadline: 500ms}}

        """, to: "prometheus.yml")
      let prometheus = try ServerProcess.prometheus(
        data: site.directory.path("peer"), configuration: configuration, port: port)

      // Wait until Apus has several scrapes, then compare all up to its newest.
      let newest = try eventually(within: .seconds(60), every: .milliseconds(250)) {
        let points = try apus.query("\(Self.series)[5m]").series.first?.points ?? []
        return points.count >= 5 ? points.last?.timestampMilliseconds : nil
      }
      let time = try #require(newest, "nothing came: \(prometheus.child.standardError.text.suffix(2000))")
      let ours = try #require(try apus.query("\(Self.series)[5m]", at: time).series.first)
      let theirs = try #require(try prometheus.query("\(Self.series)[5m]", at: time).series.first)
      #expect(ours.points == theirs.points)
      #expect(ours.labels == theirs.labels.merging(["origin": "peer"]) { $1 })

      let information = try apus.query("prometheus_build_info{origin=\"peer\"}", at: time)
      #expect(information.series.first?.points.first?.value == 1)
      #expect(try apus.query("up{job=\"peer\"}", at: time).series.first?.points.first?.value == 1)
      #expect(!prometheus.child.standardError.text.contains("non-recoverable error"))
    }

    @Test(
      "a vmagent writes into Apus in its own compression",
      .enabled(if: PeerBinary.vmagent.isExpected, Comment(rawValue: PeerBinary.vmagent.absence)),
      arguments: ["-remoteWrite.forceVMProto", "-remoteWrite.forcePromProto"])
    func vmagentWrites(protocolFlag: String) throws {
      let site = try Site()
      let apus = try site.start()
      let port = FreePort.next()
      let configuration = try site.directory.write(
        """
        global: {scrape_interval: 1s}
        scrape_configs:
          - {job_name: agent, static_configs: [{targets: ["127.0.0.1:\(port)"]}]}

        """, to: "vmagent.yml")
      let agent = try ServerProcess.vmagent(
        configuration: configuration, writingTo: "\(apus.baseURL)/api/v1/write", buffer: site.directory.path("buffer"),
        [protocolFlag], port: port)
      let points = try eventually(within: .seconds(60), every: .milliseconds(250)) {
        let points = try apus.query("up{job=\"agent\"}[5m]").series.first?.points ?? []
        return points.count >= 3 ? points : nil
      }
      let values = try #require(points, "nothing came: \(agent.child.standardError.text.suffix(2000))").map(\.value)
      #expect(values.contains(1))
      // Once scraped, its own counters are there, too.
      #expect(try !apus.query("vmagent_remotewrite_requests_total{job=\"agent\"}").series.isEmpty)
      #expect(try agent.get("/metrics").text.contains("vmagent_remotewrite_packets_dropped_total{") == true)
      #expect(try !agent.get("/metrics").text.split(separator: "\n").contains(where: isDrop))
    }

    /// A line of vmagent's metrics that says packets were given up.
    private func isDrop(_ line: Substring) -> Bool {
      line.hasPrefix("vmagent_remotewrite_packets_dropped_total{") && !line.hasSuffix(" 0")
    }
  }
}
