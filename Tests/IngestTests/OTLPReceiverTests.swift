import Format
import Model
import TSDB
import TestKit
import Testing

@testable import Ingest

@Suite struct OTLPReceiverTests {
  let now = ReceiverBench.now
  let resource = OTLPBody.attributes([
    "service.name": "shop", "service.namespace": "web", "service.instance.id": "i-1", "host.name": "h1",
  ])

  func receive(
    _ bench: ReceiverBench, _ metrics: [OTLPMessage], options: OTLPOptions = OTLPOptions(),
    through receiver: OTLPReceiver? = nil
  ) -> OTLPOutcome {
    let receiver = receiver ?? OTLPReceiver(receiver: bench.receiver, options: options)
    return OTLPBody.request(resource: resource, metrics).protobuf.withUnsafeBytes {
      receiver.receive($0, encoding: .protobuf, compression: .identity)
    }
  }

  /// The newest values of the job's series, by their labels without job and instance.
  func values(_ bench: ReceiverBench) throws -> [String: Double] {
    var found: [String: Double] = [:]
    for (labels, samples) in try bench.stored("job", "web/shop") {
      #expect(labels.contains(#"instance="i-1""#))
      let short = labels.replacing(#", instance="i-1""#, with: "").replacing(#", job="web/shop""#, with: "")
      found[short] = samples.last.map { Double(bitPattern: $0.bits) }
    }
    return found
  }

  @Test("each kind of metric becomes the series Prometheus makes of it")
  func kinds() throws {
    let bench = try ReceiverBench()
    let route = OTLPBody.attributes(["http.route": "/a"])
    let outcome = receive(
      bench,
      [
        OTLPBody.metric("memory.used", unit: "By", .gauge, [OTLPBody.integer(7, at: now, route)]),
        OTLPBody.metric("requests", .sum(isMonotonic: true), [OTLPBody.number(2, at: now)]),
        OTLPBody.metric("queue", .sum(isMonotonic: false), [OTLPBody.number(-1, at: now)]),
        OTLPBody.metric(
          "took", unit: "s", .histogram,
          [OTLPBody.histogram(at: now, count: 6, sum: 12.5, buckets: [1, 2, 3], bounds: [0.5, 10])]),
        OTLPBody.metric("old", .summary, [OTLPBody.summary(at: now, count: 3, sum: 4, [(0.5, 1), (0.99, 2)])]),
        OTLPBody.metric("none", .gauge, []),
      ])
    #expect(outcome == .stored)
    #expect(
      try values(bench) == [
        #"{__name__="memory_used_bytes", http_route="/a"}"#: 7, #"{__name__="requests_total"}"#: 2,
        #"{__name__="queue"}"#: -1, #"{__name__="took_seconds_sum"}"#: 12.5, #"{__name__="took_seconds_count"}"#: 6,
        #"{__name__="took_seconds_bucket", le="0.5"}"#: 1, #"{__name__="took_seconds_bucket", le="10"}"#: 3,
        #"{__name__="took_seconds_bucket", le="+Inf"}"#: 6, #"{__name__="old_sum"}"#: 4, #"{__name__="old_count"}"#: 3,
        #"{__name__="old", quantile="0.5"}"#: 1, #"{__name__="old", quantile="0.99"}"#: 2,
        #"{__name__="target_info", host_name="h1"}"#: 1,
      ])
    let metadata = bench.receiver.metadata.metadata(of: "took_seconds", now: now)
    #expect(
      metadata["took_seconds"]?.map(\.kind) == [.histogram] && metadata["took_seconds"]?.map(\.unit) == ["seconds"])
  }

  @Test("a point without a recorded value is a stale marker in each of its series")
  func stale() throws {
    let bench = try ReceiverBench()
    let outcome = receive(
      bench,
      [
        OTLPBody.metric("a", .gauge, [OTLPBody.number(1, at: now, flags: 1)]),
        OTLPBody.metric(
          "b", .histogram, [OTLPBody.histogram(at: now, count: 1, sum: 1, buckets: [1, 0], bounds: [1], flags: 1)]),
        OTLPBody.metric("c", .summary, [OTLPBody.summary(at: now, count: 1, sum: 1, [(0.5, 1)], flags: 1)]),
      ])
    #expect(outcome == .stored)
    let stored = try bench.stored("job", "web/shop").filter { !$0.key.contains("target_info") }
    #expect(stored.count == 1 + 4 + 3)
    #expect(stored.values.allSatisfy { $0.map(\.bits) == [StaleMarker.bits] })
  }

  @Test("options promote attributes of resource and scope, and keep what identifies")
  func promotion() throws {
    var options = OTLPOptions()
    options.promotion = .only(["host.name"])
    options.promotesScope = true
    options.keepsIdentifyingAttributes = true
    let bench = try ReceiverBench()
    let metric = OTLPBody.metric(
      "a", .gauge,
      [
        OTLPBody.number(1, at: now, OTLPBody.attributes(["x.y": "2", "x-y": "1"])),
        OTLPBody.number(2, at: now, OTLPBody.attributes(["host_name": "own"])),
      ])
    #expect(receive(bench, [metric], options: options) == .stored)
    let scope =
      #"otel_scope_name="test.scope", otel_scope_schema_url="https://example.test/schema", "#
      + #"otel_scope_scope_kind="s", otel_scope_version="1.2""#
    #expect(
      try values(bench) == [
        "{__name__=\"a\", host_name=\"h1\", \(scope), x_y=\"1;2\"}": 1,
        "{__name__=\"a\", host_name=\"own\", \(scope)}": 2,
        #"{__name__="target_info", host_name="h1", service_instance_id="i-1", service_name="shop", "#
          + #"service_namespace="web"}"#: 1,
      ])
    options.promotion = .allBut(["host.name", "service.name", "service.namespace", "service.instance.id"])
    options.promotesScope = false
    let other = try ReceiverBench()
    #expect(receive(other, [metric], options: options) == .stored)
    #expect(try values(other)[#"{__name__="a", x_y="1;2"}"#] == 1)
  }

  @Test("names stay as they are where nothing is to be translated")
  func untranslated() throws {
    var options = OTLPOptions()
    let isKnown = options.setStrategy("NoTranslation")
    #expect(isKnown)
    let bench = try ReceiverBench()
    let point = OTLPBody.number(1, at: now, OTLPBody.attributes(["http.route": "/"]))
    #expect(receive(bench, [OTLPBody.metric("a.b", unit: "s", .gauge, [point])], options: options) == .stored)
    #expect(try values(bench).keys.contains { $0.contains("a.b") && $0.contains("http.route") })
  }

  @Test("target_info is there from the first to the last point, often enough for the queries")
  func targetInfo() throws {
    let bench = try ReceiverBench()
    let metric = OTLPBody.metric(
      "a", .gauge, [OTLPBody.number(1, at: now - 600_000), OTLPBody.number(2, at: now)])
    #expect(receive(bench, [metric]) == .stored)
    let info = try #require(try bench.stored("__name__", "target_info").values.first)
    #expect(info.map(\.time) == [600_000, 450_000, 300_000, 150_000, 0].map { now - $0 })
  }

  @Test("deltas are refused by name, and what is beside them is stored")
  func deltasRefused() throws {
    let bench = try ReceiverBench()
    let delta = OTLPBody.metric("d", .sum(isMonotonic: true), temporality: 1, [OTLPBody.number(1, at: now)])
    let gauge = OTLPBody.metric("g", .gauge, [OTLPBody.number(1, at: now)])
    let message = "invalid temporality and type combination for metric \"d\""
    #expect(receive(bench, [delta, gauge]) == .partly(rejectedPoints: 1, message: message))
    #expect(try values(bench).keys.sorted().first == #"{__name__="g"}"#)
    let unspecified = OTLPBody.metric(
      "d", .histogram, temporality: 0, [OTLPBody.histogram(at: now, count: 1, sum: 1, buckets: [1], bounds: [])])
    guard case .partly(1, message) = receive(bench, [unspecified]) else { return }
  }

  @Test("deltas are added up where the option says so, and a push that is repeated is not added again")
  func deltasCumulative() throws {
    var options = OTLPOptions()
    options.deltas = .madeCumulative
    let bench = try ReceiverBench()
    let receiver = OTLPReceiver(receiver: bench.receiver, options: options)
    for (step, count) in [(0, 1), (1, 2), (1, 2), (2, 4)] as [(Int64, UInt64)] {
      let time = now + step * 1000
      let outcome = receive(
        bench,
        [
          OTLPBody.metric("d", .sum(isMonotonic: true), temporality: 1, [OTLPBody.number(Double(count), at: time)]),
          OTLPBody.metric(
            "h", .histogram, temporality: 1,
            [OTLPBody.histogram(at: time, count: count, sum: 1, buckets: [count, 0], bounds: [1])]),
        ], through: receiver)
      #expect(outcome == .stored)
    }
    let stored = try bench.stored("job", "web/shop").mapValues { $0.map { Double(bitPattern: $0.bits) } }
    func series(_ name: String) -> [Double]? { stored.first { $0.key.contains("\"\(name)\"") }?.value }
    #expect(series("d_total") == [1, 3, 7])
    #expect(series("h_count") == [1, 3, 7] && series("h_sum") == [1, 2, 3])
    let late = OTLPBody.metric("d", .sum(isMonotonic: true), temporality: 1, [OTLPBody.number(1, at: now - 1)])
    guard case .partly(1, _) = receive(bench, [late], through: receiver) else {
      Issue.record("a late delta was taken")
      return
    }
  }

  @Test("what the receiver refuses of a push is told with its count; a push of nothing good is refused")
  func partly() throws {
    let bench = try ReceiverBench()
    let future = OTLPBody.metric("f", .gauge, [OTLPBody.number(1, at: now + 86_400_000)])
    let good = OTLPBody.metric("g", .gauge, [OTLPBody.number(1, at: now)])
    guard case .partly(_, let message) = receive(bench, [future, good]) else {
      Issue.record("a sample of tomorrow was taken")
      return
    }
    #expect(message.contains("refused"))
    guard case .refused = receive(bench, [future]) else {
      Issue.record("nothing but a sample of tomorrow was taken")
      return
    }
    let garbage: [UInt8] = [1, 2, 3]
    guard
      case .refused = garbage.withUnsafeBytes({ bytes in
        OTLPReceiver(receiver: bench.receiver).receive(bytes, encoding: .protobuf, compression: .identity)
      })
    else {
      Issue.record("garbage was taken")
      return
    }
  }

  @Test("a metric whose labels repeat many times is stored in slices")
  func slices() throws {
    let bench = try ReceiverBench()
    let long = OTLPBody.attributes(["long": String(repeating: "x", count: 20_000)])
    let bounds = (0..<500).map(Double.init)
    let metric = OTLPBody.metric(
      "h", .histogram,
      [
        OTLPBody.histogram(
          at: now, count: 501, sum: 1, buckets: [UInt64](repeating: 1, count: 501), bounds: bounds, long)
      ])
    #expect(receive(bench, [metric]) == .stored)
    #expect(try bench.stored("__name__", "h_bucket").count == 501)
  }

  @Test("each exemplar of a push is stored with the series of the first bucket that its value fits")
  func exemplars() throws {
    let bench = try ReceiverBench()
    func exemplar(_ value: Double, _ offset: Int64, _ trace: UInt8) -> OTLPMessage {
      OTLPBody.exemplar(value, at: now + offset, trace: [UInt8](repeating: trace, count: 16))
    }
    // In the order of their times, not of their values.
    let observed = [
      exemplar(7, 1, 1), exemplar(0.2, 2, 2), exemplar(1, 3, 3), exemplar(30, 4, 4), exemplar(0.5, 5, 0),
    ]
    let outcome = receive(
      bench,
      [
        OTLPBody.metric("made", .sum(isMonotonic: true), [OTLPBody.number(2, at: now, more: exemplar(1.5, -9, 9))]),
        // As Prometheus has it, those of gauges are left out.
        OTLPBody.metric("level", .gauge, [OTLPBody.number(2, at: now, more: exemplar(2.5, -9, 9))]),
        OTLPBody.metric(
          "took", unit: "s", .histogram,
          [
            OTLPBody.histogram(
              at: now, count: 6, sum: 12.5, buckets: [1, 2, 3], bounds: [0.5, 10], exemplars: observed)
          ]),
      ])
    #expect(outcome == .stored)
    func traced(_ trace: UInt8, _ offset: Int64, _ value: Double) -> Exemplar {
      let digits = String(repeating: "0\(trace)", count: 16)
      let labels: [(name: String, value: String)] = [("user", "u1")] + (trace == 0 ? [] : [("trace_id", digits)])
      return Exemplar(labels: Labels(labels), time: now + offset, value: value.bitPattern)
    }
    #expect(
      try bench.exemplars() == [
        "made_total": [traced(9, -9, 1.5)], "took_seconds_bucket 0.5": [traced(2, 2, 0.2), traced(0, 5, 0.5)],
        "took_seconds_bucket 10": [traced(1, 1, 7), traced(3, 3, 1)], "took_seconds_bucket +Inf": [traced(4, 4, 30)],
      ])
  }

  @Test("native histograms and exemplars are written as remote write has them")
  func native() throws {
    var builder = WriteSeriesBuilder()
    var histogram = WireHistogram()
    histogram.schema = -3
    histogram.count = 300
    histogram.sum = 2.5
    histogram.zeroThreshold = 1e-128
    histogram.positiveSpans = [BucketSpan(offset: -5, length: 2)]
    histogram.positiveDeltas = [200, -100]
    histogram.customBounds = [1, 2]
    builder.begin()
    builder.label("__name__", "h")
    builder.histogram(now, histogram)
    builder.exemplar([("trace_id", "ab")], now, 1.5)
    builder.end()
    var rows = WriteRequestRows()
    try WriteRequestScanner.scan(builder.bytes, key: .stable, into: &rows)
    #expect(rows.histograms.count == 1 && rows.exemplars.count == 1 && rows.times.count == 0)
  }
}
