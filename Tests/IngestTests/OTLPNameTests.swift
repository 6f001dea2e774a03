import Format
import TestKit
import Testing

@testable import Ingest

@Suite struct OTLPNameTests {
  private func metric(_ name: String, _ unit: String, _ kind: OTLPMetricName.Kind) -> OTLPMetric {
    var metric = OTLPMetric()
    (metric.name, metric.unit) = (name, unit)
    switch kind {
    case .gauge: metric.points = .gauge([])
    case .counter: metric.points = .sum([], .cumulative, isMonotonic: true)
    case .other: metric.points = .sum([], .cumulative, isMonotonic: false)
    }
    return metric
  }

  private func name(_ name: String, _ unit: String, _ kind: OTLPMetricName.Kind, _ strategy: String = "") -> String? {
    var options = OTLPOptions()
    let isKnown = options.setStrategy(strategy)
    #expect(isKnown)
    do throws(OTLPError) {
      return try OTLPMetricName(options: options).build(metric(name, unit, kind))
    } catch {
      return nil
    }
  }

  @Test(
    "a metric's name gets its unit and type, each once",
    arguments: [
      ("requests", "", .counter, "requests_total"), ("requests_total", "1", .counter, "requests_total"),
      ("http.server.duration", "s", .other, "http_server_duration_seconds"),
      ("http.server.duration.seconds", "s", .other, "http_server_duration_seconds"),
      ("used", "1", .gauge, "used_ratio"), ("ratio.used", "1", .gauge, "used_ratio"), ("used", "1", .other, "used"),
      ("io", "By/s", .gauge, "io_bytes_per_second"), ("io", "/m", .gauge, "io_per_minute"),
      ("io", "{packets}/s", .gauge, "io_per_second"), ("io", "{packets}", .gauge, "io"),
      ("io", "By/{x}", .gauge, "io_bytes"), ("io", " ms ", .gauge, "io_milliseconds"),
      ("io", "kWh", .gauge, "io_kWh"), ("io", "m^2", .gauge, "io_m_2"), ("temp", "Cel", .gauge, "temp_celsius"),
      ("share", "%", .counter, "share_percent_total"), ("2xx", "", .gauge, "_2xx"),
      ("a:b..c__d-", "", .gauge, "a:b_c_d"),
      ("größe", "", .gauge, "gr_e"), ("", "", .gauge, nil), ("...", "", .gauge, nil), ("...", "s", .gauge, "seconds"),
      ("ecs.task.memory.utilized", "Megabytes", .gauge, "ecs_task_memory_utilized_Megabytes"),
    ] as [(String, String, OTLPMetricName.Kind, String?)])
  func suffixed(_ name: String, _ unit: String, _ kind: OTLPMetricName.Kind, _ expected: String?) {
    #expect(self.name(name, unit, kind) == expected)
  }

  @Test("other strategies leave the suffixes out, or the characters in, or both")
  func strategies() {
    let escaping = "UnderscoreEscapingWithoutSuffixes"
    #expect(name("a.b__c-total", "s", .counter, escaping) == "a_b__c_total")
    #expect(name("1a", "s", .gauge, escaping) == "_1a")
    #expect(name("___", "s", .gauge, escaping) == "___")
    #expect(name("ä", "s", .gauge, escaping) == nil)
    let utf8 = "NoUTF8EscapingWithSuffixes"
    #expect(name("a.b", "s", .counter, utf8) == "a.b_seconds_total")
    #expect(name("a.b.total", "s", .counter, utf8) == "a.b_seconds_total")
    #expect(name("a.ratio", "1", .gauge, utf8) == "a_ratio")
    #expect(name("io", "By/s", .gauge, utf8) == "io_bytes_per_second")
    #expect(name("größe", "By", .gauge, utf8) == "größe_bytes")
    #expect(name("a.b", "s", .counter, "NoTranslation") == "a.b")
    var options = OTLPOptions()
    let isKnown = options.setStrategy("Other")
    #expect(!isKnown)
  }

