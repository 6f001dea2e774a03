import Model
import TestKit
import Testing

@testable import Format

/// The rules of the protobuf format; each was read out of Prometheus's parser and decoder.
@Suite struct MetricFamilyTests {
  private static func classicOnly(_ metric: inout MessageText) {
    metric.label("a", "b")
    metric.message(7) {
      $0.integer(1, 5)
      $0.double(2, 7.5)
      $0.message(3) {
        $0.integer(1, 2)
        $0.double(2, 0.5)
        $0.exemplar(3, 0.25, seconds: nil)
      }
      $0.message(3) {
        $0.integer(1, 4)
        $0.double(2, 1)
        $0.exemplar(3, 0.75, seconds: 9)
      }
    }
  }

  private static func native(withBuckets: Bool, isPacked: Bool = false) -> (inout MessageText) -> Void {
    { metric in
      metric.message(7) {
        $0.integer(1, 6)
        $0.double(2, 7)
        $0.zigzag(5, 3)
        $0.double(6, 0.5)
        $0.integer(7, 1)
        $0.message(9) { $0.integer(2, 1) }
        $0.zigzag(10, 2)
        $0.message(12) {
          $0.zigzag(1, -1)
          $0.integer(2, 3)
        }
        if isPacked {
          $0.part(13, [2, 1, 4])
        } else {
          for delta in [1, -1, 2] as [Int64] { $0.zigzag(13, delta) }
        }
        $0.exemplar(16, 1, seconds: 1)
        $0.exemplar(16, 2, seconds: nil)
        $0.exemplar(16, 3, seconds: 3)
        if withBuckets {
          $0.message(3) {
            $0.integer(1, 6)
            $0.double(2, .infinity)
          }
        }
      }
    }
  }

  private static let classicSeries = [
    "{__name__=\"h_count\",a=\"b\"} 5.0", "{__name__=\"h_sum\",a=\"b\"} 7.5",
    "{__name__=\"h_bucket\",a=\"b\",le=\"0.5\"} 2.0 # {trace=\"t\"} 0.25",
    "{__name__=\"h_bucket\",a=\"b\",le=\"1.0\"} 4.0 # {trace=\"t\"} 0.75 @9005",
    "{__name__=\"h_bucket\",a=\"b\",le=\"+Inf\"} 5.0",
  ]
  private static let converted =
    "{__name__=\"h\",a=\"b\"} integer schema -53 count 5.0 sum 7.5 + 0:3 [2.0, 2.0, 1.0] bounds [0.5, 1.0]"
    + " # {trace=\"t\"} 0.75 @9005"
  private static let nativeEntry =
    "{__name__=\"h\"} integer schema 3 count 6.0 sum 7.0 zero 1.0 to 0.5 + -1:1,1:1 [1.0, 2.0] - 0:1 [2.0]"
    + " # {trace=\"t\"} 1.0 @1005 # {trace=\"t\"} 3.0 @3005"

  private func series(_ metric: @escaping (inout MessageText) -> Void, _ choice: HistogramChoice) -> [String] {
    let scanned = ScannedFamilies(MessageText.family("h", 4, [metric]), choice)
    #expect(scanned.problem == nil)
    #expect(scanned.entries.prefix(2) == ["HELP h ", "TYPE h histogram"])
    return Array(scanned.entries.dropFirst(2))
  }

