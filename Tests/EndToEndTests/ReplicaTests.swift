import TestKit
import Testing

extension EndToEnd {
  @Suite("Two real Prometheus servers as an HA pair", .serialized, .timeLimit(.minutes(5)))
  struct Replicas {
    private static let intervalMilliseconds: Int64 = 1000
    private static let failoverSeconds = 5

    private static func configuration(_ extra: String = "") -> String {
      "apus: {ha: {failover_timeout: \(failoverSeconds)s\(extra)}}\n"
    }

    /// A Prometheus that scrapes the exporter every second and writes what it finds.
    private func prometheus(
      _ replica: String, scraping exporter: UInt16, into apus: UInt16, in directory: borrowing TemporaryDirectory
    ) throws -> ServerProcess {
      let configuration = try directory.write(
        """
        global: {scrape_interval: 1s, scrape_timeout: 900ms, external_labels: {cluster: pair, __replica__: \(replica)}}
        scrape_configs:
          - {job_name: node, static_configs: [{targets: ["127.0.0.1:\(exporter)"]}]}
        remote_write:
          - {url: "http://127.0.0.1:\(apus)/api/v1/write",
             queue_config: {batch_send_deadline: 300ms, min_backoff: 30ms, max_backoff: 500ms}}

        """, to: "\(replica).yml")
      return try ServerProcess.prometheus(data: directory.path("data-\(replica)"), configuration: configuration)
    }

    /// With its light collectors only: all of them take longer than a scrape may on a machine with much else to do.
    private func exporter() throws -> ServerProcess {
      let port = FreePort.next()
      return try ServerProcess(
        try PeerBinary.nodeExporter.path(),
        ["--web.listen-address=127.0.0.1:\(port)", "--log.level=error", "--collector.disable-defaults"]
          + ["cpu", "meminfo", "loadavg", "stat", "netstat"].map { "--collector.\($0)" },
        port: port, readyPath: "/")
    }

    private func leader(_ apus: ServerProcess) throws -> String? {
      try JSONValue(parsing: apus.get("/api/v1/status/ha").body)["data"]["elected"][0]["replica"].string
    }

    private func waitUntil(_ apus: ServerProcess, has samples: Int) throws -> Bool {
      try eventually(within: .seconds(60), every: .milliseconds(250)) {
        try apus.query("up{job=\"node\"}[10m]").series.first?.points.count ?? 0 >= samples
      }
    }

