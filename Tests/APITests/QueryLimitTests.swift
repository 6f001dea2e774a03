import Query
import TestKit
import Testing

@testable import API

/// What a query may not use up, with Prometheus's statuses and words.
struct QueryLimitTests {
  private func bench(_ change: (inout QueryOptions) -> Void) throws -> APIBench {
    var options = QueryOptions()
    change(&options)
    let bench = try APIBench(queryOptions: options)
    var body = RemoteWriteBody()
    let samples = (0..<20).map { (timestamp: APIBench.now - 285_000 + Int64($0) * 15_000, value: Double($0)) }
    for index in 0..<40 { body.add("m_total", ["i": "\(index)"], samples) }
    #expect(try bench.write(body.snappy, RemoteWriteBody.headers).status == 204)
    return bench
  }

  private func refusal(_ bench: APIBench, _ target: String) throws -> (status: Int, type: String?, text: String?) {
    let answer = try bench.get(target)
    let json = try JSONValue(parsing: answer.body)
    return (answer.status, json["errorType"].string, json["error"].string)
  }

  private static let range = "/api/v1/query_range?query=m_total&start=1699999700&end=1700000000&step=15"

  @Test("more samples than a query may hold are 422, execution; a query that stays below has its answer")
  func samples() throws {
    let bench = try bench { $0.samplesMax = 100 }
    let refused = try refusal(bench, Self.range)
    #expect(refused.status == 422 && refused.type == "execution")
    #expect(refused.text == "query processing would load too many samples into memory in query execution")
    #expect(try bench.get("/api/v1/query?query=m_total%7Bi=%221%22%7D&time=1700000000").status == 200)
  }

  @Test("more bytes than a query may take are refused as well")
  func bytes() throws {
    let bench = try bench { $0.bytesMax = 4096 }
    #expect(try refusal(bench, Self.range).status == 422)
    #expect(try bench.get("/api/v1/query?query=count(m_total)&time=1700000000").status == 200)
  }

  @Test("a query that is late is 503, timeout; the shorter of its own and the server's time counts")
  func timeout() throws {
    let bench = try bench { _ in }
    let refused = try refusal(bench, Self.range + "&timeout=0")
    #expect(refused.status == 503 && refused.type == "timeout")
    #expect(refused.text == "query timed out in expression evaluation")
    #expect(try bench.get(Self.range + "&timeout=1h").status == 200)
    let hurried = try self.bench { $0.timeoutMilliseconds = 0 }
    #expect(try refusal(hurried, Self.range + "&timeout=1h").status == 503)
  }

  @Test("how far back an instant selector looks follows the flag and, before it, the parameter")
  func lookback() throws {
    let bench = try bench { $0.engine.lookback = 60_000 }
    let late = "/api/v1/query?query=count(m_total)&time=1700000090"
    #expect(try JSONValue(parsing: try bench.get(late).body)["data"]["result"].array?.count == 0)
    #expect(try JSONValue(parsing: try bench.get(late + "&lookback_delta=5m").body)["data"]["result"].array?.count == 1)
    #expect(try bench.get(late + "&lookback_delta=0").status == 400)
  }
}
