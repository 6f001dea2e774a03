import Format
import Model
import TestKit
import Testing

@testable import API

@Suite struct QueryEndpointTests {
  private func error(_ answer: HTTPAnswer) throws -> (type: String?, text: String?) {
    let json = try JSONValue(parsing: answer.body)
    #expect(json["status"].string == "error")
    return (json["errorType"].string, json["error"].string)
  }

  @Test("bad parameters are 400 and named with Prometheus's words")
  func badParameters() throws {
    let bench = try APIBench()
    let range = "/api/v1/query_range?query=up"
    let cases: [(String, String)] = [
      (
        "/api/v1/query?query=up&time=abc",
        #"invalid parameter "time": invalid time value for 'time': cannot parse "abc" to a valid timestamp"#
      ),
      ("/api/v1/query?query=up&limit=-1", #"invalid parameter "limit": limit must be non-negative"#),
      ("/api/v1/query?query=up&limit=x", #"invalid parameter "limit": strconv.Atoi: parsing "x": invalid syntax"#),
      ("/api/v1/query?query=up&timeout=x", #"invalid parameter "timeout": cannot parse "x" to a valid duration"#),
      (range + "&end=2&step=1", #"invalid parameter "start": cannot parse "" to a valid timestamp"#),
      (range + "&start=1&step=1", #"invalid parameter "end": cannot parse "" to a valid timestamp"#),
      (range + "&start=1&end=2", #"invalid parameter "step": cannot parse "" to a valid duration"#),
      (range + "&start=2&end=1&step=1", #"invalid parameter "end": end timestamp must not be before start time"#),
      (
        range + "&start=1&end=2&step=0",
        #"invalid parameter "step": zero or negative query resolution step widths are not accepted. "#
          + "Try a positive integer"
      ),
      (
        range + "&start=0&end=11001&step=1",
        "exceeded maximum resolution of 11,000 points per timeseries. "
          + "Try decreasing the query resolution (?step=XX)"
      ),
      (
        range + "&start=1&end=2&step=1e300",
        #"invalid parameter "step": cannot parse "1e300" to a valid duration. It overflows int64"#
      ),
    ]
    for (target, text) in cases {
      let answer = try bench.get(target)
      #expect(answer.status == 400, "\(target)")
      let error = try error(answer)
      #expect(error.type == "bad_data" && error.text == text, "\(target): \(error)")
    }
    let noQuery = try bench.get("/api/v1/query")
    #expect(noQuery.status == 400)
    #expect(try bench.get("/workspaces/nobody/api/v1/query?query=up").status == 404)
  }

  @Test("times and durations at the ends of what they can be are answered or refused, and the server lives on")
  func extremes() throws {
    let bench = try APIBench()
    let times = [
      "-9.1e15", "9.1e15", "-4e15", "4e15", "-3.9e15", "3.9e15", "0", "-9223372036854775.808", "9223372036854775.807",
      "9999-12-31T23:59:59Z",
    ]
    let durations = ["1e-9", "1", "9e9", "9.1e12", "292y", "-1", "NaN"]
    for time in times {
      for duration in durations {
        let instant = try bench.get("/api/v1/query?query=up%20offset%201d&time=\(time)&lookback_delta=\(duration)")
        #expect([200, 400].contains(instant.status), "\(time) \(duration): \(instant.text)")
        for end in times {
          let answer = try bench.get("/api/v1/query_range?query=up&start=\(time)&end=\(end)&step=\(duration)")
          #expect([200, 400].contains(answer.status), "\(time) \(end) \(duration): \(answer.text)")
        }
      }
    }
    #expect(try bench.get("/api/v1/query?query=1&time=1").status == 200)
  }

  @Test("answers have Prometheus's shape for every kind of result")
  func shapes() throws {
    let bench = try APIBench()
    var body = RemoteWriteBody()
    for step in 0..<3 {
      body.add("m", ["a": "x\"\n"], [(APIBench.now + Int64(step) * 1500, Double(step) + 0.5)])
    }
    #expect(try bench.write(body.snappy, RemoteWriteBody.headers).status == 204)
    let at = "&time=1700000003"
    let head = #"{"status":"success","data":{"resultType":"#
    let metric = #"{"metric":{"__name__":"m","a":"x\"\n"},"#
    let cases = [
      ("/api/v1/query?query=m\(at)", head + #""vector","result":["# + metric + #""value":[1700000003,"2.5"]}]}}"#),
      ("/api/v1/query?query=nothing\(at)", head + #""vector","result":[]}}"#),
      ("/api/v1/query?query=1%2F0\(at)", head + #""scalar","result":[1700000003,"+Inf"]}}"#),
      ("/api/v1/query?query=%22a%5C%22b%22\(at)", head + #""string","result":[1700000003,"a\"b"]}}"#),
      (
        "/api/v1/query?query=m%5B1h%5D\(at)",
        head + #""matrix","result":["# + metric
          + #""values":[[1700000000,"0.5"],[1700000001.500,"1.5"],[1700000003,"2.5"]]}]}}"#
      ),
      (
        "/api/v1/query_range?query=m&start=1700000000&end=1700000003&step=1500ms",
        head + #""matrix","result":["# + metric
          + #""values":[[1700000000,"0.5"],[1700000001.500,"1.5"],[1700000003,"2.5"]]}]}}"#
      ),
    ]
    for (target, expected) in cases {
      let answer = try bench.get(target)
      #expect(answer.status == 200)
      #expect(answer.text == expected, "\(target)")
    }
  }

  @Test("a limit leaves the first series and says so; one that is not exceeded says nothing")
  func limit() throws {
    let bench = try APIBench()
    var body = RemoteWriteBody()
    for index in 0..<5 { body.add("m", ["i": "\(index)"], [(APIBench.now, 1)]) }
    #expect(try bench.write(body.snappy, RemoteWriteBody.headers).status == 204)
    for (limit, count) in [("0", 5), ("", 5), ("3", 3), ("5", 5), ("9", 5)] {
      let answer = try JSONValue(parsing: try bench.get("/api/v1/query?query=m&time=1700000000&limit=\(limit)").body)
      #expect(answer["data"]["result"].array?.count == count)
      #expect(answer["warnings"][0].string == (count < 5 ? "results truncated due to limit" : nil))
    }
  }

  @Test("errors have the statuses of Prometheus's API, and any text is quoted")
  func errorStatuses() throws {
    let expected: [(APIError.Kind, Int)] = [
      (.badData, 400), (.execution, 422), (.canceled, 499), (.timeout, 503), (.internalError, 500), (.notFound, 404),
      (.notAcceptable, 406), (.unavailable, 503),
    ]
    for (kind, status) in expected {
      let response = APIError(kind, "a \"b\"\n\u{1}").response
      #expect(response.status == status)
      guard case .bytes(let bytes) = response.body else {
        Issue.record("an error without a body")
        return
      }
      let json = try JSONValue(parsing: bytes)
      #expect(json["error"].string == "a \"b\"\n\u{1}")
      #expect(json["errorType"].string == kind.rawValue)
    }
    let bench = try APIBench()
    let answer = try bench.get("/api/v1/query?query=%22%22%2B")
    #expect(answer.status == 400)
    #expect(try error(answer).text?.hasPrefix(#"invalid parameter "query": "#) == true)
  }

  @Test("what the server says about itself is JSON, whatever is in it")
  func status() throws {
    let bench = try APIBench()
    let build = try JSONValue(parsing: try bench.get("/api/v1/status/buildinfo").body)
    #expect(
      build["data"]["version"].string == "3.5.0" && build["data"]["apusVersion"].string == "1.2.3"
        && build["data"]["revision"].string == "r\"")
    let flags = try JSONValue(parsing: try bench.get("/api/v1/status/flags").body)
    #expect(flags["data"]["web.name"].string == "a\"b")
    let config = try JSONValue(parsing: try bench.get("/api/v1/status/config").body)
    #expect(config["data"]["yaml"].string == "global:\n  x: \"1\"\n")
    let replay = try JSONValue(parsing: try bench.get("/api/v1/status/walreplay").body)
    #expect(replay["data"]["current"].number != nil)
    #expect(try bench.get("/-/healthy").text == "Prometheus Server is Healthy.\n")
    #expect(try bench.get("/-/reload").status == 405)
  }
}
