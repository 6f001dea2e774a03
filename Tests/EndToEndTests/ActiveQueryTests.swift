import Synchronization
import TestKit
import Testing

extension EndToEnd {
  @Suite("Long queries")
  struct LongQueries {
    /// Seconds of work on every machine, unless it is ended: a thousand series, each with a quantile of many windows.
    private static let slow = percentEncoded("sum(max_over_time(quantile_over_time(0.9, busy[5m:500ms])[5m:500ms]))")

    @Test("a running query is listed, ended by its id, and gone")
    func kill() throws {
      let site = try Site()
      let apus = try site.start(["--query.max-samples=5000000000"])
      let start = EndToEnd.recentTimestamp()
      var body = RemoteWriteBody()
      for index in 0..<1000 {
        body.add("busy", ["id": "\(index)"], (0..<20).map { (start + Int64($0) * 15_000, Double($0 * index)) })
      }
      #expect(try apus.write(body).status == 204)
      let asked = BackgroundAnswer(apus, "/api/v1/query?query=\(Self.slow)")
      let listed = try eventually(within: .seconds(20), every: .milliseconds(5)) { () -> JSONValue? in
        let list = try JSONValue(parsing: try apus.get("/api/v1/status/active_queries").body)["data"]
        return list[0].isNull ? nil : list[0]
      }
      let query = try #require(listed)
      #expect(query["query"].string?.hasPrefix("sum(max_over_time(") == true && query["workspace"].string == "default")
      #expect(query["client"].string?.hasPrefix("127.0.0.1") == true)
      let id = try #require(query["id"].string)
      let other = try apus.request("DELETE", "/api/v1/status/active_queries?id=999999")
      #expect(other.status == 404)
      #expect(try apus.request("DELETE", "/api/v1/status/active_queries?id=\(id)").status == 204)
      let answer = try #require(asked.wait(within: .seconds(20)))
      #expect(answer.status == 499)
      #expect(try JSONValue(parsing: answer.body)["errorType"].string == "canceled")
      #expect(try apus.get("/api/v1/status/active_queries").text.contains("\"data\":[]"))
    }

    @Test("what takes longer than the threshold is in the log of slow queries, with what it took")
    func slowLog() throws {
      let site = try Site()
      let path = site.directory.path("slow.log")
      let apus = try site.start(["--query.slow-log-file=\(path)", "--query.slow-log-threshold=0s"])
      #expect(try apus.write(EndToEnd.counting("up", from: EndToEnd.recentTimestamp(), count: 200)).status == 204)
      #expect(try apus.get("/api/v1/query_range?query=up{job=%22e2e%22}&start=1&end=2&step=1").status == 200)
      #expect(try apus.request("POST", "/api/v1/query?query=sum(up%5B1h%5D").status == 400)
      let lines = try fileText(path).split(separator: "\n")
      #expect(lines.count == 2)
      let line = try JSONValue(parsing: String(lines[0]))
      #expect(line["query"].string == "up{job=\"e2e\"}" && line["start"].string == "1" && line["step"].string == "1")
      for name in ["seconds", "queueSeconds", "samples", "bytes"] { #expect(line[name].number != nil, "\(name)") }
      #expect(try #require(line["bytes"].number) > 20)
    }
  }
}

/// A request whose answer is waited for elsewhere.
private final class BackgroundAnswer: Sendable {
  private let answer = Mutex<HTTPAnswer?>(nil)

  init(_ server: ServerProcess, _ target: String) {
    startThread { [self] in
      let got = try? server.get(target)
      answer.withLock { $0 = got }
    }
  }

  func wait(within deadline: Duration) -> HTTPAnswer? {
    eventually(within: deadline) { answer.withLock { $0 } }
  }
}
