import PromQL
import Query
import TestKit
import Testing

@testable import API

/// `stats` beside an answer, and the feature that counts steps apart.
struct QueryStatisticsTests {
  private func bench(tellsSteps: Bool) throws -> APIBench {
    var options = QueryOptions()
    options.tellsSamplesPerStep = tellsSteps
    let bench = try APIBench(queryOptions: options)
    var body = RemoteWriteBody()
    let samples = (0..<4).map { (timestamp: APIBench.now - 45_000 + Int64($0) * 15_000, value: Double($0)) }
    for index in 0..<3 { body.add("m_total", ["i": "\(index)"], samples) }
    #expect(try bench.write(body.snappy, RemoteWriteBody.headers).status == 204)
    return bench
  }

  private func data(_ bench: APIBench, _ target: String) throws -> JSONValue {
    try JSONValue(parsing: try bench.get(target).body)["data"]
  }

  @Test("without the parameter an answer has no statistics; with any value it has times and samples")
  func asked() throws {
    let bench = try bench(tellsSteps: false)
    #expect(try data(bench, "/api/v1/query?query=m_total&time=1700000000")["stats"] == .null)
    for value in ["true", "1", "all"] {
      let stats = try data(bench, "/api/v1/query?query=m_total&time=1700000000&stats=\(value)")["stats"]
      #expect(stats["samples"]["totalQueryableSamples"].number == 3)
      #expect(stats["samples"]["peakSamples"].number ?? 0 > 0)
      #expect(stats["samples"]["totalQueryableSamplesPerStep"] == .null)
      let names = [
        "evalTotalTime", "resultSortTime", "queryPreparationTime", "innerEvalTime", "execQueueTime", "execTotalTime",
      ]
      #expect(stats["timings"].members?.map(\.name) == names)
      for name in names { #expect(stats["timings"][name].number != nil, "\(name)") }
    }
  }

  @Test("with the feature, all counts the samples of each step")
  func perStep() throws {
    let bench = try bench(tellsSteps: true)
    let range = "start=1699999970&end=1700000000&step=15"
    let stats = try data(bench, "/api/v1/query_range?query=rate(m_total%5B30s%5D)&\(range)&stats=all")["stats"]
    #expect(stats["samples"]["totalQueryableSamples"].number == 18)
    let steps = try #require(stats["samples"]["totalQueryableSamplesPerStep"].array)
    #expect(steps.map { $0[0].number } == [1_699_999_970, 1_699_999_985, 1_700_000_000])
    #expect(steps.map { $0[1].number } == [6, 6, 6])
    let plain = try data(bench, "/api/v1/query_range?query=m_total&\(range)&stats=1")["stats"]
    #expect(plain["samples"]["totalQueryableSamplesPerStep"] == .null)
  }
}
