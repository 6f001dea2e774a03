import TestKit
import Testing

extension EndToEnd {
  /// Senders whose samples are old when they come, and clocks that are wrong for a while. The server stores its own metrics
  /// meanwhile, at the time of its clock.
  @Suite("Backlogs and clocks", .serialized)
  struct Backlogs {
    private static let day: Int64 = 86_400_000

    /// A day of samples, a minute apart, in bodies of an hour; the series goes on where it was left.
    private func sendDay(_ server: ServerProcess, _ metric: String, from start: Int64) throws -> Int {
      var refused = 0
      for hour in 0..<24 as Range<Int64> {
        var body = RemoteWriteBody()
        for series in 0..<5 {
          let times = (0..<60).map { start + (hour * 60 + $0) * 60_000 }
          body.add(metric, ["series": "\(series)"], times.map { ($0, Double(series)) })
        }
        let answer = try server.write(body)
        refused += answer.status == 204 ? 0 : 1
        #expect(answer.status == 204, "\(metric), hour \(hour): \(answer.text)")
        // A sender that is not behind.
        #expect(try server.write(counting("backlog_live", from: nowMilliseconds() + hour, count: 1)).status == 204)
      }
      return refused
    }

    private func count(_ server: ServerProcess, _ metric: String) throws -> Double? {
      try server.query("sum(count_over_time(\(metric)[3d]))", at: nowMilliseconds()).series.first?.points.first?.value
    }

    @Test("a sender that was offline for a day and a server that was away for one: nothing is refused, nothing is lost")
    func backlogs() throws {
      let site = try Site()
      var server = try site.start()
      let start = nowMilliseconds() / 60_000 * 60_000 - EndToEnd.Backlogs.day - 3_200_000
      #expect(try sendDay(server, "backlog_sender", from: start) == 0)
      #expect(try count(server, "backlog_sender") == 7200)
      // What the server has is a day old when it comes back.
      #expect(try server.write(counting("backlog_before", from: start - 60_000, count: 1)).status == 204)
      server.child.killAndReap()
      server = try site.start()
      #expect(try sendDay(server, "backlog_server", from: start) == 0)
      #expect(try count(server, "backlog_server") == 7200)
      #expect(server.child.terminate() == .code(0))
      server = try site.start()
      #expect(try count(server, "backlog_sender") == 7200)
      #expect(try count(server, "backlog_server") == 7200)
    }

    @Test("many samples of one series in the wrong order, in one body, neither block others nor the next start")
    func reversed() throws {
      let site = try Site()
      var server = try site.start()
      let now = nowMilliseconds()
      var body = RemoteWriteBody()
      body.add("backlog_reversed", [:], (0..<200_000).map { (now - Int64($0), Double($0)) })
      #expect(try server.write(body).status == 204)
      let question = "count_over_time(backlog_reversed[20m])"
      #expect(try server.query(question, at: now).series.first?.points.first?.value == 200_000)
      server.child.killAndReap()
      server = try site.start()
      #expect(try server.query(question, at: now).series.first?.points.first?.value == 200_000)
    }

    /// Moves the time of a process without touching that of the machine.
    private static let fakeTime = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"

    @Test(
      "a server whose clock is a day ahead for a while takes everything afterwards, tells what slipped in, and deletes it",
      .enabled(if: readFile(Backlogs.fakeTime) != nil, "needs libfaketime (package faketime)"))
    func clockStep() throws {
      let site = try Site()
      let offset = try site.directory.write("+0", to: "offset")
      let environment = [
        "LD_PRELOAD=\(preloading(Backlogs.fakeTime))", "FAKETIME_TIMESTAMP_FILE=\(offset)", "FAKETIME_CACHE_DURATION=1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
      ]
      func start() throws -> ServerProcess {
        let port = FreePort.next()
        let flags = [
          "--storage.tsdb.path=\(site.data)", "--web.listen-address=127.0.0.1:\(port)", "--web.enable-admin-api",
        ]
        // Twice: the library changes the environment of the first process that loads it, and a Swift program that this
        // happens to does not find its arguments any more.
        return try ServerProcess(
          "/usr/bin/env", environment + ["/usr/bin/env", try apusBinary()] + flags, port: port)
      }
      var server = try start()
      #expect(try server.write(counting("step_sender", from: nowMilliseconds() - 5000, count: 1)).status == 204)
      _ = try site.directory.write("+1d", to: "offset")
      // One stepped sender, once the server's clock has moved, and the server itself.
      let ahead = nowMilliseconds() + EndToEnd.Backlogs.day
      let isAhead = eventually(within: .seconds(30), every: .milliseconds(100)) {
        (try? server.write(counting("step_stepped", from: ahead, count: 1)).status) == 204
      }
      #expect(isAhead)
      _ = try site.directory.write("+0", to: "offset")
      let isBack = eventually(within: .seconds(30), every: .milliseconds(100)) {
        (try? server.write(counting("step_probe", from: ahead + 1, count: 1)).status) == 400
      }
      #expect(isBack)
      for isRestarted in [false, true] {
        if isRestarted {
          server.child.killAndReap()
          server = try start()
        }
        let now = nowMilliseconds()
        for metric in ["step_sender", "step_new\(isRestarted)", "step_stepped"] {
          let answer = try server.write(counting(metric, from: now, count: 1))
          #expect(answer.status == 204, "\(metric): \(answer.text)")
          #expect(try server.query(metric, at: now).series.first?.points.first?.value == 0)
        }
        let status = try server.get("/api/v1/status/tsdb").text
        // With the server's own ones, if it stored them just then.
        #expect(status.contains("seriesAheadExample"), "\(status)")
      }
      let everything = "%7B__name__%3D~%22.%2B%22%7D"
      let target = "/api/v1/admin/tsdb/delete_series?match[]=\(everything)&start=\(ahead / 1000 - 3600)"
      #expect(try server.request("POST", target).status == 204)
      for isRestarted in [false, true] {
        if isRestarted {
          server.child.killAndReap()
          server = try start()
        }
        #expect(try server.get("/api/v1/status/tsdb").text.contains("\"seriesAhead\":0"))
        #expect(try server.query("step_stepped", at: ahead + 1000).series.isEmpty)
        #expect(try !server.query("step_stepped", at: nowMilliseconds()).series.isEmpty)
      }
    }
  }
}
