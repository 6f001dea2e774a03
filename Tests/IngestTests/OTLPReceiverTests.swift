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
    let receiver = receiver ?? OTLPReceiver(bench.intake, options: options)
    return OTLPBody.request(resource: resource, metrics).protobuf.lend {
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
    let metadata = bench.intake.metadata.metadata(of: "took_seconds", now: now)
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

  @Test("a metric without a temporality is refused by name and counted, and what is beside it is stored")
  func unspecifiedTemporality() throws {
    let lines = LogLines()
    let bench = try ReceiverBench(log: lines.log)
    let unspecified = OTLPBody.metric(
      "d", .histogram, temporality: 0, [OTLPBody.histogram(at: now, count: 1, sum: 1, buckets: [1], bounds: [])])
    let gauge = OTLPBody.metric("g", .gauge, [OTLPBody.number(1, at: now)])
    let message = "invalid temporality and type combination for metric \"d\""
    #expect(receive(bench, [unspecified, gauge]) == .partly(rejectedPoints: 1, message: message))
    #expect(try values(bench).keys.sorted().first == #"{__name__="g"}"#)
    #expect(bench.discarded("otlp_temporality") == 1)
    let told = lines.all.filter { $0.contains("refused") }
    #expect(told.count == 1 && told[0].contains("reason=otlp_temporality"), "\(told)")
  }

  @Test("deltas are added up, and a push that is repeated is not added again")
  func deltasCumulative() throws {
    let bench = try ReceiverBench()
    let receiver = OTLPReceiver(bench.intake)
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
  }

  /// The values of a series of the job.
  private func series(_ bench: ReceiverBench, _ name: String) throws -> [Double]? {
    try bench.stored("job", "web/shop").first { $0.key.contains("\"\(name)\"") }?.value
      .map { Double(bitPattern: $0.bits) }
  }

  private func sum(_ points: [(Int64, Double)]) -> OTLPMessage {
    OTLPBody.metric(
      "d", .sum(isMonotonic: true), temporality: 1, points.map { OTLPBody.number($0.1, at: now + $0.0) })
  }

  @Test("a push that is limited counts its deltas once when it comes again")
  func retriedDeltas() throws {
    var limits = IngestLimits()
    limits.samplesPerSecondMax = 4
    let bench = try ReceiverBench(limits)
    let receiver = OTLPReceiver(bench.intake)
    #expect(receive(bench, [sum([(0, 1)])], through: receiver) == .stored)
    // Two points of one series in one push, as collectors batch them.
    let push = [sum([(1, 2), (2, 4)]), OTLPBody.metric("g", .gauge, (1..<4).map { OTLPBody.number(1, at: now + $0) })]
    guard case .limited(_, let seconds) = receive(bench, push, through: receiver) else {
      Issue.record("five samples fit into three")
      return
    }
    bench.clock.advance(milliseconds: Int64(seconds) * 1000)
    #expect(receive(bench, push, through: receiver) == .stored)
    #expect(try series(bench, "d_total") == [1, 3, 7])
    // The same once more, as after a lost answer, and behind a newer push.
    bench.intake.reconfigure(IngestLimits())
    #expect(receive(bench, push, through: receiver) == .stored)
    #expect(receive(bench, [sum([(3, 8)])], through: receiver) == .stored)
    #expect(receive(bench, push, through: receiver) == .stored)
    #expect(receive(bench, [sum([(4, 16)])], through: receiver) == .stored)
    #expect(try series(bench, "d_total") == [1, 3, 7, 15, 31])
  }

  @Test("a delta that comes behind a newer one is in the next sum; one too old to be told from a repetition is refused")
  func lateDeltas() throws {
    let bench = try ReceiverBench()
    let receiver = OTLPReceiver(bench.intake)
    for push in [[(0, 1.0)], [(10, 2)], [(5, 4)], [(5, 4)], [(10, 2)], [(20, 8)]] as [[(Int64, Double)]] {
      #expect(receive(bench, [sum(push)], through: receiver) == .stored)
    }
    #expect(try series(bench, "d_total") == [1, 3, 15])
    for step in 0..<Int64(DeltaAccumulator.timesMax) {
      #expect(receive(bench, [sum([(30 + step, 1)])], through: receiver) == .stored)
    }
    guard case .partly(1, let message) = receive(bench, [sum([(7, 100)])], through: receiver) else {
      Issue.record("a delta that may be a repetition was added")
      return
    }
    #expect(message.hasPrefix("delta of \"d_total\" is older than 16 others of its series"), "\(message)")
    #expect(bench.discarded("otlp_delta_too_old") == 1)
  }

  @Test("deltas of the future are refused, and those of today go on; what is not finite does not spoil a sum")
  func wrongDeltas() throws {
    let bench = try ReceiverBench()
    let receiver = OTLPReceiver(bench.intake)
    #expect(receive(bench, [sum([(0, 1)])], through: receiver) == .stored)
    guard case .partly(3, _) = receive(bench, [sum([(86_400_000, 1), (1, .nan), (2, .infinity)])], through: receiver)
    else {
      Issue.record("wrong deltas were taken")
      return
    }
    #expect(receive(bench, [sum([(3, 1)])], through: receiver) == .stored)
    #expect(try series(bench, "d_total") == [1, 2])
    #expect(bench.discarded("too_far_in_future") == 1 && bench.discarded("otlp_invalid") == 2)
  }

  @Test("a series that is silent for an hour goes on where it was: programs send only what has changed")
  func quietDeltas() throws {
    let bench = try ReceiverBench()
    let receiver = OTLPReceiver(bench.intake)
    for step in 0..<3 as Range<Int64> {
      #expect(receive(bench, [sum([(step * 3_600_000, 1)])], through: receiver) == .stored)
      bench.clock.advance(milliseconds: 3_600_000)
    }
    #expect(try series(bench, "d_total") == [1, 2, 3])
    #expect(receiver.deltaSeriesCount == 1)
  }

  @Test("exponential histograms of deltas are added up, in the coarser scale of both")
  func exponentialDeltas() throws {
    var one = OTLPExponentialPoint()
    (one.count, one.sum, one.scale, one.zeroCount) = (7, 10, 2, 1)
    (one.positive.offset, one.positive.counts) = (-3, [1, 2, 3])
    var two = one
    (two.count, two.scale) = (4, 1)
    (two.positive.offset, two.positive.counts) = (4, [3])
    let sum = try #require(one.added(two))
    #expect(sum.count == 11 && sum.scale == 1 && sum.zeroCount == 2 && sum.sum == 20)
    // -3, -2, -1 become -2, -1, -1.
    #expect(sum.positive.offset == -2 && sum.positive.counts == [1, 5, 0, 0, 0, 0, 3])
    #expect(sum.negative.counts == [])
    // Far apart: made coarser until they fit, and refused where they never would.
    two.positive.offset = 5000
    #expect(try #require(one.added(two)).scale < 0)
    two.positive.offset = .max
    #expect(one.added(two) == nil)

    let bench = try ReceiverBench()
    let receiver = OTLPReceiver(bench.intake)
    for (step, count) in [(0, 1), (1, 2), (1, 2), (2, 4)] as [(Int64, UInt64)] {
      let metric = OTLPBody.metric(
        "e", .exponential, temporality: 1,
        [
          OTLPBody.exponential(
            at: now + step * 1000, count: count, sum: 1, scale: 3, zero: 0, positive: (0, [count]), negative: (0, []))
        ])
      #expect(receive(bench, [metric], through: receiver) == .stored)
    }
    let counts = try bench.histogramCounts("e")
    #expect(counts == [1, 3, 7])
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
      case .refused = garbage.lend({ bytes in
        OTLPReceiver(bench.intake).receive(bytes, encoding: .protobuf, compression: .identity)
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

  @Test("what a follower pushed is kept as rows, and closes the gap when it is elected")
  func replicas() throws {
    var options = HAOptions()
    options.replicaLabel = "replica"
    let bench = try ReceiverBench(ha: options)
    let receiver = OTLPReceiver(bench.intake)
    let plain = OTLPBody.attributes(["service.name": "shop"])
    func push(_ replica: String, at time: Int64, _ value: Double) -> OTLPOutcome {
      let labels = OTLPBody.attributes(["cluster": "c", "replica": replica])
      let metrics = [
        OTLPBody.metric("load", .gauge, [OTLPBody.number(value, at: time, labels)]),
        OTLPBody.metric(
          "sizes", .exponential,
          [
            OTLPBody.exponential(
              at: time, count: UInt64(value) + 2, sum: value, scale: 3, zero: 2, positive: (0, [UInt64(value)]),
              negative: (0, []), labels)
          ]),
      ]
      return OTLPBody.request(resource: plain, metrics).protobuf.lend {
        receiver.receive($0, encoding: .protobuf, compression: .identity)
      }
    }
    for second in 0..<120 as Range<Int64> {
      let time = now + second * 1000
      bench.clock.advance(milliseconds: 500)
      if second < 60 { #expect(push("a", at: time, Double(second * 10 + 1)) == .stored) }
      bench.clock.advance(milliseconds: 500)
      #expect(push("b", at: time + 400, Double(second * 10 + 5)) == .stored)
    }
    let stored = try bench.stored("cluster", "c")
    #expect(stored.count == 2 && stored.keys.allSatisfy { !$0.contains("replica") })
    let load = try #require(stored.first { $0.key.contains("load") }).value
    // What the leader brought, then what the follower had from the leader's last sample on.
    let leader = Array(0..<60 as Range<Int64>)
    let follower = Array(59..<120 as Range<Int64>)
    let times: [Int64] = leader.map { now + $0 * 1000 } + follower.map { now + $0 * 1000 + 400 }
    let values: [Double] = leader.map { Double($0 * 10 + 1) } + follower.map { Double($0 * 10 + 5) }
    #expect(load.map(\.time) == times)
    #expect(load.map { Double(bitPattern: $0.bits) } == values)
    #expect(try bench.histogramCounts("sizes") == values.map { $0 + 2 })
  }
}
