import HTTP
import Ingest
import TSDB
import TestKit
import Testing

@testable import API

@Suite struct WriteEndpointTests {
  @Test(
    "a content type is taken when it is none, or protobuf that does not say it is another message",
    arguments: [
      ("", true), ("application/x-protobuf", true), (" Application/X-Protobuf ", true),
      ("application/x-protobuf;", true),
      ("application/x-protobuf;proto=prometheus.WriteRequest", true),
      ("application/x-protobuf ; charset=x ; proto=prometheus.WriteRequest", true),
      ("application/x-protobuf;proto=io.prometheus.write.v2.Request", false),
      ("application/x-protobuf;proto=", false), ("application/json", false), ("text/plain", false),
      ("application/x-protobufs", false), ("x", false),
    ])
  func types(_ type: String, _ isTaken: Bool) {
    let refusal = WriteEndpoint.refusal(ofType: type)
    #expect((refusal == nil) == isTaken)
    if let refusal { #expect(refusal.status == 415) }
  }

  @Test("the encoding is what the header says, but zstd is known by its magic number")
  func encodings() {
    let zstd: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 0]
    let other: [UInt8] = [0x0a, 0x00]
    let expected: [(String, [UInt8], BodyEncoding?)] = [
      ("", other, .snappy), ("snappy", other, .snappy), (" Snappy\t", other, .snappy), ("zstd", zstd, .zstd),
      ("snappy", zstd, .zstd), ("", zstd, .zstd), ("zstd", other, .snappy), ("snappy", [], .snappy),
      ("zstd", [0x28, 0xb5, 0x2f], .snappy), ("identity", other, .identity), ("identity", zstd, .identity),
      ("gzip", other, nil), ("deflate", other, nil), ("snappy, snappy", other, nil), ("br", zstd, nil),
    ]
    for (name, body, encoding) in expected {
      body.withUnsafeBytes { #expect(WriteEndpoint.encoding(name, of: $0) == encoding, "\(name)") }
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
    var options = HAOptions()
    options.clustersMax = 1
    bench.receiver.replicas.reconfigure(options)
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
        snappyCompressed([0x0a, 0x00]), [("Content-Encoding", "gzip")], 415,
        "gzip encoding (compression) is not accepted"
      ),
      (snappyCompressed([]), [("Content-Type", "application/json")], 415, "application/json"),
      (
        snappyCompressed([]), [("Content-Type", "application/x-protobuf;proto=io.prometheus.write.v2.Request")], 415,
        "io.prometheus.write.v2.request"
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
    #expect(try bench.get("/-/ready").status == 503)
    #expect(try bench.get("/api/v1/query?query=up").status == 503)
  }
}
