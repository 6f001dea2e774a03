import TestKit
import Testing

extension EndToEnd {
  /// Snapshots in the hands of Prometheus's own programs. `APUS_SNAPSHOT_SERIES` and `APUS_SNAPSHOT_SAMPLES` make them larger.
  @Suite(
    "Snapshots", .serialized, .timeLimit(.minutes(10)),
    .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)))
  struct Snapshots {
    private static let stepMilliseconds: Int64 = 15_000
    private let seriesCount = environmentVariable("APUS_SNAPSHOT_SERIES").flatMap { Int($0) } ?? 60
    /// Of each series; with so few by default every chunk is open.
    private let sampleCount = environmentVariable("APUS_SNAPSHOT_SAMPLES").flatMap { Int($0) } ?? 60
    private let start: Int64

    init() { start = (nowMilliseconds() / 60_000) * 60_000 - Int64(sampleCount) * Snapshots.stepMilliseconds }

    private func labels(_ number: Int) -> [(String, String)] {
      [("__name__", "snap"), ("instance", "host-\(number)")]
    }

    /// Constants, counters and decimals.
    private func value(_ number: Int, _ sample: Int) -> Double {
      switch number % 3 {
      case 0: Double(number % 1000)
      case 1: Double(sample * (number % 150 + 3))
      default: Double((sample * 7919 + number * 31) % 1000) / 8
      }
    }

    private func time(_ sample: Int) -> Int64 { start + Int64(sample) * Snapshots.stepMilliseconds }

    /// Every tenth sample comes late, behind all others; one series has no others. Each line that a dump should have.
    private func write(to server: ServerProcess) throws -> Set<String> {
      var wanted: Set<String> = []
      let late = (0..<sampleCount).filter { $0 % 10 == 5 }
      for isLate in [false, true] {
        let all = isLate ? late : (0..<sampleCount).filter { $0 % 10 != 5 }
        for firstPlace in stride(from: 0, to: all.count, by: 60) {
          let samples = all[firstPlace..<min(firstPlace + 60, all.count)]
          for lot in stride(from: 0, to: seriesCount, by: 100) {
            var body = RemoteWriteBody()
            for number in lot..<min(lot + 100, seriesCount) {
              body.add(labels(number), samples.map { (time($0), value(number, $0)) })
              let text = "{" + labels(number).map { "\($0)=\"\($1)\"" }.joined(separator: ", ") + "}"
              for sample in samples {
                let value = value(number, sample)
                let digits = value == value.rounded() ? String(Int64(value)) : "\(value)"
                wanted.insert("\(text) \(digits) \(time(sample))")
              }
            }
            #expect(try server.write(body).status == 204)
          }
        }
      }
      var body = RemoteWriteBody()
      body.add("snap_once", ["instance": "one"], [(start, 5)])
      body.add(
        [("__name__", "snap_native")],
        histograms: (0..<10).map { sample in
          var histogram = RemoteWriteHistogram(at: time(sample))
          histogram.schema = 0
          histogram.positiveSpans = [(0, 2)]
          histogram.positive = [1, Double(sample)]
          histogram.sum = Double(sample)
          return histogram
        })
      #expect(try server.write(body).status == 204)
      wanted.insert("{__name__=\"snap_once\", instance=\"one\"} 5 \(start)")
      return wanted
    }

    private func run(_ program: String, _ arguments: [String], output: String) throws -> [Substring] {
      let child = try ChildProcess("/bin/sh", ["-c", "exec \"$0\" \"$@\" >'\(output)'", program] + arguments)
      #expect(child.wait(within: .seconds(300)) == .code(0), "\(arguments): \(child.standardError.text.suffix(500))")
      return String(decoding: readFile(output) ?? [], as: UTF8.self).split(separator: "\n")
    }

    private func answers(_ server: ServerProcess) throws -> [String] {
      let end = start + Int64(sampleCount) * Snapshots.stepMilliseconds
      return try [
        "sum(count_over_time({__name__=~\"snap.*\"}[1d]))", "sum(sum_over_time(snap[1d]))", "snap_once offset 1m",
        "histogram_sum(rate(snap_native[1d]))", "count(last_over_time(snap[1d]))",
      ].map { expression in
        "\(expression) \(try server.query(expression, at: end).series.map { "\($0.labels) \($0.points)" })"
      }
    }

    @Test("a snapshot holds every sample sent before it: by promtool, by Prometheus and by Apus started on it")
    func whole() throws {
      let site = try Site()
      let flags = ["--no-storage.own-metrics", "--web.enable-admin-api"]
      let apus = try site.start(flags)
      let wanted = try write(to: apus)
      let answers = try self.answers(apus)
      let clock = ContinuousClock()
      let began = clock.now
      let answer = try apus.request("POST", "/api/v1/admin/tsdb/snapshot", timeout: .seconds(300))
      if seriesCount > 1000 { print("a snapshot of \(wanted.count) samples took \(clock.now - began)") }
      #expect(answer.status == 200, "\(answer.text)")
      let json = try JSONValue(parsing: answer.text)
      #expect(json["warnings"].isNull, "\(answer.text)")
      #expect(json["infos"].array?.count == 1)
      let snapshot = site.data + "/snapshots/" + (try #require(json["data"]["name"].string))
      apus.child.killAndReap()

      let verdict = try run(try apusBinary(), ["tsdb", "verify", snapshot], output: site.directory.path("verdict"))
      #expect(!verdict.isEmpty && verdict.allSatisfy { $0.contains(" ok: ") }, "\(verdict)")
      let dump = try run(
        try PeerBinary.promtool.path(), ["tsdb", "dump", snapshot], output: site.directory.path("dump"))
      let floats = dump.filter { !$0.contains("snap_native") }
      #expect(floats.count == wanted.count)
      #expect(floats.filter { !wanted.contains(String($0)) }.prefix(3) == [])
      // The tool loses the first two of a series of histograms, also of its own blocks: it looks for floats first.
      let histograms = dump.filter { $0.contains("snap_native") }
      let ours = try run(
        try apusBinary(), ["tsdb", "dump", "--match=snap_native", snapshot], output: site.directory.path("ours"))
      #expect(ours.count == 10 && Array(ours.suffix(8)) == Array(histograms.suffix(8)), "\(ours) \(histograms)")

      let copies = ["/prometheus", "/apus"].map { site.directory.path + $0 }
      for copy in copies {
        #expect(try ChildProcess("/bin/cp", ["-r", snapshot, copy]).wait(within: .seconds(60)) == .code(0))
      }
      let configuration = try site.directory.write("", to: "prometheus.yml")
      let prometheus = try ServerProcess.prometheus(data: copies[0], configuration: configuration)
      #expect(try self.answers(prometheus) == answers)
      let again = try ServerProcess.apus(data: copies[1], flags)
      #expect(try self.answers(again) == answers)
    }

    @Test("verify of a directory without blocks is no success")
    func nothingToVerify() throws {
      let site = try Site()
      let apus = try site.start(["--no-storage.own-metrics", "--web.enable-admin-api"])
      let answer = try apus.request("POST", "/api/v1/admin/tsdb/snapshot")
      let json = try JSONValue(parsing: answer.text)
      #expect(json["warnings"].array?.count == 1, "\(answer.text)")
      let snapshot = site.data + "/snapshots/" + (try #require(json["data"]["name"].string))
      let child = try ChildProcess(try apusBinary(), ["tsdb", "verify", snapshot])
      #expect(child.wait(within: .seconds(20)) == .code(1))
      #expect(child.standardError.complete().contains("no blocks"))
    }
  }
}
