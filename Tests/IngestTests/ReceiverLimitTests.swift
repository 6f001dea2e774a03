import Format
import Ingest
import Model
import Platform
import PlatformSimulation
import TSDB
import TestKit
import Testing

@Suite struct ReceiverLimitTests {
  let now = ReceiverBench.now

  @Test("labels beyond the limits are refused with both numbers; at the limits they are stored")
  func labelLimits() throws {
    var limits = IngestLimits()
    limits.labelsPerSeriesMax = 3
    limits.labelNameBytesMax = 8
    limits.labelValueBytesMax = 10
    let bench = try ReceiverBench(limits)
    let base = [label("__name__", "m"), label("job", "test")]
    let cases: [([RawLabel], String?, String)] = [
      (base + [label("name8888", "0123456789")], nil, ""),
      // A label without a value does not count.
      (base + [label("a", "1"), label("b", "")], nil, ""),
      (
        base + [label("a", "1"), label("b", "2")], "max_label_names_per_series",
        "series has too many labels (actual: 4, limit: 3)"
      ),
      (
        base + [label("name99999", "1")], "label_name_too_long",
        #"label name too long for metric (actual: 9, limit: 8) label name: "name99999""#
      ),
      (
        base + [label("a", "01234567890")], "label_value_too_long",
        #"label value too long for metric (actual: 11, limit: 10) label name: "a""#
      ),
    ]
    for (labels, reason, text) in cases {
      let outcome = bench.receive(rawSeries(labels, [(now, 1)]))
      if let reason {
        let message = try #require(outcome.partly)
        #expect(message.hasPrefix(text + ", series {__name__=\"m\""), "\(message)")
        #expect(message.hasSuffix("(refused 1 of 1 samples; \(reason): 1)"), "\(message)")
      } else {
        #expect(outcome == .stored)
      }
    }
    #expect(try bench.stored().count == 2)
  }

  @Test("limits can be changed while the receiver runs")
  func reconfigured() throws {
    let bench = try ReceiverBench()
    var limits = IngestLimits()
    limits.labelsPerSeriesMax = 1
    bench.intake.reconfigure(limits)
    #expect(bench.receive(goodSeries("a")).partly != nil)
    bench.intake.reconfigure(IngestLimits())
    #expect(bench.receive(goodSeries("a")) == .stored)
  }

  @Test("series beyond the limits are refused by name, and those that are there go on")
  func seriesLimits() throws {
    let bench = try ReceiverBench(IngestLimits()) {
      $0.head.limits.activeSeriesMax = 4
      $0.head.limits.seriesPerMetricMax = 2
    }
    func series(_ metric: String, _ instance: Int, _ time: Int64) -> [UInt8] {
      rawSeries([label("__name__", metric), label("i", "\(instance)"), label("job", "test")], [(time, 1)])
    }
    var body: [UInt8] = []
    for instance in 0..<3 { body += series("a", instance, now) }
    var message = try #require(bench.receive(body).partly)
    #expect(message.contains("per-metric series limit of 2 exceeded for metric"), "\(message)")
    // Which of them is refused is not said: rows are taken in by shard.
    #expect(message.contains(#"series {__name__="a", i=""#), "\(message)")
    #expect(message.hasSuffix("(refused 1 of 3 samples; per_metric_series_limit: 1)"), "\(message)")

    body = []
    for metric in ["b", "c", "d"] { body += series(metric, 0, now) }
    message = try #require(bench.receive(body).partly)
    #expect(message.contains("per-user series limit of 4 exceeded"), "\(message)")
    #expect(bench.database.head.seriesCount == 4)
    #expect(try bench.stored().count == 4)
    // The refused ones are refused again; what is there goes on.
    body = []
    for instance in 0..<3 { body += series("a", instance, now + 1) }
    for metric in ["b", "c", "d"] { body += series(metric, 0, now + 1) }
    message = try #require(bench.receive(body).partly)
    #expect(message.contains("(refused 2 of 6 samples; "), "\(message)")
    #expect(try bench.stored().values.allSatisfy { $0.map(\.time) == [now, now + 1] })
    #expect(bench.discarded("per_user_series_limit") >= 2)
  }

