import Format
import Ingest
import Model
import Platform
import TSDB
import TestKit
import Testing

@Suite struct ReceiverTests {
  let now = ReceiverBench.now

  @Test("samples come back bit for bit in each encoding, whatever kind of number they are")
  func bits() throws {
    let patterns: [UInt64] = [
      StaleMarker.bits, 0x7ff8_0000_0000_0001, 0xfff8_0000_0000_4321, (-0.0).bitPattern, 0, 1,
      Double.infinity.bitPattern, (-Double.infinity).bitPattern, UInt64.max, (1.5).bitPattern,
    ]
    let samples = patterns.enumerated().map { (now + Int64($0.offset), Double(bitPattern: $0.element)) }
    let body = goodSeries("bits", samples)
    for encoding in [BodyEncoding.identity, .snappy, .zstd, .gzip] {
      let bench = try ReceiverBench()
      let sent =
        switch encoding {
        case .identity: body
        case .snappy: snappyCompressed(body)
        case .zstd: try zstdCompressed(body)
        case .gzip: gzipCompressed(body)
        }
      #expect(bench.receive(sent, encoding) == .stored)
      let stored = try bench.stored()
      #expect(stored.count == 1)
      #expect(stored.values.first?.map(\.bits) == patterns)
      // The same body once more is a success that changes nothing.
      #expect(bench.receive(sent, encoding) == .stored)
      #expect(try bench.stored().values.first?.map(\.bits) == patterns)
    }
  }

  @Test("unsorted labels, and labels without a value, name the same series as the canonical ones")
  func spellings() throws {
    let bench = try ReceiverBench()
    let spellings: [[RawLabel]] = [
      [label("__name__", "up"), label("a", "1"), label("job", "test")],
      [label("job", "test"), label("a", "1"), label("__name__", "up")],
      [label("__name__", "up"), label("a", "1"), label("empty", ""), label("job", "test")],
      [label("", ""), label("job", "test"), label("z", ""), label("__name__", "up"), label("a", "1")],
    ]
    for round in 0..<2 {
      for (index, labels) in spellings.enumerated() {
        #expect(bench.receive(rawSeries(labels, [(now + Int64(round * 10 + index), 1)])) == .stored)
      }
    }
    let stored = try bench.stored()
    #expect(stored.count == 1)
    #expect(stored[#"{__name__="up", a="1", job="test"}"#]?.count == 8)
    #expect(bench.database.head.seriesCount == 1)
  }

