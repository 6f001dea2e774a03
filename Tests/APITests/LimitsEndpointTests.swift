import Ingest
import Model
import TSDB
import TestKit
import Testing

@testable import API

@Suite struct LimitsEndpointTests {
  @Test(
    "limits, what there is and what was refused stand side by side; past the rate senders are told when to come again")
  func limits() throws {
    let bench = try APIBench()
    bench.database.reconfigure {
      $0.head.limits.activeSeriesMax = 3
      $0.head.limits.labelSets = [LabelSetLimit(labels: Labels([(name: "job", value: "a\"b")]), seriesMax: 7)]
    }
    var limits = IngestLimits()
    limits.samplesPerSecondMax = 10
    limits.labelsPerSeriesMax = 30
    bench.receiver.reconfigure(limits)
    var rules = IngestRules()
    rules.relabel = [RelabelRule(.drop, of: ["__name__"], regex: "dropped")]
    try bench.receiver.reconfigure(rules)

    var body = RemoteWriteBody()
    for metric in ["a", "b", "dropped", "c", "d"] { body.add(metric, ["job": "a\"b"], [(APIBench.now - 1000, 1)]) }
    let refused = try bench.write(body.snappy, RemoteWriteBody.headers)
    #expect(refused.status == 400 && refused.text.contains("per-user series limit of 3 exceeded"), "\(refused.text)")
    _ = try bench.write(body.snappy, RemoteWriteBody.headers)
    let limited = try bench.write(body.snappy, RemoteWriteBody.headers)
    #expect(limited.status == 429 && limited.header("Retry-After") == "1", "\(limited.text)")
    #expect(limited.text.hasPrefix("ingestion rate limit (10) exceeded while adding 5 samples and 0 metadata"))

    let answer = try JSONValue(parsing: try bench.get("/api/v1/status/limits").body)["data"]
    #expect(answer["activeSeries"]["limit"].number == 3 && answer["activeSeries"]["present"].number == 3)
    #expect(answer["labelSets"][0]["labels"]["job"].string == "a\"b")
    #expect(answer["labelSets"][0]["limit"].number == 7 && answer["labelSets"][0]["present"].number == 3)
    #expect(answer["labelsPerSeries"]["limit"].number == 30)
    #expect(answer["samplesPerSecond"]["limit"].number == 10)
    #expect(answer["relabelling"]["rules"].number == 1 && answer["relabelling"]["droppedSamples"].number == 2)
    #expect(answer["discardedSamples"]["per_user_series_limit"].number == 2)
    #expect(answer["discardedSamples"]["rate_limited"].number == 5)
  }

  @Test(
    "a listing of series that would take too much memory is an error that says what to do; with a limit it is answered")
  func listing() throws {
    var options = QueryOptions()
    options.bytesMax = 50_000
    let bench = try APIBench(queryOptions: options)
    var body = RemoteWriteBody()
    for index in 0..<2000 { body.add("m", ["id": "\(index)"], [(APIBench.now - 1000, 1)]) }
    #expect(try bench.write(body.snappy, RemoteWriteBody.headers).status == 204)
    let refused = try bench.get("/api/v1/series?match[]=m")
    #expect(refused.status == 422)
    #expect(
      try JSONValue(parsing: refused.body)["error"].string
        == "the labels of the matching series take more than 50000 bytes (--query.max-bytes): "
        + "narrow match[], start and end, or set a limit")
    let limited = try JSONValue(parsing: try bench.get("/api/v1/series?match[]=m&limit=10").body)
    #expect(limited["data"].array?.count == 10)
    #expect(try bench.get("/api/v1/series?match[]=" + percentEncoded("m{id=~\"1..\"}")).status == 200)
  }
}
