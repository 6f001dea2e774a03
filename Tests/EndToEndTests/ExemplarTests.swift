import TestKit
import Testing

extension EndToEnd {
  /// The same exemplars, given to a real Prometheus that keeps them and to Apus.
  @Suite(
    "Exemplars beside a real Prometheus", .serialized,
    .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)))
  struct Exemplars {
    typealias Sent = (labels: [(String, String)], time: Int64, value: Double)

    struct SentSeries {
      var labels: [(String, String)]
      var samples: RemoteWriteBody.Samples
      var exemplars: [Sent]
    }

    /// Both servers on directories of their own, which outlive them.
    final class Pair {
      let site: Site
      let configuration: String
      private(set) var apus: ServerProcess
      private(set) var prometheus: ServerProcess

      init(exemplarsMax: Int) throws {
        site = try Site()
        configuration = site.directory.path("prometheus.yml")
        try Pair.configure(site, exemplarsMax)
        apus = try Pair.startApus(site, configuration)
        prometheus = try Pair.startPrometheus(site, configuration)
      }

      static func configure(_ site: borrowing Site, _ exemplarsMax: Int) throws {
        _ = try site.directory.write(
          "storage:\n  tsdb:\n    out_of_order_time_window: 0s\n  exemplars:\n    max_exemplars: \(exemplarsMax)\n",
          to: "prometheus.yml")
      }

      static func startApus(_ site: borrowing Site, _ configuration: String) throws -> ServerProcess {
        try .apus(
          data: site.data,
          ["--config.file=\(configuration)", "--no-storage.own-metrics", "--web.enable-lifecycle"])
      }

      static func startPrometheus(_ site: borrowing Site, _ configuration: String) throws -> ServerProcess {
        try .prometheus(
          data: site.directory.path("peer"), configuration: configuration,
          ["--enable-feature=exemplar-storage", "--web.enable-lifecycle"])
      }

      func kill() throws {
        apus.child.killAndReap()
        prometheus.child.killAndReap()
        apus = try Pair.startApus(site, configuration)
        prometheus = try Pair.startPrometheus(site, configuration)
      }

      func terminate() throws {
        #expect(apus.child.terminate() == .code(0))
        #expect(prometheus.child.terminate() == .code(0))
        apus = try Pair.startApus(site, configuration)
        prometheus = try Pair.startPrometheus(site, configuration)
      }

      /// Each on the directory of the other, which was killed.
      func swap() throws {
        apus.child.killAndReap()
        prometheus.child.killAndReap()
        let peer = site.directory.path("peer")
        let dump = try ChildProcess(try PeerBinary.promtool.path(), ["tsdb", "dump", site.data])
        #expect(dump.wait(within: .seconds(60)) == .code(0))
        #expect(!dump.standardOutput.complete().isEmpty)
        apus = try .apus(data: peer, ["--config.file=\(configuration)", "--no-storage.own-metrics"])
        prometheus = try .prometheus(
          data: site.data, configuration: configuration, ["--enable-feature=exemplar-storage"])
      }

      func reload(exemplarsMax: Int) throws {
        try Pair.configure(site, exemplarsMax)
        for server in [apus, prometheus] { #expect(try server.request("POST", "/-/reload").status == 200) }
      }

      func write(_ series: [SentSeries]) throws {
        var body = RemoteWriteBody()
        for one in series {
          let exemplars = one.exemplars.flatMap { RemoteWriteBody.exemplar($0.labels, $0.time, $0.value) }
          body.add(one.labels, one.samples, more: exemplars)
        }
        #expect(try apus.write(body).status == 204)
        #expect(try prometheus.write(body).status == 204)
      }

      /// How many of the answers have any exemplar.
      @discardableResult
      func compare(_ requests: [String], _ comment: String) throws -> Int {
        var filled = 0
        for request in requests {
          let target = "/api/v1/query_exemplars?" + request
          let (ours, theirs) = (try apus.get(target), try prometheus.get(target))
          #expect(ours.status == theirs.status, "\(comment): \(request)")
          #expect(ours.text == theirs.text, "\(comment): \(request)")
          #expect(ours.header("Content-Type") == theirs.header("Content-Type"), "\(comment): \(request)")
          let form = [("Content-Type", "application/x-www-form-urlencoded")]
          let posted = try apus.request(
            "POST", "/api/v1/query_exemplars", headers: form, body: Array(request.utf8))
          #expect(posted.text == ours.text, "\(comment): \(request)")
          if ours.text.contains("exemplars") { filled += 1 }
        }
        return filled
      }
    }

    /// Series and exemplars, good and bad: each is one that a reader or a ring might get wrong.
    /// Without `late` ones a log holds only what was kept: Prometheus logs what it refuses within a body.
    static func body(_ round: Int, _ start: Int64, _ random: inout RandomSource, late: Bool = true) -> [SentSeries] {
      let now = start + Int64(round) * 15_000
      var series: [SentSeries] = []
      for number in 0..<12 {
        let metric = number < 8 ? "http_request_duration_seconds_bucket" : "weird"
        var labels = [("__name__", metric), ("instance", "host-\(number % 3)"), ("job", "e2e")]
        labels.append(number < 8 ? ("le", "\(number).5") : ("z", "a<b>&c\"\\\n\u{2028}\(number)"))
        var exemplars: [Sent] = []
        for place in 0..<random.below(4) {
          let time = now - 15_000 + Int64(place) * 4000 + Int64(random.below(late ? 9000 : 3000))
          exemplars.append((Self.labels(&random), time, Self.value(&random)))
          // Once more, and one that is older.
          if random.below(3) == 0 {
            exemplars.append(exemplars[late ? random.below(exemplars.count) : exemplars.count - 1])
          }
          if late, random.below(4) == 0 {
            exemplars.append(([("trace_id", "late")], time - 1 - Int64(random.below(3)), 1))
          }
        }
        // Only exemplars: of a series that is there, and of one that never was.
        let samples = number == 5 && round % 2 == 1 || number == 6 ? [] : [(timestamp: now, value: Double(round))]
        series.append(SentSeries(labels: labels, samples: samples, exemplars: exemplars))
      }
      series.append(
        SentSeries(
          labels: [("__name__", "odd")], samples: [(now, 1)],
          exemplars: [
            ([("trace_id", "ahead")], now + 86_400_000, 1),
            ([("long", String(repeating: "x", count: 125))], now + 1, 1),
            ([("long", String(repeating: "ß", count: 124))], now + 2, 2),
            ([("none", ""), ("b", "2"), ("a", "1")], now + 3, 3),
            ([], now + 4, 4),
          ]))
      return series
    }

    private static func labels(_ random: inout RandomSource) -> [(String, String)] {
      let trace = String(random.next(), radix: 16)
      switch random.below(5) {
      case 0: return [("span_id", String(random.next(), radix: 16)), ("trace_id", trace)]
      case 1: return [("trace_id", "<\(trace)>&\"\\\n\u{2029}\u{fc}")]
      case 2: return [("trace_id", trace), ("another", "unsorted")]
      default: return [("trace_id", trace)]
      }
    }

    private static func value(_ random: inout RandomSource) -> Double {
      switch random.below(8) {
      case 0: [0, -0.0, .infinity, -.infinity, 1e21, 1e-7, 1e300, .leastNonzeroMagnitude][random.below(8)]
      case 1: Double(random.below(1000))
      default: random.unit() * 10
      }
    }

    static func requests(_ start: Int64) -> [String] {
      let queries = [
        "http_request_duration_seconds_bucket", "{__name__=~\".+\"}", "weird", "odd", "nothing_of_that_name",
        "histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket{instance=\"host-1\"}[5m])))",
        "http_request_duration_seconds_bucket{le=~\"[13].5\"} / weird", "weird{missing=\"\",z!~\"x.*\"}",
        "max_over_time(weird[1h:1m] offset 5m) + on() odd", "{job=\"e2e\",instance!=\"host-0\"}",
      ]
      var requests = queries.map { "query=" + percentEncoded($0) }
      let all = "query=" + percentEncoded("{__name__=~\".+\"}")
      for second in [0, 14, 30, 61, 100] as [Int64] {
        let time = start / 1000 + second
        requests.append("\(all)&start=\(time)")
        requests.append("\(all)&end=\(time).250")
        requests.append("\(all)&start=\(time)&end=\(time + 20)")
      }
      requests += [
        "\(all)&start=\(start)&end=\(start + 1)", "\(all)&start=2026-01-01T00:00:00Z", "\(all)&start=x", "\(all)&end=",
        "\(all)&start=5&end=4", "query=1", "query=", "query=up%7B", "query=%22text%22", "\(all)&start=-1e3",
      ]
      return requests
    }

    @Test(
      "the same exemplars give the same answers, through an overflow, SIGKILL, a clean restart and a change of size",
      arguments: [100_000, 40])
    func same(_ exemplarsMax: Int) throws {
      var random = RandomSource(for: "exemplars beside Prometheus")
      let pair = try Pair(exemplarsMax: exemplarsMax)
      let start = recentTimestamp()
      let requests = Self.requests(start)
      for round in 0..<5 { try pair.write(Self.body(round, start, &random)) }
      #expect(try pair.compare(requests, "written") > 15)
      try pair.kill()
      #expect(try pair.compare(requests, "after SIGKILL") > 15)
      for round in 5..<8 { try pair.write(Self.body(round, start, &random)) }
      try pair.compare(requests, "written after SIGKILL")
      try pair.terminate()
      #expect(try pair.compare(requests, "after a clean restart") > 15)
      for limit in [25, 50, 3, 0, 10] {
        try pair.reload(exemplarsMax: limit)
        try pair.compare(requests, "with at most \(limit)")
      }
      try pair.write(Self.body(8, start, &random))
      try pair.compare(requests, "written after all that")
      try expectSameMetrics(pair)
    }

    @Test("Prometheus finds the exemplars in our log, and Apus those in Prometheus's")
    func directories() throws {
      var random = RandomSource(for: "exemplars of the other")
      let pair = try Pair(exemplarsMax: 1000)
      let start = recentTimestamp()
      for round in 0..<6 { try pair.write(Self.body(round, start, &random, late: false)) }
      var wanted: [String] = []
      for request in Self.requests(start) {
        wanted.append(try pair.apus.get("/api/v1/query_exemplars?" + request).text)
      }
      try pair.swap()
      #expect(try pair.compare(Self.requests(start), "swapped") > 15)
      for (request, text) in zip(Self.requests(start), wanted) {
        #expect(try pair.apus.get("/api/v1/query_exemplars?" + request).text == text, "\(request)")
      }
    }

    private func expectSameMetrics(_ pair: Pair) throws {
      func told(_ server: ServerProcess) throws -> [String: Double] {
        var numbers: [String: Double] = [:]
        for line in try server.get("/metrics").text.split(separator: "\n")
        where line.hasPrefix("prometheus_tsdb_exemplar_") && !line.contains("_total ") {
          let parts = line.split(separator: " ")
          numbers[String(parts[0])] = parts.count == 2 ? Double(parts[1]) : nil
        }
        return numbers
      }
      #expect(try told(pair.apus) == (try told(pair.prometheus)))
      #expect(try told(pair.apus).count == 4)
    }

    @Test("senders of 2.0 hear the same: how many were written, and of those out of order")
    func newer() throws {
      let pair = try Pair(exemplarsMax: 1000)
      let now = recentTimestamp()
      let labels = [("__name__", "newer"), ("job", "e2e")]
      let bodies: [[Sent]] = [
        [([("trace_id", "a")], now, 1), ([("trace_id", "b")], now + 1, 2)],
        [([("trace_id", "b")], now + 1, 2), ([("trace_id", "c")], now + 5, 2)],
        [([("trace_id", "late")], now + 2, 2), ([("trace_id", "d")], now + 6, 2)],
        [([("trace_id", String(repeating: "x", count: 200))], now + 7, 2), ([], now + 8, 2)],
        [([("trace_id", "ahead")], now + 86_400_000, 2)],
      ]
      for (round, exemplars) in bodies.enumerated() {
        var body = RemoteWriteV2Body()
        let more = exemplars.flatMap { body.exemplar($0.labels, $0.time, $0.value) }
        body.add(labels, [(now + Int64(round) * 1000, 1)], more: more)
        let (ours, theirs) = (try write(body, to: pair.apus), try write(body, to: pair.prometheus))
        #expect(ours.status == theirs.status, "\(round): \(ours.text) \(theirs.text)")
        #expect(ours.status == (round == 2 ? 400 : 204))
        for name in ["Samples", "Histograms", "Exemplars"].map({ "X-Prometheus-Remote-Write-\($0)-Written" }) {
          #expect(ours.header(name) == theirs.header(name), "\(round): \(name)")
        }
      }
      #expect(try pair.compare(["query=newer"], "2.0") == 1)
      try pair.kill()
      #expect(try pair.compare(["query=newer"], "2.0, after SIGKILL") == 1)
    }

    private func write(_ body: RemoteWriteV2Body, to server: ServerProcess) throws -> HTTPAnswer {
      try server.request("POST", "/api/v1/write", headers: RemoteWriteV2Body.headers, body: body.snappy)
    }
  }
}
