import HTTP
import Ingest
import TSDB
import TestKit
import Testing

@testable import API

@Suite struct WriteEndpointTests {
  @Test(
    "the content type says which message a body is; none at all means that of 1.0, another 415",
    arguments: [
      ("", .v1), ("application/x-protobuf", .v1), (" Application/X-Protobuf ", .v1), ("application/x-protobuf;", .v1),
      ("application/x-protobuf;proto=prometheus.WriteRequest", .v1),
      ("application/x-protobuf ; charset=x ; proto=prometheus.WriteRequest", .v1),
      ("application/x-protobuf;charset=utf-8", .v1),
      ("application/x-protobuf;proto=io.prometheus.write.v2.Request", .v2),
      ("application/x-protobuf; a=b; PROTO=io.prometheus.write.v2.Request", .v2),
      ("application/x-protobuf;proto=io.prometheus.write.v3.Request", nil),
      ("application/x-protobuf;proto=prometheus.writerequest", nil), ("application/x-protobuf;proto=", nil),
      ("application/x-protobuf;proto", nil), ("application/x-protobuf;proto=a=b", nil), ("application/json", nil),
      ("text/plain", nil), ("application/x-protobufs", nil), ("x", nil), (";proto=prometheus.WriteRequest", nil),
    ] as [(String, WriteMessage?)])
  func types(_ type: String, _ message: WriteMessage?) {
    let verdict = WriteNegotiation.message(ofType: type)
    if let message {
      #expect(verdict == .message(message))
    } else {
      #expect(verdict.refusal.status == 415)
      guard case .refused(let text) = verdict else {
        Issue.record("\(type) was taken")
        return
      }
      #expect(text.contains(type))
    }
  }

  @Test("the encoding is what the header says, but zstd and gzip are known by their magic numbers")
  func encodings() {
    let zstd: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 0]
    let gzip: [UInt8] = [0x1f, 0x8b, 0x08, 0]
    let other: [UInt8] = [0x0a, 0x00]
    let expected: [(String, [UInt8], BodyEncoding?)] = [
      ("", other, .snappy), ("snappy", other, .snappy), (" Snappy\t", other, .snappy), ("zstd", zstd, .zstd),
      ("snappy", zstd, .zstd), ("", zstd, .zstd), ("zstd", other, .snappy), ("snappy", [], .snappy),
      ("zstd", [0x28, 0xb5, 0x2f], .snappy), ("identity", other, .identity), ("identity", zstd, .identity),
      ("gzip", other, .gzip), ("gzip", gzip, .gzip), ("x-gzip", gzip, .gzip), ("gzip", zstd, .zstd), ("", gzip, .gzip),
      ("snappy", gzip, .gzip), ("deflate", other, nil), ("snappy, snappy", other, nil), ("br", zstd, nil),
    ]
    for (name, body, encoding) in expected {
      body.lend { #expect(WriteNegotiation.encoding(name, of: $0) == encoding, "\(name)") }
    }
  }

  static let writtenNames = ["Samples", "Histograms", "Exemplars"].map { "X-Prometheus-Remote-Write-\($0)-Written" }

  func written(_ answer: HTTPAnswer) -> [String?] { Self.writtenNames.map { answer.header($0) } }

