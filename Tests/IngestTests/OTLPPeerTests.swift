import Format
import TestKit
import Testing

@testable import Ingest

/// Native histograms beside a real Prometheus: what it makes of a push itself, and what the translation of the same push
/// gives it by remote write.
@Suite(
  .serialized, .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)))
struct OTLPPeerTests {
  @Test("exponential histograms are translated as Prometheus does", arguments: [false, true])
  func exponential(withCustomBuckets: Bool) throws {
    let directory = try TemporaryDirectory("apus-otlp")
    let section = "otlp: {convert_histograms_to_nhcb: \(withCustomBuckets)}\n"
    let configuration = try directory.write(section, to: "prometheus.yml")
    let flags = ["--web.enable-otlp-receiver", "--enable-feature=native-histograms"]
    let time = nowMilliseconds() / 1000 * 1000 - 60_000
    let metrics = withCustomBuckets ? Self.explicit(time) : Self.exponential(time)
    let push = OTLPBody.request(resource: OTLPBody.attributes(["service.name": "s"]), metrics)

    let pushed = try ServerProcess.prometheus(data: directory.path("a"), configuration: configuration, flags)
    #expect(
      try pushed.request(
        "POST", "/api/v1/otlp/v1/metrics", headers: [("Content-Type", "application/x-protobuf")], body: push.protobuf
      ).status == 200)
    let written = try ServerProcess.prometheus(data: directory.path("b"), configuration: configuration, flags)
    var options = OTLPOptions()
    options.makesCustomBuckets = withCustomBuckets
    for body in try translated(push, options) {
      let answer = try written.request(
        "POST", "/api/v1/write", headers: RemoteWriteBody.headers, body: snappyCompressed(body))
      #expect(answer.status == 204, "\(answer.text)")
    }
    let query = "/api/v1/query?query=%7B__name__=~%22.%2B%22%7D&time=\(time / 1000)"
    func result(_ server: ServerProcess) throws -> String {
      let answer = try server.get(query)
      let series = try JSONValue(parsing: answer.body)["data"]["result"].array ?? []
      #expect(series.count == metrics.count, "\(answer.text)")
      return series.map { "\($0)" }.sorted().joined(separator: "\n")
    }
    #expect(try result(pushed) == result(written))
  }

  private func translated(_ push: OTLPMessage, _ options: OTLPOptions) throws -> [[UInt8]] {
    var bodies: [[UInt8]] = []
    let request = try push.protobuf.withUnsafeBytes { try OTLPRequest(protobuf: $0) }
    var translation = OTLPTranslation(options, DeltaAccumulator(), now: nowMilliseconds()) { bytes in
      bodies.append(Array(bytes))
      return true
    }
    translation.translate(request)
    #expect(translation.errors.isEmpty, "\(translation.errors)")
    return bodies
  }

  static func exponential(_ time: Int64) -> [OTLPMessage] {
    let cases: [(Int32, (Int32, [UInt64]), (Int32, [UInt64]))] = [
      (0, (0, [1, 2, 3]), (0, [])), (3, (-7, [4, 0, 0, 5, 0, 0, 0, 6]), (2, [1])),
      (-4, (0, [1]), (-1, [2, 0, 0, 0, 0, 2])),
      (8, (100, [1, 1, 1, 1]), (0, [])), (10, (-6, [1, 2, 3, 4, 5, 6, 7, 8, 9]), (5, [3, 1, 2])),
      (20, (1000, [1, 2, 3, 4]), (-1000, [1])), (1, (0, [0, 0, 0, 0, 0, 7, 0]), (0, [0, 0])),
    ]
    return cases.enumerated().map { index, one in
      let total = (one.1.1 + one.2.1).reduce(2, +)
      return OTLPBody.metric(
        "native", .exponential,
        [
          OTLPBody.exponential(
            at: time, count: total, sum: index == 1 ? nil : 1.5, scale: one.0, zero: 2, positive: one.1,
            negative: one.2,
            OTLPBody.attributes(["case": "\(index)"]))
        ])
    }
  }

  static func explicit(_ time: Int64) -> [OTLPMessage] {
    let cases: [([UInt64], [Double])] = [
      ([1, 2, 3], [0.5, 10]), ([0, 0, 5, 0, 0, 0, 0, 1], [1, 2, 3, 4, 5, 6, 7]), ([4], []), ([0, 1], [-1]),
    ]
    return cases.enumerated().map { index, one in
      OTLPBody.metric(
        "custom", .histogram,
        [
          OTLPBody.histogram(
            at: time, count: one.0.reduce(0, +), sum: 2, buckets: one.0, bounds: one.1,
            OTLPBody.attributes(["case": "\(index)"]))
        ])
    }
  }
}
