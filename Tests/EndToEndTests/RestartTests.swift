import TestKit
import Testing

extension EndToEnd {
  @Suite("What was acknowledged outlives the process", .serialized)
  struct Restart {
    @Test("SIGTERM ends the server with code 0, and a restart has every sample")
    func terminate() throws {
      let site = try Site()
      let start = recentTimestamp()
      let server = try site.start()
      #expect(try server.write(counting("e2e_kept", from: start, count: 200)).status == 204)
      #expect(server.child.terminate() == .code(0))
      try expectKept(site, start)
    }

    @Test("SIGKILL loses nothing that was acknowledged")
    func kill() throws {
      let site = try Site()
      let start = recentTimestamp()
      let server = try site.start()
      #expect(try server.write(counting("e2e_kept", from: start, count: 200)).status == 204)
      server.child.killAndReap()
      try expectKept(site, start)
    }

    private func expectKept(_ site: borrowing Site, _ start: Int64) throws {
      for _ in 0..<2 {
        let server = try site.start()
        let answer = try server.query("e2e_kept[10m]", at: start + 300_000)
        #expect(answer.series.map(\.labels) == [["__name__": "e2e_kept", "job": "e2e"]])
        #expect(answer.series.first?.points.map(\.value) == (0..<200).map(Double.init))
        #expect(server.child.terminate() == .code(0))
      }
    }

    @Test("what senders say of their metrics is answered the same after SIGKILL, and after a clean end")
    func metadata() throws {
      let site = try Site()
      let now = recentTimestamp()
      var server = try site.start()
      var body = RemoteWriteBody()
      for number in 0..<300 {
        body.add(
          metadata: "e2e_\(number)_seconds", kind: UInt64(number % 8), help: "Help \"\(number)\"\n<&>\u{fc}",
          unit: number % 3 == 0 ? "seconds" : "")
      }
      #expect(try server.write(body).status == 204)
      var newer = RemoteWriteV2Body()
      for number in 0..<50 {
        newer.add(
          [("__name__", "e2e_new_\(number)_total"), ("job", "e2e")], [(now, 1)],
          metadata: .init(kind: 1, help: "How often \(number).", unit: "things"))
      }
      let answer = try server.request("POST", "/api/v1/write", headers: RemoteWriteV2Body.headers, body: newer.snappy)
      #expect(answer.status == 204)
      let targets = [
        "/api/v1/metadata", "/api/v1/metadata?metric=e2e_7_seconds", "/api/v1/metadata?metric=e2e_new_7_total",
        "/api/v1/metadata?limit=5",
      ]
      let wanted = try targets.map { try server.get($0).text }
      #expect(try JSONValue(parsing: Array(wanted[0].utf8))["data"].members.map { $0.count > 350 } == true)
      for _ in 0..<2 {
        server.child.killAndReap()
        server = try site.start()
        #expect(try targets.map { try server.get($0).text } == wanted)
        #expect(server.child.terminate() == .code(0))
        server = try site.start()
        #expect(try targets.map { try server.get($0).text } == wanted)
      }
      #expect(server.child.terminate() == .code(0))
    }

    @Test("rounds of SIGKILL under load: every acknowledged sample is asked for and there", .timeLimit(.minutes(5)))
    func killRounds() throws {
      let seed = RandomSource(for: "kill rounds").seed
      let report = try KillRounds(rounds: 6, seed: seed).run()
      #expect(report.bodiesAcknowledged > 0)
      #expect(report.samplesAskedFor > 0)
    }

    @Test(
      "promtool reads the data directory of a killed server",
      .enabled(if: PeerBinary.promtool.isExpected, Comment(rawValue: PeerBinary.promtool.absence)))
    func promtoolDump() throws {
      let site = try Site()
      let start = recentTimestamp()
      let server = try site.start()
      #expect(try server.write(counting("e2e_dumped", from: start, count: 30)).status == 204)
      server.child.killAndReap()
      let copy = site.directory.path("copy")
      #expect(try ChildProcess("/bin/cp", ["-a", site.data, copy]).wait(within: .seconds(20)) == .code(0))
      let dump = try ChildProcess(
        try PeerBinary.promtool.path(), ["tsdb", "dump", "--match={__name__=\"e2e_dumped\"}", copy])
      #expect(dump.wait(within: .seconds(60)) == .code(0))
      let lines = dump.standardOutput.complete().split(separator: "\n")
      #expect(lines.count == 30)
      for (index, line) in lines.enumerated() {
        #expect(line.hasPrefix("{__name__=\"e2e_dumped\", job=\"e2e\"} "))
        #expect(line.hasSuffix(" \(index) \(start + Int64(index) * 1000)"))
      }
    }
  }
}