  @Test("2.0 is told what was written, on success and on failure; 1.0 never")
  func writtenHeaders() throws {
    let bench = try APIBench()
    var body = RemoteWriteV2Body()
    body.add([("__name__", "up"), ("job", "test")], [(APIBench.now, 1), (APIBench.now + 1, 1)])
    var answer = try bench.write(body.snappy, RemoteWriteV2Body.headers)
    #expect(answer.status == 204 && answer.body.isEmpty)
    #expect(written(answer) == ["2", "0", "0"])
    body.add([("job", "nameless")], [(APIBench.now, 1)])
    answer = try bench.write(body.snappy, RemoteWriteV2Body.headers)
    #expect(answer.status == 400)
    #expect(answer.text.contains("sample missing metric name"))
    #expect(written(answer) == ["2", "0", "0"])
    // Speaking 2.0, nobody is taken for vmagent.
    let headers = RemoteWriteV2Body.headers + [("X-VictoriaMetrics-Remote-Write-Version", "1")]
    #expect(try bench.write(body.snappy, headers).status == 400)
    answer = try bench.write([1, 2, 3], RemoteWriteV2Body.headers)
    #expect(answer.status == 400)
    #expect(written(answer) == ["0", "0", "0"])
    // Before it is known which message it is, nothing can be said.
    answer = try bench.write(body.snappy, [("Content-Type", "application/x-protobuf;proto=x")])
    #expect(answer.status == 415)
    #expect(written(answer) == [nil, nil, nil])
    var old = RemoteWriteBody()
    old.add([("job", "nameless")], [(APIBench.now, 1)])
    answer = try bench.write(old.snappy, RemoteWriteBody.headers)
    #expect(answer.status == 400)
    #expect(written(answer) == [nil, nil, nil])
  }

  @Test("a body is read in each encoding")
  func everyEncoding() throws {
    let bench = try APIBench()
    for (index, name) in ["snappy", "gzip", "identity", "zstd"].enumerated() {
      var body = RemoteWriteV2Body()
      body.add([("__name__", "encoded"), ("by", name)], [(APIBench.now, Double(index))])
      let sent =
        switch name {
        case "gzip": gzipCompressed(body.message)
        case "identity": body.message
        default: body.snappy
        }
      let headers = [("Content-Encoding", name), RemoteWriteV2Body.headers[1]]
      let answer = try bench.write(sent, headers)
      #expect(answer.status == 204, "\(name): \(answer.text)")
      #expect(answer.header("X-Prometheus-Remote-Write-Samples-Written") == "1")
    }
  }

  @Test(
    "a follower is told 202 and who leads, one cluster too many 400, and the status says it in each workspace's path")
  func replicas() throws {
    let bench = try APIBench()
    func send(_ replica: String, _ offset: Int64) throws -> (status: Int, text: String) {
      var body = RemoteWriteBody()
      body.add("up", ["__replica__": replica, "cluster": "c"], [(APIBench.now + offset, 1)])
      let answer = try bench.write(body.snappy, RemoteWriteBody.headers)
      return (answer.status, answer.text)
    }
    #expect(try send("a", 0) == (204, ""))
    #expect(try send("b", 1) == (202, "replicas did not match, rejecting sample: replica=b, elected=a\n"))
    for path in ["/api/v1/status/ha", "/workspaces/default/api/v1/status/ha"] {
      let data = try JSONValue(parsing: bench.get(path).body)["data"]
      #expect(data["enabled"].bool == true)
      #expect(data["elected"][0]["cluster"].string == "c" && data["elected"][0]["replica"].string == "a")
      #expect(data["elected"][0]["followers"][0]["replica"].string == "b")
      #expect(data["elected"][0]["followers"][0]["keptBodies"].number == 1)
      #expect(data["elected"][0]["electedAt"].string == data["now"].string)
    }
    bench.clock.advance(milliseconds: 40 * 60_000)
    var plain = RemoteWriteBody()
    plain.add("plain", [:], [(bench.clock.nowMilliseconds(), 1)])
    #expect(try bench.write(plain.snappy, RemoteWriteBody.headers).status == 204)
    let rested = try JSONValue(parsing: bench.get("/api/v1/status/ha").body)["data"]
    #expect(rested["elected"][0]["cluster"].string == nil)
    #expect(rested["resting"][0]["cluster"].string == "c" && rested["resting"][0]["replica"].string == "a")
    #expect(rested["resting"][0]["newestSample"].string == "2023-11-14T22:13:20.000Z")
    #expect(try send("b", -1).status == 202)
    var options = HAOptions()
    options.clustersMax = 1
    bench.receiver.intake.replicas.reconfigure(options)
    var body = RemoteWriteBody()
    body.add("up", ["__replica__": "a", "cluster": "d"], [(APIBench.now, 1)])
    let refused = try bench.write(body.snappy, RemoteWriteBody.headers)
    #expect(refused.status == 400 && refused.text.hasPrefix("too many HA clusters (limit: 1)"))
  }