    @Test(
      "the leader is killed: no gap, no duplicate, no counter that goes back, and one replica's series; a restart keeps it",
      .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)),
      .enabled(if: PeerBinary.nodeExporter.isExpected, Comment(rawValue: PeerBinary.nodeExporter.absence)))
    func leaderDies() throws {
      let site = try Site()
      let file = try site.directory.write(Self.configuration(), to: "apus.yml")
      let port = FreePort.next()
      var apus = try ServerProcess.apus(data: site.data, ["--config.file=\(file)"], port: port)
      let exporter = try exporter()
      let a = try prometheus("a", scraping: exporter.port, into: port, in: site.directory)
      let isLed = try eventually(within: .seconds(60), every: .milliseconds(100)) { try leader(apus) == "a" }
      #expect(isLed, "\(a.child.standardError.text.suffix(2000))")
      let b = try prometheus("b", scraping: exporter.port, into: port, in: site.directory)
      let isFollowed = try eventually(within: .seconds(60), every: .milliseconds(100)) {
        let status = try JSONValue(parsing: apus.get("/api/v1/status/ha").body)
        return status["data"]["elected"][0]["followers"][0]["keptBodies"].number ?? 0 > 5
      }
      #expect(isFollowed, "\(b.child.standardError.text.suffix(2000))")
      #expect(try leader(apus) == "a")

      // A restart of the server in the middle, while both send.
      #expect(apus.child.terminate() == .code(0))
      apus = try ServerProcess.apus(data: site.data, ["--config.file=\(file)"], port: port)
      #expect(try leader(apus) == "a")
      // Longer than the ring reaches back, so that what comes next does not lean on the time before the restart.
      #expect(try waitUntil(apus, has: 25))
      #expect(try leader(apus) == "a")

      let first = try scrapedTimes(a)
      a.child.killAndReap()
      let died = nowMilliseconds()
      let isTakenOver = try eventually(within: .seconds(30), every: .milliseconds(100)) { try leader(apus) == "b" }
      #expect(isTakenOver)
      let newest = try eventually(within: .seconds(30), every: .milliseconds(250)) {
        let last = try apus.query("up{job=\"node\"}[1m]").series.first?.points.last?.timestampMilliseconds ?? 0
        return last > died + Int64(Self.failoverSeconds) * 1000 + 8000 ? last : nil
      }
      let end = try #require(newest)
      try expectWhole(apus, first, b, end: end)
      let metrics = try apus.get("/metrics").text
      #expect(metrics.contains("apus_ha_elected_replica_changes_total{ha_cluster=\"pair\"} 1"))
      #expect(!b.child.standardError.text.contains("non-recoverable error"))
    }

    @Test("a reload of the configuration switches replicas off and on and changes their limits, with no restart")
    func reload() throws {
      let site = try Site()
      let file = try site.directory.write(Self.configuration(), to: "apus.yml")
      let apus = try site.start(["--config.file=\(file)", "--web.enable-lifecycle"])
      let start = EndToEnd.recentTimestamp()
      func send(_ replica: String, _ cluster: String, _ second: Int64) throws -> Int {
        var body = RemoteWriteBody()
        body.add("e2e_replica", ["__replica__": replica, "cluster": cluster], [(start + second * 1000, 1)])
        return try apus.write(body).status
      }
      func reload(_ text: String) throws {
        _ = try site.directory.write(text, to: "apus.yml")
        #expect(try apus.request("POST", "/-/reload").status == 200)
      }
      #expect(try send("a", "one", 0) == 204)
      #expect(try send("b", "one", 0) == 202)
      try reload(Self.configuration(", max_clusters: 1"))
      #expect(try send("b", "one", 1) == 202)
      #expect(try send("a", "two", 1) == 400)
      try reload(Self.configuration(", enabled: false"))
      #expect(try send("a", "one", 2) == 204)
      #expect(try send("b", "one", 2) == 204)
      #expect(try apus.query("count(e2e_replica)", at: start + 2000).series.first?.points.first?.value == 3)
      try reload(Self.configuration())
      #expect(try send("b", "one", 3) == 204)
      #expect(try send("a", "one", 3) == 202)
      #expect(try leader(apus) == "b")
      #expect(apus.child.terminate() == .code(0))
    }

    /// When a replica scraped each series, by what it stored itself: an exporter that answers late, or a part of it that
    /// fails, makes gaps of its own.
    private func scrapedTimes(_ replica: ServerProcess, at end: Int64? = nil) throws -> [[String: String]: [Int64]] {
      let all = try replica.query("{job=\"node\"}[10m]", at: end).series
      return Dictionary(uniqueKeysWithValues: all.map { ($0.labels, $0.points.map(\.timestampMilliseconds)) })
    }

    /// The scrapes that a gap in the stored times swallowed: those of the replica that brought the sample behind the gap.
    /// What lies nearer than scrapes do is no gap.
    private static func lostScrapes(_ stored: [Int64], of first: [Int64], and second: [Int64]) -> [Int64] {
      let ofSecond = Set(second)
      return zip(stored, stored.dropFirst()).flatMap { before, after -> [Int64] in
        guard after - before > intervalMilliseconds * 3 / 2 else { return [] }
        return (ofSecond.contains(after) ? second : first).filter { before < $0 && $0 < after }
      }
    }

    @Test("a gap counts where a scrape lies in it, not where the exporter or the replica made it")
    func gaps() {
      let first: [Int64] = [1000, 2000, 3000, 5000]
      let second: [Int64] = [1400, 2400, 3400, 4400, 5400, 7400, 8400]
      func lost(_ stored: [Int64]) -> [Int64] { Self.lostScrapes(stored, of: first, and: second) }
      #expect(lost([1000, 2000, 3000, 5000, 5400, 7400, 8400]) == [])
      #expect(lost([1000, 3000, 5000, 7400, 8400]) == [2000, 5400])
      #expect(lost([1000, 2000, 3000, 3400, 5400, 8400]) == [4400, 7400])
      #expect(lost([3000, 4400]) == [] && lost([3000, 5400]) == [3400, 4400])
    }

    /// All series of the exporter, as one server that scraped it all the time would have them.
    private func expectWhole(
      _ apus: ServerProcess, _ first: [[String: String]: [Int64]], _ survivor: ServerProcess, end: Int64
    ) throws {
      let all = try apus.query("{job=\"node\"}[10m]", at: end)
      let second = try scrapedTimes(survivor, at: end)
      #expect(all.series.count > 100)
      var absent = Set(second.filter { $0.value.last ?? 0 > end - 3000 }.keys)
      var gaps: [String] = []
      var backwards: [String] = []
      for series in all.series {
        let name = series.labels["__name__"] ?? ""
        #expect(series.labels["__replica__"] == nil && series.labels["cluster"] == "pair", "\(series.labels)")
        var labels = series.labels
        labels["cluster"] = nil
        absent.remove(labels)
        let (firstTimes, secondTimes) = (first[labels] ?? [], second[labels] ?? [])
        #expect(!firstTimes.isEmpty || !secondTimes.isEmpty, "\(labels) was never scraped")
        let times = series.points.map(\.timestampMilliseconds)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 }, "\(name) twice or out of order: \(times)")
        let lost = Self.lostScrapes(times, of: firstTimes, and: secondTimes)
        if !lost.isEmpty { gaps.append("\(name) at \(lost)") }
        let isCounter = name.hasSuffix("_total")
        let values = series.points.map(\.value)
        if isCounter && zip(values, values.dropFirst()).contains(where: { $0 > $1 }) { backwards.append(name) }
      }
      #expect(gaps.isEmpty, "\(gaps.count) gaps: \(gaps.prefix(5))")
      #expect(absent.isEmpty, "the survivor scraped \(absent.count) more series: \(absent.prefix(5))")
      #expect(backwards == [])
    }
  }
}