  @Test(
    "a series with bad labels is refused by name, counted, and its neighbours are stored",
    arguments: [
      ([label("job", "test")], "missing_metric_name", "sample missing metric name"),
      ([], "missing_metric_name", "sample missing metric name"),
      ([label("__name__", ""), label("job", "test")], "missing_metric_name", "sample missing metric name"),
      (
        [label("__name__", "x"), label("a", "1"), label("a", "2")], "duplicate_label_names",
        #"duplicate label name: "a""#
      ),
      (
        [label("__name__", "x"), label("b", "1"), label("a", "0"), label("b", "1")], "duplicate_label_names",
        #"duplicate label name: "b""#
      ),
      ([label("__name__", "x"), label("", "1")], "label_invalid", #"sample invalid label: """#),
      ([label("__name__", "x"), ([0x61, 0xff], [0x31])], "label_invalid", "sample invalid label: \"a\u{fffd}\""),
      ([label("__name__", "x"), ([0x61], [0xc0, 0x80])], "label_invalid", #"sample invalid label: "a""#),
      ([label("__name__", "x"), ([0x61], [0xed, 0xa0, 0x80])], "label_invalid", #"sample invalid label: "a""#),
      (
        [(Array("__name__".utf8), [0x78, 0xfe])], "metric_name_invalid", "sample invalid metric name: \"x\u{fffd}\""
      ),
    ] as [([RawLabel], String, String)])
  func badLabels(_ labels: [RawLabel], _ reason: String, _ text: String) throws {
    let bench = try ReceiverBench()
    let bad = rawSeries(labels, [(now, 1), (now + 1, 2)])
    for round in 1...2 {
      let body = goodSeries("before", [(now + Int64(round), 1)]) + bad + goodSeries("after", [(now + Int64(round), 1)])
      let message = try #require(bench.receive(body).partly)
      #expect(message.hasPrefix(text + ", series {"), "\(message)")
      #expect(message.hasSuffix("(refused 2 of 4 samples; \(reason): 2)"), "\(message)")
      #expect(bench.discarded(reason) == Double(2 * round))
    }
    let stored = try bench.stored()
    #expect(stored.keys.sorted() == [#"{__name__="after", job="test"}"#, #"{__name__="before", job="test"}"#])
    #expect(stored.values.allSatisfy { $0.count == 2 })
  }

  @Test("names and values in any script are taken, as are names that Prometheus's older rule forbids")
  func anyScript() throws {
    let bench = try ReceiverBench()
    let labels = [label("__name__", "温度.celsius"), label("job", "test"), label("straße 1", "Größe 😀\n\"")]
    #expect(bench.receive(rawSeries(labels, [(now, 21)])) == .stored)
    #expect(try bench.stored().count == 1)
  }

  @Test("label fields that are no labels refuse their series and no other")
  func malformedLabels() throws {
    let bench = try ReceiverBench()
    // A label whose name runs beyond it: the series' own lengths are right, so the body is one.
    var series: [UInt8] = [0x0a, 0x02, 0x0a, 0x7f]
    ProtobufBytes.append(bytes: ProtobufBytes.sample(now, 1), field: 2, to: &series)
    var bad: [UInt8] = []
    ProtobufBytes.append(bytes: series, field: 1, to: &bad)
    let message = try #require(bench.receive(goodSeries("a") + bad + goodSeries("b")).partly)
    #expect(message.contains("labels are not well-formed protobuf"))
    #expect(message.hasSuffix("(refused 1 of 3 samples; label_invalid: 1)"), "\(message)")
    #expect(try bench.stored().count == 2)
  }

  @Test("histograms are stored beside floats, for the same series or alone")
  func storedHistograms() throws {
    let bench = try ReceiverBench()
    func histogram(_ time: Int64, _ count: Double) -> [UInt8] {
      var value = Histogram()
      value.count = count
      value.zeroCount = count
      value.sum = 1
      var bytes = ByteBuffer(capacity: 64)
      HistogramMessage(time, value, isFloat: false).encode(into: &bytes)
      return [0x22, UInt8(bytes.count)] + Array(bytes.bytes)
    }
    let labels = [label("__name__", "h"), label("job", "test")]
    let body = rawSeries(labels, [(now, 1)], more: histogram(now, 1) + histogram(now + 1000, 2))
    #expect(bench.receive(goodSeries("a") + body) == .stored)
    #expect(bench.receive(rawSeries(labels, [], more: histogram(now + 2000, 3))) == .stored)
    #expect(bench.receive(body) == .stored)
    let message = try #require(bench.receive(rawSeries(labels, [], more: histogram(now + 2000, 4))).partly)
    #expect(message.contains("duplicate sample for timestamp"))
    let found = try #require(
      try bench.database.head.select([CompiledMatcher(Matcher(.equal, "__name__", "h"))]).first)
    var scratch = HeadReadScratch()
    var samples = SeriesSamples()
    bench.database.head.read(found, from: .min, through: .max, &scratch, into: &samples)
    #expect(samples.count == 1 && samples.histograms.times == [now, now + 1000, now + 2000])
    #expect(samples.histograms.values.map(\.count) == [1, 2, 3])
  }

  @Test("histograms that cannot be are refused with a reason while the floats beside them are stored")
  func histograms() throws {
    let bench = try ReceiverBench()
    let histogram: [UInt8] = [0x22, 0x04, 0x08, 0x01, 0x20, 0x02]
    let both = rawSeries([label("__name__", "both"), label("job", "test")], [(now, 1)], more: histogram + histogram)
    let only = rawSeries([label("__name__", "only"), label("job", "test")], [], more: histogram)
    let message = try #require(bench.receive(goodSeries("a") + both + only).partly)
    #expect(message.contains("0 observations found in buckets, but the Count field is 1"))
    #expect(message.contains(#"series {__name__="only", job="test"}"#) || message.contains(#"__name__="both""#))
    #expect(message.hasSuffix("(refused 3 of 5 samples; histogram_invalid: 3)"), "\(message)")
    #expect(bench.discarded("histogram_invalid") == 3)
    #expect(
      try bench.stored().filter { !$0.value.isEmpty }.keys.sorted() == [
        #"{__name__="a", job="test"}"#, #"{__name__="both", job="test"}"#,
      ])
  }

  @Test("metadata, exemplars and unknown fields beside samples are no fault")
  func otherParts() throws {
    let bench = try ReceiverBench()
    let exemplar: [UInt8] = [0x1a, 0x0b, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0x18, 0x01]
    let metadata: [UInt8] = [0x1a, 0x05, 0x08, 0x01, 0x12, 0x01, 0x61]
    let unknown: [UInt8] = [0xfa, 0x01, 0x02, 0xff, 0xff]
    let series = rawSeries([label("__name__", "a"), label("job", "test")], [(now, 1)], more: exemplar + unknown)
    #expect(bench.receive(metadata + series + unknown) == .stored)
    #expect(bench.receive(metadata) == .stored)
    #expect(bench.receive([]) == .stored)
    #expect(try bench.stored().count == 1)
  }

  @Test("a series without samples makes no series")
  func noSamples() throws {
    let bench = try ReceiverBench()
    #expect(bench.receive(rawSeries([label("__name__", "a"), label("job", "test")], [])) == .stored)
    #expect(bench.database.head.seriesCount == 0)
  }

  @Test("samples that cannot be taken for their time are named with their time and series, the others stored")
  func times() throws {
    let bench = try ReceiverBench()
    #expect(bench.receive(goodSeries("a", [(now, 1)])) == .stored)
    let future = now + 600_001
    let old = now - 15 * 86_400_000 - 1
    let body =
      goodSeries("a", [(old, 5), (now, 2), (now + 1, 3), (future, 4)]) + goodSeries("b", [(now + 600_000, 1)])
    let message = try #require(bench.receive(body).partly)
    let series = #"series {__name__="a", job="test"}"#
    #expect(message.contains("too old sample, timestamp \(old), \(series)"), "\(message)")
    #expect(message.contains("duplicate sample for timestamp, timestamp \(now), \(series)"), "\(message)")
    #expect(message.contains("out of bounds"), "\(message)")
    #expect(message.contains("timestamp \(future), \(series)"), "\(message)")
    #expect(
      message.hasSuffix(
        "(refused 3 of 5 samples; new-value-for-timestamp: 1, sample-too-old: 1, too_far_in_future: 1)"), "\(message)")
    let stored = try bench.stored()
    #expect(stored[#"{__name__="a", job="test"}"#]?.map(\.time) == [now, now + 1])
    #expect(stored[#"{__name__="b", job="test"}"#]?.count == 1)
    for reason in ["new-value-for-timestamp", "sample-too-old", "too_far_in_future"] {
      #expect(bench.discarded(reason) == 1)
    }
  }

  @Test("when the log cannot be written nothing is acknowledged, and the same body succeeds afterwards")
  func logFailure() throws {
    let bench = try ReceiverBench()
    #expect(bench.receive(goodSeries("a")) == .stored)
    bench.disk.setFreeBytes(0)
    guard case .unavailable(_, let seconds) = bench.receive(goodSeries("b")) else {
      Issue.record("acknowledged without a log")
      return
    }
    #expect(seconds > 0)
    bench.disk.setFreeBytes(1 << 30)
    #expect(bench.receive(goodSeries("b")) == .stored)
    #expect(try bench.stored().values.allSatisfy { $0.count == 1 })
    #expect(try bench.stored().count == 2)
  }
}