  @Test("units are put into words for the metadata")
  func units() {
    let expected = [
      ("s", "seconds"), ("By/s", "bytes_per_second"), ("1", ""), ("{a}/s", "per_second"), ("m^2", "m_2"), ("", ""),
      ("_x_", "x"),
    ]
    for (unit, text) in expected { #expect(OTLPUnit(unit).text == text, "\(unit)") }
  }

  @Test("label names are escaped as the options say")
  func labels() {
    func build(_ name: String, _ change: (inout OTLPOptions) -> Void = { _ in }) -> String? {
      var options = OTLPOptions()
      change(&options)
      do throws(OTLPError) { return try OTLPLabelName(options: options).build(name) } catch { return nil }
    }
    let expected: [(String, String?)] = [
      ("http.method", "http_method"), ("a..b", "a__b"), ("1a", "key_1a"), ("_a", "key_a"), ("__a", "__a"),
      ("__replica__", "__replica__"), ("é", "key_"), ("", nil), ("a:b", "a_b"), (".", "key_"), ("..", nil),
      ("ab é", "ab__"),
    ]
    for (name, label) in expected { #expect(build(name) == label, "\(name)") }
    #expect(build("_a") { $0.prefixesUnderscore = false } == "_a")
    #expect(build("a..b__c") { $0.keepsMultipleUnderscores = false } == "a_b_c")
    #expect(build("__a..b__") { $0.keepsMultipleUnderscores = false } == "__a_b__")
    #expect(build("a.b") { $0.escapes = false } == "a.b")
    #expect(build("__") { $0.escapes = false } == nil)
  }

  @Test("values of attributes become texts")
  func values() {
    let expected: [(OTLPValue, String)] = [
      (.string("a\"b"), "a\"b"), (.bool(true), "true"), (.integer(.min), "-9223372036854775808"), (.double(1), "1"),
      (.double(0.1), "0.1"), (.double(1e21), "1e+21"), (.double(1e-7), "1e-7"), (.double(1.5e-12), "1.5e-12"),
      (.double(.nan), "json: unsupported value: NaN"), (.bytes([1, 2, 3]), "AQID"), (.none, ""),
      (.array([.integer(1), .string("x<"), .none, .bool(false)]), #"[1,"x\u003c",null,false]"#),
      (.map([OTLPAttribute("b", .double(2.5)), OTLPAttribute("a", .bytes([1]))]), #"{"a":"AQ==","b":2.5}"#),
      (.array([.double(.infinity)]), ""), (.array([]), "[]"), (.map([]), "{}"),
    ]
    for (value, text) in expected { #expect(OTLPValueText.text(of: value) == text) }
  }

  @Test("dense buckets become spans: small gaps are filled, wide ones skipped, too fine scales merged")
  func buckets() throws {
    func layout(_ offset: Int32, _ counts: [UInt64], down: Int32 = 0) -> String? {
      var buckets = OTLPExponentialPoint.Buckets()
      (buckets.offset, buckets.counts) = (offset, counts)
      return OTLPBuckets.exponential(buckets, scaleDown: down).map { made in
        made.spans.map { "\($0.offset):\($0.length)" }.joined(separator: " ") + " | "
          + made.counts.map { "\(Int($0))" }.joined(separator: " ")
      }
    }
    #expect(layout(0, []) == " | ")
    #expect(layout(0, [4, 3, 2, 1]) == "1:4 | 4 3 2 1")
    #expect(layout(-1, [4, 0, 0, 1]) == "0:4 | 4 0 0 1")
    #expect(layout(0, [4, 0, 0, 0, 1]) == "1:1 3:1 | 4 1")
    #expect(layout(0, [0, 0, 0, 0, 1]) == "1:0 4:1 | 1")
    #expect(layout(0, [1, 2, 3, 4, 5], down: 1) == "1:3 | 3 7 5")
    #expect(layout(-3, [1, 1, 1, 1], down: 1) == "-1:3 | 1 2 1")
    // A merged bucket keeps its place behind an empty one.
    #expect(layout(0, [0, 0, 5, 6], down: 1) == "1:2 | 0 11")
    #expect(layout(.max, [1]) == nil)
    #expect(OTLPBuckets.explicit([0, 0, 3, 1])?.spans.map(\.offset) == [2])
    #expect(OTLPBuckets.explicit([0, 0])?.spans.isEmpty == true)
  }
}
