import HTTP
import TestKit

// The formats beside plain text.
extension ScrapePeerExporters {
  static let formats: [String: ExporterFarm.Exporter] = [
    "/openmetrics": { visit in
      let step = min(visit.number, steadyFrom)
      return .exposing(
        """
        # HELP requests Requests \\"served\\".
        # TYPE requests counter
        requests_total{path="/a"} \(step) # {trace_id="t\(step)"} 0.5
        requests_created{path="/a"} 1.5e9
        # TYPE took_seconds histogram
        # UNIT took_seconds seconds
        took_seconds_bucket{le="0.5"} 1 # {trace_id="x"} 0.25 1600000000.123
        took_seconds_bucket{le="1"} 2
        took_seconds_bucket{le="+Inf"} 3
        took_seconds_sum 2.5
        took_seconds_count 3
        # TYPE build info
        build_info{version="1"} 1
        # TYPE state stateset
        state{state="a"} 1
        state{state="b"} 0
        # TYPE lengths gaugehistogram
        lengths_bucket{le="1"} 1
        lengths_bucket{le="+Inf"} 1
        lengths_gcount 1
        lengths_gsum 0.5
        # TYPE other unknown
        other 1 1600000000.5
        # TYPE took summary
        took{quantile="0.5"} 1
        took_sum 1
        took_count 1
        # EOF

        """, Response.openMetrics)
    },
    "/protobuf": { visit in .exposing(families(min(visit.number, steadyFrom)), Response.protobufFormat) },
    "/classic": { visit in
      .exposing(
        """
        # TYPE took histogram
        took_bucket{path="a",le="0.1"} 1
        took_bucket{path="a",le="1"} \(2 + min(visit.number, steadyFrom))
        took_bucket{path="a",le="+Inf"} 9
        took_sum{path="a"} 4.5
        took_count{path="a"} 9
        # TYPE uneven histogram
        uneven_bucket{le="1"} 5
        uneven_bucket{le="2"} 3
        uneven_bucket{le="+Inf"} 6
        uneven_sum 1
        uneven_count 6
        # TYPE other gauge
        other 1

        """)
    },
  ]

  private typealias Message = OTLPMessage

  private static func families(_ step: Int) -> [UInt8] {
    func labels(_ pairs: KeyValuePairs<String, String>) -> Message.Value {
      .list(pairs.map { Message((1, "name", .text($0.key)), (2, "value", .text($0.value))) })
    }
    func family(_ name: String, _ kind: UInt64, unit: String = "", _ metrics: [Message]) -> [UInt8] {
      let message = Message(
        (1, "name", .text(name)), (2, "help", .text("Help of \(name).")), (3, "type", .varint(kind)),
        (4, "metric", .list(metrics)), (5, "unit", .text(unit)))
      let bytes = message.protobuf
      return varint(bytes.count) + bytes
    }
    let exemplar = Message(
      (1, "label", labels(["trace_id": "p"])), (2, "value", .double(0.5)),
      (3, "timestamp", .message(Message((1, "seconds", .varint(1_600_000_000)), (2, "nanos", .varint(5_000_000))))))
    let counter = Message(
      (1, "label", labels(["path": "/a"])),
      (3, "counter", .message(Message((1, "value", .double(Double(step))), (2, "exemplar", .message(exemplar))))))
    let gauge = Message((2, "gauge", .message(Message((1, "value", .double(-1.5))))))
    let quantile = Message((1, "quantile", .double(0.5)), (2, "value", .double(7)))
    let summary = Message(
      (
        4, "summary",
        .message(
          Message(
            (1, "sample_count", .varint(2)), (2, "sample_sum", .double(14)), (3, "quantile", .list([quantile]))))
      ))
    let untyped = Message((5, "untyped", .message(Message((1, "value", .double(.nan))))))
    let timed = Message(
      (2, "gauge", .message(Message((1, "value", .double(3))))), (6, "timestamp_ms", .varint(1_600_000_000_000)))
    return family("p_requests_total", 0, [counter]) + family("p_gauge", 1, [gauge])
      + family("p_summary", 2, [summary]) + family("p_untyped", 3, [untyped]) + family("p_timed", 1, [timed])
      + family("p_classic_seconds", 4, unit: "seconds", [histogram(step, isNative: false, isClassic: true)])
      + family("p_native_seconds", 4, [histogram(step, isNative: true, isClassic: false)])
      + family("p_both_seconds", 4, [histogram(step, isNative: true, isClassic: true)])
  }

  private static func histogram(_ step: Int, isNative: Bool, isClassic: Bool) -> Message {
    let count = UInt64(10 + step)
    var histogram = Message((1, "sample_count", .varint(count)), (2, "sample_sum", .double(12.5)))
    if isClassic {
      let bounds: [(Double, UInt64)] = [(0.5, 2), (1, 5), (2.5, 8)]
      histogram.append(
        3, "bucket",
        .list(bounds.map { Message((1, "cumulative_count", .varint($0.1)), (2, "upper_bound", .double($0.0))) }))
    }
    if isNative {
      histogram.append(5, "schema", .signed(2))
      histogram.append(6, "zero_threshold", .double(0.001))
      histogram.append(7, "zero_count", .varint(1))
      histogram.append(
        12, "positive_span",
        .list([
          Message((1, "offset", .signed(-2)), (2, "length", .varint(2))),
          Message((1, "offset", .signed(1)), (2, "length", .varint(1))),
        ]))
      // Two, three, and what is left of all.
      let deltas = [Int64(2), 1, Int64(count) - 1 - 2 - 3 - 3].map { UInt64(bitPattern: $0 << 1 ^ $0 >> 63) }
      histogram.append(13, "positive_delta", .packedVarints(deltas))
    }
    return Message((7, "histogram", .message(histogram)))
  }

  private static func varint(_ number: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    ProtobufBytes.append(varint: UInt64(number), to: &bytes)
    return bytes
  }
}