  @Test("counters, gauges, untyped metrics and summaries, with times, units and exemplars")
  func simple() {
    let bytes =
      MessageText.family(
        "c", 0, help: "Help.", unit: "seconds",
        [
          { metric in
            metric.label("z", "1")
            metric.label("a", "é")
            metric.message(3) {
              $0.double(1, 3)
              $0.exemplar(2, 1.5, seconds: 4)
              $0.message(3) { $0.integer(1, 2) }
            }
            metric.integer(6, 123)
          }
        ])
      + MessageText.family("g", 1, [{ $0.message(2) { $0.double(1, Double(bitPattern: 0x7ff0_0000_0000_0002)) } }])
      + MessageText.family("empty", 1, [])
      + MessageText.family("u", 3, [{ $0.message(5) { $0.double(1, -1) } }, { $0.label("a", "b") }])
      + MessageText.family(
        "s", 2,
        [
          { metric in
            metric.message(4) {
              $0.integer(1, 4)
              $0.double(2, 8)
              for quantile in [0.5, 1] as [Double] {
                $0.message(3) {
                  $0.double(1, quantile)
                  $0.double(2, 2 * quantile)
                }
              }
            }
          }, { $0.label("a", "b") },
        ])
    let scanned = ScannedFamilies(bytes)
    #expect(scanned.problem == nil)
    #expect(
      scanned.entries == [
        "HELP c Help.", "UNIT c seconds", "TYPE c counter",
        "{__name__=\"c\",a=\"é\",z=\"1\"} 3.0 @123 since 2000 # {trace=\"t\"} 1.5 @4005", "HELP g ", "TYPE g gauge",
        "{__name__=\"g\"} \(Double(bitPattern: 0x7ff0_0000_0000_0002))", "HELP u ", "TYPE u unknown",
        "{__name__=\"u\"} -1.0", "{__name__=\"u\",a=\"b\"} 0.0", "HELP s ", "TYPE s summary",
        "{__name__=\"s_count\"} 4.0", "{__name__=\"s_sum\"} 8.0", "{__name__=\"s\",quantile=\"0.5\"} 1.0",
        "{__name__=\"s\",quantile=\"1.0\"} 2.0", "{__name__=\"s_count\",a=\"b\"} 0.0",
        "{__name__=\"s_sum\",a=\"b\"} 0.0",
      ])
  }

  @Test("a classic histogram is what it is, converted where that is chosen")
  func classic() {
    for native in [false, true] {
      #expect(series(Self.classicOnly, HistogramChoice(storesNative: native)) == Self.classicSeries)
      #expect(
        series(Self.classicOnly, HistogramChoice(storesNative: native, alwaysStoresClassic: true))
          == Self.classicSeries)
      #expect(
        series(Self.classicOnly, HistogramChoice(storesNative: native, convertsClassic: true)) == [Self.converted])
      #expect(
        series(
          Self.classicOnly, HistogramChoice(storesNative: native, alwaysStoresClassic: true, convertsClassic: true))
          == Self.classicSeries + [Self.converted])
    }
  }

  @Test("a native histogram is that, or but a bucket where native ones are off; numbers may be packed")
  func native() {
    for isPacked in [false, true] {
      let metric = Self.native(withBuckets: false, isPacked: isPacked)
      #expect(
        series(metric, HistogramChoice()) == [
          "{__name__=\"h_count\"} 6.0", "{__name__=\"h_sum\"} 7.0", "{__name__=\"h_bucket\",le=\"+Inf\"} 6.0",
        ])
      #expect(series(metric, HistogramChoice(storesNative: true)) == [Self.nativeEntry])
      #expect(
        series(metric, HistogramChoice(storesNative: true, alwaysStoresClassic: true, convertsClassic: true))
          == [Self.nativeEntry])
    }
  }

  @Test("both forms in one metric: native, with the classic one where that is always stored, never converted")
  func both() {
    let metric = Self.native(withBuckets: true)
    let classic = [
      "{__name__=\"h_count\"} 6.0", "{__name__=\"h_sum\"} 7.0", "{__name__=\"h_bucket\",le=\"+Inf\"} 6.0",
    ]
    #expect(series(metric, HistogramChoice()) == classic)
    #expect(
      series(metric, HistogramChoice(convertsClassic: true))
        == [
          "{__name__=\"h\"} integer schema -53 count 6.0 sum 7.0 + 0:1 [6.0]"
            + " # {trace=\"t\"} 1.0 @1005 # {trace=\"t\"} 3.0 @3005"
        ])
    #expect(series(metric, HistogramChoice(storesNative: true, convertsClassic: true)) == [Self.nativeEntry])
    #expect(
      series(metric, HistogramChoice(storesNative: true, alwaysStoresClassic: true, convertsClassic: true))
        == [Self.nativeEntry] + classic)
  }

  @Test("histograms of floats, and of gauges")
  func floats() {
    let bytes = MessageText.family(
      "h", 5,
      [
        { metric in
          metric.message(7) {
            $0.double(4, 2.5)
            $0.double(2, 1)
            $0.message(12) { $0.integer(2, 2) }
            $0.double(14, 1.5)
            $0.double(14, 1)
          }
        }
      ])
    #expect(
      ScannedFamilies(bytes, HistogramChoice(storesNative: true)).entries.last
        == "{__name__=\"h\"} float schema 0 count 2.5 sum 1.0 + 0:2 [1.5, 1.0] gauge")
  }

  @Test("what is refused, in Prometheus's words")
  func refusals() {
    func problem(_ bytes: [UInt8], _ choice: HistogramChoice = HistogramChoice(storesNative: true)) -> String? {
      ScannedFamilies(bytes, choice).problem
    }
    func metric(_ fill: @escaping (inout MessageText) -> Void) -> String? {
      problem(MessageText.family("m", 4, [fill]))
    }
    #expect(problem([0x80]) == "clientpb: invalid varint encountered")
    #expect(problem([0xff, 0xff, 0xff, 0xff, 0xff, 0x01]) == "clientpb: invalid varint encountered")
    #expect(
      problem([5, 1]) == "clientpb: insufficient length of buffer, expected at least 6 bytes, got 2 bytes")
    #expect(problem([2, 0x0a, 9]) == "unexpected EOF")
    #expect(problem([2, 0x08, 1]) == "proto: wrong wireType = 0 for field Name")
    #expect(problem([1, 0x0c]) == "proto: MetricFamily: wiretype end group for non-group")
    #expect(problem([1, 0x02]) == "proto: MetricFamily: illegal tag 0 (wire type 2)")
    #expect(problem([2, 0x3f, 0]) == "proto: illegal wireType 7")
    #expect(problem([4, 0x3b, 0x08, 1, 0x3c]) == nil)
    #expect(problem(MessageText.family("", 1, [{ _ in }])) == "invalid metric name: ")
    #expect(problem(MessageText.family("m", 9, [{ _ in }])) == "unknown metric type for metric \"m\": 9")
    #expect(
      problem([8, 0x0a, 1, 0x6d, 0x12, 1, 0xff, 0x22, 0]) == "invalid help for metric \"m\": \u{fffd}")
    #expect(metric { $0.integer(7, 1) } == "proto: wrong wireType = 0 for field Histogram")
    #expect(metric { $0.label("", "v") } == "invalid label name: ")
    #expect(metric { $0.part(1, [0x12, 1, 0xff]) } == "invalid label value: \u{fffd}")
    #expect(
      metric { $0.message(7) { $0.message(12) { $0.integer(2, 2) } } }
        == "histogram \"m\": positive side: spans require 2 buckets, have 0")
    let uneven: (inout MessageText) -> Void = { metric in
      metric.message(7) {
        $0.integer(1, 5)
        $0.message(3) {
          $0.integer(1, 6)
          $0.double(2, .infinity)
        }
      }
    }
    let converts = HistogramChoice(convertsClassic: true)
    #expect(
      problem(MessageText.family("m", 4, [uneven]), converts)
        == "count mismatch: count=5 != le=+Inf count=6")
    #expect(problem(MessageText.family("m", 4, [uneven])) == nil)
  }

  @Test("no mutation of an answer is more than an error, and no prefix is read beyond its end")
  func mutations() {
    var random = RandomSource(for: "protobuf answers")
    let bytes =
      MessageText.family(
        "h", 4, help: "h", unit: "u", [Self.classicOnly, Self.native(withBuckets: true, isPacked: true)])
      + MessageText.family("c", 0, [{ $0.message(3) { $0.exemplar(2, 1, seconds: 1) } }])
    let choices = [
      HistogramChoice(), HistogramChoice(storesNative: true, alwaysStoresClassic: true, convertsClassic: true),
      HistogramChoice(convertsClassic: true),
    ]
    var errorCount = 0
    func attempt(_ bytes: [UInt8]) {
      for choice in choices where ScannedFamilies(bytes, choice).problem != nil { errorCount += 1 }
    }
    for length in 0...bytes.count { attempt(Array(bytes[..<length])) }
    for _ in 0..<1500 {
      var changed = bytes
      for _ in 0...random.below(3) {
        let place = random.below(changed.count)
        if random.below(3) == 0 { changed.remove(at: place) } else { changed[place] = UInt8(random.below(256)) }
      }
      attempt(changed)
    }
    #expect(errorCount > 100)
  }
}