  @Test("the text of a refusal is bounded, however much is refused and however long it is")
  func boundedText() throws {
    let bench = try ReceiverBench()
    let long = String(repeating: "\"ä\n", count: 5000)
    var labels = [label(long, long)]
    for index in 0..<200 { labels.append(label("\(index)" + long.prefix(200), long)) }
    var body: [UInt8] = []
    for _ in 0..<20 { body += rawSeries(Array(labels.prefix(20)), [(now, 1), (now + 1, 1)]) }
    body += rawSeries(labels, [(now, 1)])
    let message = try #require(bench.receive(body).partly)
    #expect(message.utf8.count < 8192, "\(message.utf8.count) bytes")
    #expect(message.hasSuffix("(refused 41 of 41 samples; missing_metric_name: 41)"), "\(message.suffix(200))")
  }

  @Test("a body that would decode to more than 32 MiB is refused in every encoding, one of exactly as much is read")
  func bombs() throws {
    let bench = try ReceiverBench()
    // One unknown field that fills the body.
    func body(_ count: Int) -> [UInt8] {
      var bytes: [UInt8] = [0x7a]
      ProtobufBytes.append(varint: UInt64(count - 5), to: &bytes)
      bytes += [UInt8](repeating: 0, count: count - bytes.count)
      return bytes
    }
    let limit = 32 << 20
    let (fits, tooLarge) = (body(limit), body(limit + 1))
    #expect(bench.receive(fits) == .stored)
    #expect(bench.receive(snappyCompressed(fits), .snappy) == .stored)
    #expect(try bench.receive(zstdCompressed(fits), .zstd) == .stored)
    #expect(bench.receive(tooLarge).isTooLarge)
    #expect(bench.receive(snappyCompressed(tooLarge), .snappy).isTooLarge)
    #expect(try bench.receive(zstdCompressed(tooLarge), .zstd).isTooLarge)
    guard case .tooLarge(let message) = bench.receive(tooLarge) else { return }
    #expect(message == "remote-write body decodes to 33554433 bytes, more than the limit of 33554432 bytes")
    // A zstd bomb of several frames, each within the limit.
    let frames = try zstdCompressed(fits) + zstdCompressed(fits)
    #expect(bench.receive(frames, .zstd).isTooLarge)
    // Headers that promise much and hold nothing.
    #expect(bench.receive([0xff, 0xff, 0xff, 0xff, 0x0f, 0x00], .snappy).isTooLarge)
    #expect(bench.receive([0x80, 0x80, 0x80, 0x10, 0x00], .snappy).isMalformed)
    #expect(bench.receive(goodSeries("a")) == .stored)
  }

  @Test("a body of nothing but empty series, samples or labels is refused before it takes much memory")
  func emptyPieces() throws {
    let bench = try ReceiverBench()
    let pairs = 5 << 20
    func repeated(_ pair: [UInt8]) -> [UInt8] {
      [UInt8](unsafeUninitializedCapacity: pairs * 2) { bytes, count in
        for index in 0..<pairs * 2 { bytes[index] = pair[index & 1] }
        count = pairs * 2
      }
    }
    #expect(bench.receive(repeated([0x0a, 0x00])).isMalformed)
    #expect(bench.receive(repeated([0x1a, 0x00])).isMalformed)
    var series: [UInt8] = []
    ProtobufBytes.append(bytes: repeated([0x12, 0x00]), field: 1, to: &series)
    #expect(bench.receive(series).isMalformed)
    series = []
    ProtobufBytes.append(bytes: repeated([0x22, 0x00]), field: 1, to: &series)
    #expect(bench.receive(series).isMalformed)
    series = []
    ProtobufBytes.append(bytes: repeated([0x0a, 0x00]) + [0x12, 0x00], field: 1, to: &series)
    let message = try #require(bench.receive(series + goodSeries("a")).partly)
    #expect(message.contains("more than 65536"), "\(message)")
    #expect(try bench.stored().count == 1)
  }

