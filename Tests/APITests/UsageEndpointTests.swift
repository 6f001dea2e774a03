import Query
import TSDB
import TestKit
import Testing

@testable import API
import Workspaces

@Suite struct UsageEndpointTests {
  private static let path = "/api/v1/status/usage"

  private static func write(_ bench: APIBench, _ count: Int) throws {
    var body = RemoteWriteBody()
    for index in 0..<count { body.add("m", ["id": "\(index)"], [(bench.clock.nowMilliseconds() - 1000, 1)]) }
    #expect(try bench.write(body.snappy, RemoteWriteBody.headers).status == 204)
  }

  @Test("samples, queries and their samples are told by hour and by day, with what they cost") func usage() throws {
    var prices = UsagePrices()
    prices.ingestedSamplesPer10Million = 0.9
    prices.querySamplesPerBillion = 0.1
    let bench = try APIBench(usagePrices: prices)
    try Self.write(bench, 5)
    _ = try bench.get("/api/v1/query?query=m&time=\(APIBench.now / 1000)")
    _ = try bench.get("/api/v1/query?query=m%7B")
    bench.clock.advance(milliseconds: 3_600_000)
    // What was used until now is of the hour before.
    _ = try bench.get(Self.path)
    try Self.write(bench, 2)

    let hourly = try JSONValue(parsing: try bench.get(Self.path).body)["data"]
    #expect(hourly["workspace"].string == "default" && hourly["step"].string == "hour")
    #expect(hourly["buckets"].array?.count == 2)
    #expect(hourly["buckets"][0]["start"].string == "2023-11-14T22:00:00Z")
    #expect(hourly["buckets"][0]["ingestedSamples"].number == 5)
    #expect(hourly["buckets"][0]["ingestedBySource"]["remoteWrite"].number == 5)
    #expect(hourly["buckets"][0]["querySamples"].number == 5)
    #expect(hourly["buckets"][0]["querySamplesBy"]["client"].number == 5)
    #expect(hourly["buckets"][1]["ingestedSamples"].number == 2)
    #expect(hourly["total"]["ingestedSamples"].number == 7 && hourly["total"]["activeSeriesMax"].number == 5)
    #expect(hourly["total"]["cost"]["ingestion"].number == 7.0 / 1e7 * 0.9)
    #expect(hourly["total"]["cost"]["queries"].number == 5.0 / 1e9 * 0.1)
    #expect(hourly["prices"]["ingestedSamplesPer10Million"].number == 0.9)

    let daily = try JSONValue(parsing: try bench.get(Self.path + "?step=day").body)["data"]
    #expect(daily["buckets"].array?.count == 1)
    #expect(daily["buckets"][0]["start"].string == "2023-11-14T00:00:00Z")
    #expect(daily["buckets"][0]["ingestedSamples"].number == 7)

    let first = try JSONValue(
      parsing: try bench.get(Self.path + "?from=2023-11-14T22:30:00Z&to=2023-11-14T23:00:00Z").body)["data"]
    #expect(first["buckets"].array?.count == 1 && first["total"]["ingestedSamples"].number == 5)
    #expect(first["from"].string == "2023-11-14T22:00:00Z")
    let metrics = try bench.get("/metrics").text
    #expect(metrics.contains("apus_ingested_samples_total{source=\"remote_write\"} 7\n"))
    #expect(metrics.contains("apus_query_samples_total{asker=\"client\"} 5\n"))
    #expect(metrics.contains("apus_queries_total{asker=\"rule\"} 0\n"))
  }

  @Test("without prices there is no cost; wrong parameters are told") func parameters() throws {
    let bench = try APIBench()
    try Self.write(bench, 1)
    let answer = try bench.get(Self.path).text
    #expect(!answer.contains("cost") && !answer.contains("prices") && answer.contains("\"ingestedSamples\":1,"))
    for (query, message) in [
      ("step=week", "invalid parameter \"step\": it is hour or day"),
      ("from=x", "invalid time value for 'from'"), ("from=20&to=10", "invalid parameter \"to\": it is before from"),
    ] {
      let refused = try bench.get(Self.path + "?" + query)
      #expect(refused.status == 400)
      #expect(try JSONValue(parsing: refused.body)["error"].string?.contains(message) == true, "\(refused.text)")
    }
    for query in ["from=-1e300&to=1e300", "from=0&to=0", "step=day&to=1e15"] {
      #expect(try bench.get(Self.path + "?" + query).status == 200)
    }
  }
}
