import TestKit
import Testing

extension EndToEnd {
  /// Native histograms beside a real Prometheus: out of its blocks, and written to both.
  @Suite(
    "Native histograms", .serialized, .timeLimit(.minutes(5)),
    .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)))
  struct Histograms {
    private static let stepMilliseconds: Int64 = 60_000
    private static let samples = 300
    /// Five hours and a bit ago, on a whole minute.
    private let start = (nowMilliseconds() / 60_000 - 310) * 60_000

    private func time(_ sample: Int) -> Int64 { start + Int64(sample) * Histograms.stepMilliseconds }

    /// Counters that begin anew after 170 samples and get buckets more after 90; both sides of zero.
    private func counter(_ sample: Int, _ host: Int, isFloat: Bool) -> RemoteWriteHistogram {
      var histogram = RemoteWriteHistogram(at: time(sample))
      let age = Double(sample < 170 ? sample : sample - 170) + 1
      let unit = isFloat ? 0.5 : 1
      histogram.isFloat = isFloat
      histogram.schema = sample < 230 ? 3 : 1
      histogram.zeroThreshold = sample < 230 ? 0x1p-128 : 0.001
      histogram.zeroCount = age * 2 * unit
      histogram.positiveSpans = sample < 90 ? [(-2, 3), (4, 2)] : [(-2, 3), (1, 1), (2, 3)]
      histogram.positive = (0..<(sample < 90 ? 5 : 7)).map { age * Double($0 + 1 + host) * unit }
      histogram.negativeSpans = [(1, 2)]
      histogram.negative = [age * unit, age * 3 * unit]
      histogram.sum = age * 12.5
      return histogram
    }

    private func gauge(_ sample: Int) -> RemoteWriteHistogram {
      var histogram = RemoteWriteHistogram(at: time(sample))
      histogram.isGauge = true
      histogram.schema = 0
      histogram.positiveSpans = [(Int64(sample % 3), 2)]
      histogram.positive = [Double(sample * 7919 % 13 + 1), Double(sample * 31 % 7)]
      histogram.sum = Double(sample % 50) / 4
      return histogram
    }

    private func custom(_ sample: Int) -> RemoteWriteHistogram {
      var histogram = RemoteWriteHistogram(at: time(sample))
      histogram.schema = -53
      histogram.customBounds = [0.005, 0.1, 1, 2.5, 1e9 / 7]
      histogram.positiveSpans = [(0, 3), (1, 2)]
      histogram.positive = (0..<5).map { Double(($0 + 1) * (sample + 1)) }
      histogram.sum = Double(sample) * 3.25
      return histogram
    }

    /// A stale marker in the middle.
    private func ending(_ sample: Int) -> RemoteWriteHistogram {
      if sample != 120 { return counter(sample, 4, isFloat: false) }
      var histogram = RemoteWriteHistogram(at: time(sample))
      histogram.sum = Double(bitPattern: 0x7ff0_0000_0000_0002)
      return histogram
    }

    private func write(to server: ServerProcess) throws {
      for first in stride(from: 0, to: Histograms.samples, by: 60) {
        let lot = first..<(first + 60)
        var body = RemoteWriteBody()
        for host in 0..<2 {
          let labels = [("instance", "h\(host)"), ("job", "hist")]
          body.add([("__name__", "nh_int")] + labels, histograms: lot.map { counter($0, host, isFloat: false) })
          body.add([("__name__", "nh_float")] + labels, histograms: lot.map { counter($0, host, isFloat: true) })
        }
        body.add([("__name__", "nh_gauge")], histograms: lot.map { gauge($0) })
        body.add([("__name__", "nh_custom")], histograms: lot.map { custom($0) })
        body.add([("__name__", "nh_ends")], histograms: lot.filter { !(121..<150).contains($0) }.map { ending($0) })
        // Floats first, histograms later.
        if first < 120 { body.add([("__name__", "nh_mixed")], lot.map { (time($0), Double($0)) }) }
        if first >= 120 { body.add([("__name__", "nh_mixed")], histograms: lot.map { counter($0, 1, isFloat: false) }) }
        let answer = try server.write(body)
        #expect(answer.status == 204, "\(answer.text)")
      }
    }

    private static let expressions = [
      "nh_int", "nh_float", "nh_gauge", "nh_custom", "nh_ends", "nh_mixed", "rate(nh_int[10m])", "rate(nh_float[45m])",
      "increase(nh_custom[1h])", "delta(nh_gauge[10m])", "histogram_quantile(0.9, rate(nh_int[5m]))",
      "histogram_quantile(0.5, nh_custom)", "histogram_quantile(0.1, nh_float)", "histogram_count(nh_int)",
      "histogram_sum(nh_float)", "histogram_avg(nh_gauge)", "histogram_fraction(0, 2, nh_int)",
      "histogram_stddev(nh_custom)", "sum by (job) (nh_int)", "sum by (job) (rate(nh_int[7m]))", "avg(nh_float)",
      "histogram_count(sum(rate(nh_float[5m])))", "resets(nh_int[5h])", "resets(nh_float[4h])", "changes(nh_gauge[1h])",
      "count_over_time(nh_ends[5h])", "count_over_time(nh_mixed[5h])", "sum_over_time(nh_gauge[20m])",
      "last_over_time(nh_ends[30m])", "rate(nh_ends[1h])", "rate(nh_mixed[3m])", "irate(nh_int[5m])", "count(nh_int)",
      "nh_int * 2", "nh_int + nh_int", "-nh_gauge",
    ]

    /// Targets of instant queries at some moments and of range queries over all of the time.
    private func targets(_ expression: String) -> [String] {
      let text = percentEncoded(expression)
      let moments = [30, 95, 125, 172, 200, 232, 299].map { "/api/v1/query?query=\(text)&time=\(time($0) / 1000 + 7)" }
      let range = "&start=\(start / 1000)&end=\(time(Histograms.samples) / 1000)&step=427"
      return moments + ["/api/v1/query_range?query=\(text)\(range)"]
    }

    private func percentEncoded(_ text: String) -> String {
      text.utf8.map { byte in
        let isPlain = (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte) || byte == UInt8(ascii: "_")
        return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }.joined()
    }

    /// The series of an answer in the order of their labels.
    private func series(_ answer: HTTPAnswer) throws -> [JSONValue] {
      let json = try JSONValue(parsing: answer.text)
      guard answer.status == 200, let result = json["data"]["result"].array else { return [.string(answer.text)] }
      return result.sorted { "\($0["metric"])" < "\($1["metric"])" }
    }

    /// Equal, but for the last digits: Prometheus has the bounds of buckets in a table that is rounded otherwise.
    private func isSame(_ one: JSONValue, _ two: JSONValue) -> Bool {
      switch (one, two) {
      case (.array(let ones), .array(let twos)):
        return ones.count == twos.count && zip(ones, twos).allSatisfy { isSame($0, $1) }
      case (.object(let ones), .object(let twos)):
        return ones.count == twos.count
          && zip(ones, twos).allSatisfy { $0.name == $1.name && isSame($0.value, $1.value) }
      case (.string(let one), .string(let two)):
        if one == two { return true }
        guard let one = Double(one), let two = Double(two) else { return false }
        return abs(one - two) <= 1e-13 * max(abs(one), abs(two))
      default: return one == two
      }
    }

    private func short(_ value: JSONValue?) -> String {
      let text = value.map { "\($0)" } ?? ""
      return String(text.replacing("TestKit.JSONValue.", with: "").replacing("Member", with: "").prefix(1200))
    }

    private func prometheus(_ site: borrowing Site) throws -> ServerProcess {
      let configuration = try site.directory.write("", to: "prometheus.yml")
      return try ServerProcess.prometheus(
        data: site.directory.path("peer"), configuration: configuration,
        ["--web.enable-admin-api", "--enable-feature=native-histograms"])
    }

    private func expectSameAnswers(_ prometheus: ServerProcess, _ apus: ServerProcess) throws {
      var different: [String] = []
      var histograms = 0
      for expression in Histograms.expressions {
        for target in targets(expression) {
          let theirs = try series(try prometheus.get(target))
          let ours = try series(try apus.get(target))
          histograms += theirs.count { !$0["histogram"].isNull || !$0["histograms"].isNull }
          if isSame(.array(theirs), .array(ours)) { continue }
          let pair = zip(theirs, ours).first { !isSame($0, $1) }
          different.append(
            "\(expression) \(target.suffix(40)): \(theirs.count), \(ours.count)\n\(short(pair?.0))\n\(short(pair?.1))")
        }
      }
      let list = different.prefix(5).joined(separator: "\n")
      #expect(different.isEmpty, "\(different.count):\n\(list)")
      #expect(histograms > 100)
    }

    @Test("Apus answers from the blocks of a Prometheus as that Prometheus does")
    func blocks() throws {
      let site = try Site()
      let prometheus = try prometheus(site)
      try write(to: prometheus)
      let answer = try prometheus.request("POST", "/api/v1/admin/tsdb/snapshot")
      #expect(answer.status == 200, "\(answer.text)")
      let name = try #require(try JSONValue(parsing: answer.text)["data"]["name"].string)
      let apus = try ServerProcess.apus(
        data: site.directory.path("peer/snapshots/" + name), ["--no-storage.own-metrics"])
      try expectSameAnswers(prometheus, apus)
      let metrics = try apus.get("/metrics").text.split(separator: "\n")
      #expect(metrics.contains("apus_block_chunks_unreadable_total 0"))
      #expect(apus.child.terminate() == .code(0))
    }

    @Test("what both were sent has the same answers, from the head and after a SIGKILL from the log")
    func written() throws {
      let site = try Site()
      let prometheus = try prometheus(site)
      try write(to: prometheus)
      var apus = try ServerProcess.apus(data: site.data, ["--no-storage.own-metrics"])
      try write(to: apus)
      try expectSameAnswers(prometheus, apus)
      apus.child.killAndReap()
      apus = try ServerProcess.apus(data: site.data, ["--no-storage.own-metrics"])
      try expectSameAnswers(prometheus, apus)
      #expect(apus.child.terminate() == .code(0))
    }
  }
}
