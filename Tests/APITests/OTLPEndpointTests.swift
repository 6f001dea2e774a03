import HTTP
import Ingest
import TestKit
import Testing

@testable import API

@Suite struct OTLPEndpointTests {
  static let path = "/api/v1/otlp/v1/metrics"
  let resource = OTLPBody.attributes(["service.name": "shop"])

  private func gauge(_ name: String, at time: Int64 = APIBench.now) -> OTLPMessage {
    OTLPBody.metric(name, .gauge, [OTLPBody.number(4, at: time)])
  }

  @Test("a push is taken in both encodings, plain and compressed, below a workspace and with a slash behind it")
  func good() throws {
    let bench = try APIBench()
    let protobuf = ("Content-Type", "application/x-protobuf")
    let json = ("Content-Type", "application/json; charset=utf-8")
    let gzip = ("Content-Encoding", "gzip")
    for (index, path) in [Self.path, Self.path + "/", "/workspaces/default" + Self.path].enumerated() {
      let push = OTLPBody.request(resource: resource, [gauge("g\(index)")])
      for (body, headers) in [
        (push.protobuf, [protobuf]), (gzipCompressed(push.protobuf), [protobuf, gzip]), (Array(push.json.utf8), [json]),
        (gzipCompressed(Array(push.json.utf8)), [json, gzip]),
      ] {
        let answer = try bench.write(body, headers, to: path)
        #expect(answer.status == 200, "\(path): \(answer.text)")
        #expect(answer.text == (headers[0].1.hasPrefix("application/json") ? "{}" : ""))
      }
      let query = try bench.get("/api/v1/query?query=g\(index)&time=1700000000")
      #expect(query.text.contains(#""job":"shop"},"value":[1700000000,"4"]"#), "\(query.text)")
    }
  }

  @Test("what is left out is told in the answer; what is none is 400 or 415, what may pass 503")
  func refused() throws {
    let bench = try APIBench()
    let protobuf = [("Content-Type", "application/x-protobuf")]
    let untimed = OTLPBody.metric("d", .sum(isMonotonic: true), temporality: 0, [OTLPBody.number(1, at: APIBench.now)])
    let push = OTLPBody.request(resource: resource, [gauge("g"), untimed])
    let text = "invalid temporality and type combination for metric \"d\""
    var answer = try bench.write(push.protobuf, protobuf, to: Self.path)
    #expect(answer.status == 200)
    #expect(Array(answer.body.prefix(4).dropFirst(2)) == [0x08, 0x01] && answer.text.contains(text), "\(answer.body)")
    answer = try bench.write(Array(push.json.utf8), [("Content-Type", "application/json")], to: Self.path)
    #expect(answer.status == 200)
    #expect(answer.text.contains(#"{"partialSuccess":{"rejectedDataPoints":"1","errorMessage":"invalid temporality"#))

    answer = try bench.write(OTLPBody.request(resource: resource, [untimed]).protobuf, protobuf, to: Self.path)
    #expect(answer.status == 400 && answer.text.contains(text))
    #expect(try bench.write([1, 2, 3], protobuf, to: Self.path).status == 400)
    #expect(try bench.write([1], protobuf + [("Content-Encoding", "gzip")], to: Self.path).status == 400)
    answer = try bench.write([], protobuf + [("Content-Encoding", "br")], to: Self.path)
    #expect(answer.status == 415 && answer.text.contains("unsupported compression: br"))
    answer = try bench.write([], [("Content-Type", "text/plain")], to: Self.path)
    #expect(answer.status == 415 && answer.text.contains("unsupported content type: text/plain"))
    #expect(try bench.get(Self.path).status == 405)
    #expect(try bench.write([], protobuf, to: "/workspaces/nobody" + Self.path).status == 404)
    let waiting = try APIBench(isReady: false)
    answer = try waiting.write(push.protobuf, protobuf, to: Self.path)
    #expect(answer.status == 503 && answer.header("Retry-After") == "5")
  }
}
