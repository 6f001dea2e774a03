import Glibc
import TestKit
import Testing

extension EndToEnd {
  /// A day of data, written from old to new, in the hands of Prometheus's own programs. `APUS_DAY_SERIES` makes it larger.
  @Suite(
    "A day of data", .serialized, .timeLimit(.minutes(15)),
    .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)))
  struct Days {
    private static let stepMilliseconds: Int64 = 15_000
    private static let samples = 5760
    private static let samplesPerBody = 60
    private let seriesCount = environmentVariable("APUS_DAY_SERIES").flatMap { Int($0) } ?? 20
    /// A day and a few minutes ago, on a whole step.
    private let start = (nowMilliseconds() / 60_000 - 1450) * 60_000

    private func labels(_ number: Int) -> [(String, String)] {
      [("__name__", "day"), ("instance", "host-\(number)"), ("job", number % 2 == 0 ? "even" : "odd")]
    }

    /// Constants, counters, and decimals.
    private func value(_ number: Int, _ sample: Int) -> Double {
      switch number % 3 {
      case 0: 7
      // Below a million, where the tool begins to write exponents.
      case 1: Double(sample * (number % 150 + 3))
      default: Double((sample * 7919 + number * 31) % 1000) / 8
      }
    }

    private func write(to server: ServerProcess, samples: Int = Days.samples) throws {
      for first in stride(from: 0, to: samples, by: Days.samplesPerBody) {
        for lot in stride(from: 0, to: seriesCount, by: 100) {
          var body = RemoteWriteBody()
          for number in lot..<min(lot + 100, seriesCount) {
            body.add(
              labels(number),
              (first..<min(first + Days.samplesPerBody, samples)).map {
                (start + Int64($0) * Days.stepMilliseconds, value(number, $0))
              })
          }
          let answer = try server.write(body)
          #expect(answer.status == 204, "\(answer.text)")
          if answer.status != 204 { return }
        }
      }
    }

    private func run(_ program: PeerBinary, _ arguments: [String], output: String) throws -> [Substring] {
      let command = "exec \"$0\" \"$@\" >'\(output)'"
      let child = try ChildProcess("/bin/sh", ["-c", command, try program.path()] + arguments)
      #expect(child.wait(within: .seconds(300)) == .code(0), "\(arguments): \(child.standardError.text.suffix(500))")
      return String(decoding: readFile(output) ?? [], as: UTF8.self).split(separator: "\n")
    }

    private func copy(_ folder: String, to target: String) throws {
      let child = try ChildProcess("/bin/cp", ["-r", folder, target])
      #expect(child.wait(within: .seconds(120)) == .code(0))
    }

    /// Questions that touch all of the day.
    private func answers(_ server: ServerProcess, samples: Int = Days.samples) throws -> [String] {
      let end = start + Int64(samples) * Days.stepMilliseconds
      return try [
        "sum by (job) (count_over_time(day[1d]))", "sum by (job) (sum_over_time(day[25h]))", "count(day)",
        "max_over_time(day{job=\"odd\"}[6h])", "sum(rate(day[2h] offset 11h))", "day{instance=~\"host-1.?\"} offset 5h",
        "quantile_over_time(0.9, day{instance=\"host-2\"}[1d])",
      ].map { expression in
        let points = try server.query(expression, at: end).series.map {
          "\($0.labels.sorted { $0.key < $1.key }) \($0.points)"
        }
        return expression + " " + points.sorted().joined(separator: "; ")
      }
    }

    @Test("Apus makes blocks that promtool reads, sample for sample, and that Prometheus answers from")
    func wayBack() throws {
      let site = try Site()
      var apus = try site.start(["--no-storage.own-metrics"])
      try write(to: apus)
      // The head is written out and compacted while it goes on.
      let metas = try eventually(within: .seconds(120), every: .milliseconds(500)) {
        let text = try apus.get("/api/v1/status/tsdb/blocks").text
        return text.contains("\"level\": 2") || text.contains("\"level\": 3") ? text : nil
      }
      #expect(metas != nil, "no compacted block: \(apus.child.standardError.text.suffix(2000))")
      let ours = try answers(apus)
      #expect(apus.child.terminate() == .code(0))
      try copy(site.data, to: site.directory.path("copy"))

      let list = try run(.promtool, ["tsdb", "list", site.data], output: site.directory.path("list"))
      #expect(list.count > 2)
      let analysis = try run(.promtool, ["tsdb", "analyze", site.data], output: site.directory.path("analysis"))
      #expect(analysis.contains { $0.hasSuffix("Series: \(seriesCount)") })
      let dump = try run(.promtool, ["tsdb", "dump", site.data], output: site.directory.path("dump"))
      #expect(dump.count == seriesCount * Days.samples)
      var wanted: Set<String> = []
      for number in 0..<seriesCount {
        let text = "{" + labels(number).map { "\($0)=\"\($1)\"" }.joined(separator: ", ") + "}"
        for sample in 0..<Days.samples {
          let value = value(number, sample)
          let digits = value == value.rounded() ? String(Int64(value)) : "\(value)"
          wanted.insert("\(text) \(digits) \(start + Int64(sample) * Days.stepMilliseconds)")
        }
      }
      #expect(dump.filter { !wanted.contains(String($0)) }.prefix(3) == [])

      apus = try site.start(["--no-storage.own-metrics"])
      #expect(try answers(apus) == ours)
      let configuration = try site.directory.write("", to: "prometheus.yml")
      let prometheus = try ServerProcess.prometheus(data: site.directory.path("copy"), configuration: configuration)
      #expect(try answers(prometheus) == ours)
    }

    @Test("Apus answers from the directory of a killed Prometheus what that Prometheus does")
    func wayThere() throws {
      let site = try Site()
      let configuration = try site.directory.write("", to: "prometheus.yml")
      let peer = site.directory.path("peer")
      var prometheus = try ServerProcess.prometheus(data: peer, configuration: configuration)
      try write(to: prometheus)
      prometheus.child.killAndReap()
      // Started once more it writes blocks, and is killed again with the rest in its log and its head chunks.
      prometheus = try ServerProcess.prometheus(data: peer, configuration: configuration)
      let theirs = try answers(prometheus)
      prometheus.child.killAndReap()
      let apus = try ServerProcess.apus(data: peer, ["--no-storage.own-metrics"])
      #expect(try answers(apus) == theirs)
      #expect(apus.child.terminate() == .code(0))
    }
  }
}
