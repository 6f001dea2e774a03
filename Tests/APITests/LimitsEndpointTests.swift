import Ingest
import Model
import Query
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
    bench.receiver.intake.reconfigure(limits)
    var rules = IngestRules()
    rules.relabel = [RelabelRule(.drop, of: ["__name__"], regex: "dropped")]
    try bench.receiver.intake.reconfigure(rules)

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
    let last = answer["lastRefused"]
    #expect(last["per_user_series_limit"]["limit"].number == 3 && last["per_user_series_limit"]["actual"].number == 3)
    #expect(last["per_user_series_limit"]["series"].string?.contains("job=\"a\\\"b\"") == true)
    #expect(
      last["per_user_series_limit"]["count"].number == 2 && last["per_user_series_limit"]["unit"].string == "samples")
    #expect(last["rate_limited"]["answer"].string == "429" && last["rate_limited"]["actual"].number == 5)
    #expect(last["rate_limited"]["time"].string == "2023-11-14T22:13:20.000Z")
    let sender = last["rate_limited"]["sender"]
    #expect(sender["protocol"].string == "remote write 1.0" && sender["workspace"].string == "default")
    #expect(sender["address"].string?.hasPrefix("127.0.0.1:") == true)
  }

  @Test("a vmagent is told 204 of a body that was refused in part, and the log page and the counters tell the truth")
  func vmagent() throws {
    let bench = try APIBench()
    var body = RemoteWriteBody()
    body.add("good", ["job": "a"], [(APIBench.now, 1)])
    body.add("early", ["job": "a"], [(APIBench.now + 86_400_000, 1)])
    let headers = RemoteWriteBody.headers + [("X-VictoriaMetrics-Remote-Write-Version", "1")]
    #expect(try bench.write(body.snappy, headers).status == 204)
    let last = try JSONValue(parsing: try bench.get("/api/v1/status/limits").body)["data"]["lastRefused"]
    #expect(last["too_far_in_future"]["answer"].string == "204, since vmagent would send the whole body again")
    #expect(last["too_far_in_future"]["sender"]["userAgent"].string == "apus-test/1.0")
    #expect(last["too_far_in_future"]["timestamp"].number == Double(APIBench.now + 86_400_000))
    let metrics = try bench.get("/metrics").text
    #expect(metrics.contains("apus_receiver_untold_refused_samples_total 1\n"))
    #expect(metrics.contains("apus_discarded_samples_total{reason=\"too_far_in_future\"} 1\n"))
  }

  @Test("bodies of an unknown type, in an unknown encoding, or that are none, are counted and remembered")
  func bodies() throws {
    let bench = try APIBench()
    let cases: [(String, [(String, String)], Int)] = [
      ("/api/v1/write", [("Content-Type", "text/plain")], 415),
      ("/api/v1/write", [("Content-Encoding", "br")], 415), ("/api/v1/write", [], 400),
      ("/api/v1/otlp/v1/metrics", [("Content-Type", "text/plain")], 415),
      ("/api/v1/otlp/v1/metrics", [("Content-Type", "application/json")], 400),
    ]
    for (path, headers, status) in cases {
      #expect(try bench.write([1, 2, 3], headers, to: path).status == status, "\(path) \(headers)")
    }
    let metrics = try bench.get("/metrics").text
    for (reason, count) in [("unsupported_content_type", 2), ("unsupported_encoding", 1), ("malformed_body", 2)] {
      #expect(metrics.contains("apus_discarded_bodies_total{reason=\"\(reason)\"} \(count)\n"), "\(reason)")
    }
    let last = try JSONValue(parsing: try bench.get("/api/v1/status/limits").body)["data"]["lastRefused"]
    #expect(last["malformed_body"]["unit"].string == "bodies" && last["malformed_body"]["count"].number == 2)
    #expect(last["malformed_body"]["sender"]["protocol"].string == "OTLP")
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