  @Test("series beyond the limit of their label set are refused by name, whatever else comes is stored")
  func labelSets() throws {
    let team = Labels([(name: "job", value: "test"), (name: "team", value: "a")])
    let bench = try ReceiverBench(IngestLimits()) {
      $0.head.limits.labelSets = [LabelSetLimit(labels: team, seriesMax: 2)]
    }
    func series(_ metric: String, _ team: String, _ time: Int64) -> [UInt8] {
      rawSeries([label("__name__", metric), label("job", "test"), label("team", team)], [(time, 1)])
    }
    #expect(bench.receive(series("m1", "a", now) + series("m2", "a", now) + series("m1", "b", now)) == .stored)
    let body = series("m1", "a", now + 1) + series("m3", "a", now + 1) + series("m3", "b", now + 1)
    let message = try #require(bench.receive(body).partly)
    #expect(
      message.hasPrefix(#"per-labelset series limit of 2 exceeded (labelSet: {job="test", team="a"})"#), "\(message)")
    #expect(message.hasSuffix("(refused 1 of 3 samples; per_labelset_series_limit: 1)"), "\(message)")
    #expect(try bench.stored().count == 4)
    #expect(bench.discarded("per_labelset_series_limit") == 1)
    #expect(bench.database.head.labelSetCounts.map(\.count) == [2])
  }

  @Test(
    "a limit of a label set that is lower than what is there takes nothing away at a restart", arguments: [true, false])
  func loweredLabelSet(isClosed: Bool) throws {
    let disk = SimulatedDisk()
    do {
      let bench = try ReceiverBench(disk: disk)
      #expect(bench.receive(goodSeries("a") + goodSeries("b") + goodSeries("c")) == .stored)
      if isClosed { bench.database.close() }
    }
    let bench = try ReceiverBench(disk: disk) {
      let job = Labels([(name: "job", value: "test")])
      $0.head.limits.labelSets = [LabelSetLimit(labels: job, seriesMax: 1)]
    }
    #expect(try bench.stored().count == 3)
    #expect(bench.database.head.labelSetCounts.map(\.count) == [3])
    #expect(bench.receive(goodSeries("a", [(now + 1, 1)])) == .stored)
    #expect(bench.receive(goodSeries("d")).partly != nil)
  }

  @Test("past the rate a body is refused whole with the time to wait, and taken after that time")
  func rate() throws {
    var limits = IngestLimits()
    limits.samplesPerSecondMax = 100
    limits.samplesBurstMax = 250
    let bench = try ReceiverBench(limits)
    func body(_ count: Int, _ step: Int64) -> [UInt8] {
      (0..<count).flatMap { goodSeries("m\($0)", [(now + step, 1)]) }
    }
    #expect(bench.receive(body(200, 0)) == .stored)
    #expect(bench.receive(body(50, 1)) == .stored)
    let refused = ReceiveOutcome.limited(
      message: "ingestion rate limit (100) exceeded while adding 150 samples and 0 metadata", retryAfterSeconds: 2)
    #expect(bench.receive(body(150, 2)) == refused)
    #expect(bench.discarded("rate_limited") == 150)
    bench.clock.advance(milliseconds: 1400)
    #expect(bench.receive(body(150, 2)) != .stored)
    bench.clock.advance(milliseconds: 100)
    #expect(bench.receive(body(150, 2)) == .stored)
    // What is refused costs nothing: the time to wait does not grow.
    for _ in 0..<5 { _ = bench.receive(body(150, 3)) }
    bench.clock.advance(milliseconds: 1500)
    #expect(bench.receive(body(150, 3)) == .stored)
    // A body larger than the burst passes once the bucket is full, and is paid for afterwards.
    bench.clock.advance(milliseconds: 10_000)
    #expect(bench.receive(body(1000, 4)) == .stored)
    bench.clock.advance(milliseconds: 7_500)
    #expect(bench.receive(body(1, 5)) != .stored)
    bench.clock.advance(milliseconds: 100)
    #expect(bench.receive(body(1, 5)) == .stored)
    bench.intake.reconfigure(IngestLimits())
    #expect(bench.receive(body(1000, 6)) == .stored)
  }
}
