import Format
import Glibc
import TestKit
import Testing
@testable import Ingest

/// What a real Prometheus reads of the native histograms that a push is translated into: each bucket with its bounds as
/// the definition of the push's own format has them.
@Suite(
  .serialized, .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)))
struct OTLPPeerTests {
  @Test(
    "exponential histograms and those with bounds have their buckets in a real Prometheus", arguments: [false, true])
  func buckets(withCustomBuckets: Bool) throws {
    let directory = try TemporaryDirectory("apus-otlp")
    let configuration = try directory.write("{}\n", to: "prometheus.yml")
    let server = try ServerProcess.prometheus(
      data: directory.path("data"), configuration: configuration, ["--enable-feature=native-histograms"])
    let time = nowMilliseconds() / 1000 * 1000 - 60_000
    let metrics = withCustomBuckets ? Self.explicit(time) : Self.exponential(time)
    var options = OTLPOptions()
    options.makesCustomBuckets = withCustomBuckets
    let push = OTLPBody.request(resource: OTLPBody.attributes(["service.name": "s"]), metrics)
    for body in try translated(push, options) {
      let answer = try server.request(
        "POST", "/api/v1/write", headers: RemoteWriteBody.headers, body: snappyCompressed(body))
      #expect(answer.status == 204, "\(answer.text)")
    }
    let answer = try server.get("/api/v1/query?query=%7Bcase!=%22%22%7D&time=\(time / 1000)")
    let series = try JSONValue(parsing: answer.body)["data"]["result"].array ?? []
    #expect(series.count == metrics.count, "\(answer.text)")
    for one in series {
      let number = try #require(one["metric"]["case"].string.flatMap { Int($0) })
      let expected = withCustomBuckets ? Self.expectedExplicit(number) : Self.expectedExponential(number)
      let found = (one["histogram"][1]["buckets"].array ?? []).map { bucket in
        (1...3).map { bucket[$0].string.flatMap { Double($0) } ?? .nan }
      }
      #expect(found.count == expected.count, "case \(number): \(found), not \(expected)")
      for (one, other) in zip(found, expected) {
        let isSame = zip(one, other).allSatisfy { abs($0 - $1) <= 1e-9 * max(abs($0), abs($1)) || $0 == $1 }
        #expect(isSame, "case \(number): \(one), not \(other)")
      }
    }
  }

  /// Lower bound, upper bound and count of each bucket, from the lowest on.
  static func expectedExponential(_ number: Int) -> [[Double]] {
    let (scale, positive, negative) = exponentialCases[number]
    let shift = max(0, scale - 8)
    let base = exp2(exp2(-Double(min(scale, 8))))
    func side(_ buckets: (Int32, [UInt64])) -> [(lower: Double, upper: Double, count: Double)] {
      var counts: [Int: UInt64] = [:]
      for (place, count) in buckets.1.enumerated() {
        counts[(Int(buckets.0) + place) >> Int(shift), default: 0] += count
      }
      return counts.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map {
        (pow(base, Double($0.key)), pow(base, Double($0.key + 1)), Double($0.value))
      }
    }
    let below = side(negative).reversed().map { [-$0.upper, -$0.lower, $0.count] }
    return below + [[-1e-128, 1e-128, 2]] + side(positive).map { [$0.lower, $0.upper, $0.count] }
  }

  static func expectedExplicit(_ number: Int) -> [[Double]] {
    let (counts, bounds) = explicitCases[number]
    let edges = [-Double.infinity] + bounds + [.infinity]
    return counts.indices.filter { counts[$0] > 0 }.map { [edges[$0], edges[$0 + 1], Double(counts[$0])] }
  }

  private func translated(_ push: OTLPMessage, _ options: OTLPOptions) throws -> [[UInt8]] {
    var bodies: [[UInt8]] = []
    let request = try push.protobuf.withUnsafeBytes { try OTLPRequest(protobuf: $0) }
    var translation = OTLPTranslation(
      options, DeltaAccumulator(), now: nowMilliseconds(), newest: 1 << 42, key: .stable
    ) { rows in
      bodies.append(rows.body())
      return true
    }
    translation.translate(request)
    #expect(translation.refusals.isEmpty, "\(translation.refusals.named)")
    return bodies
  }

  /// Scale, then offset and counts of either side.
  static let exponentialCases: [(Int32, (Int32, [UInt64]), (Int32, [UInt64]))] = [
    (0, (0, [1, 2, 3]), (0, [])), (3, (-7, [4, 0, 0, 5, 0, 0, 0, 6]), (2, [1])),
    (-4, (0, [1]), (-1, [2, 0, 0, 0, 0, 2])),
    (8, (100, [1, 1, 1, 1]), (0, [])), (10, (-6, [1, 2, 3, 4, 5, 6, 7, 8, 9]), (5, [3, 1, 2])),
    (20, (1000, [1, 2, 3, 4]), (-1000, [1])), (1, (0, [0, 0, 0, 0, 0, 7, 0]), (0, [0, 0])),
  ]

  static func exponential(_ time: Int64) -> [OTLPMessage] {
    exponentialCases.enumerated().map { index, one in
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

  static let explicitCases: [([UInt64], [Double])] = [
    ([1, 2, 3], [0.5, 10]), ([0, 0, 5, 0, 0, 0, 0, 1], [1, 2, 3, 4, 5, 6, 7]), ([4], []), ([0, 1], [-1]),
  ]

  static func explicit(_ time: Int64) -> [OTLPMessage] {
    explicitCases.enumerated().map { index, one in
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