  @Test("spaces and tabs around a text go, others stay")
  func trimming() {
    #expect(" \t a b\t ".trimmedASCII == "a b")
    #expect("".trimmedASCII == "")
    #expect(" \t".trimmedASCII == "")
    #expect("\u{a0}a\n".trimmedASCII == "\u{a0}a\n")
  }

  @Test("a good body is 204 without a body of its own, under each name and with a trailing slash")
  func good() throws {
    let bench = try APIBench()
    for (index, path) in ["/api/v1/write", "/api/v1/remote_write", "/api/v1/remote_write/", "/api/v1/push"].enumerated()
    {
      var body = RemoteWriteBody()
      body.add("up", ["job": "test"], [(APIBench.now + Int64(index), 1)])
      let answer = try bench.write(body.snappy, RemoteWriteBody.headers, to: path)
      #expect(answer.status == 204, "\(path): \(answer.text)")
      #expect(answer.body.isEmpty)
      #expect(!answer.headers.contains { $0.name.lowercased().hasPrefix("x-prometheus-remote-write") })
    }
  }

  @Test("a partly bad body is 400 with the reason, and 204 for vmagent, which would send it all again")
  func partly() throws {
    let bench = try APIBench()
    var body = RemoteWriteBody()
    body.add("up", ["job": "test"], [(APIBench.now, 1)])
    body.add([("job", "nameless")], [(APIBench.now, 1)])
    let answer = try bench.write(body.snappy, RemoteWriteBody.headers)
    #expect(answer.status == 400)
    #expect(answer.text.contains(#"sample missing metric name, series {job="nameless"}"#), "\(answer.text)")
    let headers = RemoteWriteBody.headers + [("X-VictoriaMetrics-Remote-Write-Version", "1")]
    #expect(try bench.write(body.snappy, headers).status == 204)
    let query = try bench.get("/api/v1/query?query=up&time=1700000000")
    #expect(query.text.contains(#""value":[1700000000,"1"]"#), "\(query.text)")
  }

  @Test("what is no request is 400, what is no known encoding or message 415, with a text that says so")
  func refused() throws {
    let bench = try APIBench()
    let cases: [([UInt8], [(String, String)], Int, String)] = [
      ([1, 2, 3], [], 400, "corrupt"),
      (snappyCompressed([0x0a, 0x05]), [], 400, "not a remote-write request: timeseries is cut at byte 2"),
      (
        snappyCompressed([0x0a, 0x00]), [("Content-Encoding", "deflate")], 415,
        "deflate encoding (compression) is not accepted by this server; only snappy"
      ),
      (snappyCompressed([]), [("Content-Type", "application/json")], 415, "application/json"),
      (
        snappyCompressed([]), [("Content-Type", "application/x-protobuf;proto=io.prometheus.write.v3.Request")], 415,
        "io.prometheus.write.v3.Request"
      ),
    ]
    for (body, headers, status, text) in cases {
      let answer = try bench.write(body, headers)
      #expect(answer.status == status)
      #expect(answer.text.contains(text), "\(answer.text)")
    }
    #expect(try bench.write([], []).status == 400)
    #expect(try bench.get("/api/v1/write").status == 405)
    #expect(try bench.write([], [], to: "/workspaces/nobody/api/v1/write").status == 404)
  }

  @Test("until the database is ready writes are 503 with a time to come back")
  func notReady() throws {
    let bench = try APIBench(isReady: false)
    var body = RemoteWriteBody()
    body.add("up", [:], [(APIBench.now, 1)])
    let answer = try bench.write(body.snappy, RemoteWriteBody.headers)
    #expect(answer.status == 503)
    #expect(answer.header("Retry-After") == "5")
    #expect(written(answer) == [nil, nil, nil])
    let newer = try bench.write(RemoteWriteV2Body().snappy, RemoteWriteV2Body.headers)
    #expect(newer.status == 503)
    #expect(written(newer) == ["0", "0", "0"])
    #expect(try bench.get("/-/ready").status == 503)
    #expect(try bench.get("/api/v1/query?query=up").status == 503)
  }
}
