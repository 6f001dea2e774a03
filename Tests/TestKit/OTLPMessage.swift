/// A protobuf message with the names its fields have in JSON: one value, both encodings, apart from the readers under test.
package struct OTLPMessage: Sendable {
  package indirect enum Value: Sendable {
    case text(String)
    case bool(Bool)
    case fixed64(UInt64)
    case integer(Int64)
    case sfixed64(Int64)
    case double(Double)
    case varint(UInt64)
    case signed(Int32)
    case bytes([UInt8])
    case message(OTLPMessage)
    case list([OTLPMessage])
    case packedFixed64([UInt64])
    case packedVarints([UInt64])
    case packedDoubles([Double])
  }

  package struct Field: Sendable {
    package var number: UInt64
    package var name: String
    package var value: Value
  }

  package var fields: [Field] = []

  package init(_ fields: (UInt64, String, Value)...) {
    self.fields = fields.map { Field(number: $0.0, name: $0.1, value: $0.2) }
  }

  package mutating func append(_ number: UInt64, _ name: String, _ value: Value) {
    fields.append(Field(number: number, name: name, value: value))
  }

  // MARK: Protobuf

  package var protobuf: [UInt8] {
    var bytes: [UInt8] = []
    for field in fields { OTLPMessage.append(field, to: &bytes) }
    return bytes
  }

  private static func append(_ field: Field, to bytes: inout [UInt8]) {
    func tag(_ type: UInt64) { ProtobufBytes.append(varint: field.number << 3 | type, to: &bytes) }
    func content(_ content: [UInt8]) { ProtobufBytes.append(bytes: content, field: field.number, to: &bytes) }
    switch field.value {
    case .text(let text): content(Array(text.utf8))
    case .bytes(let data): content(data)
    case .message(let message): content(message.protobuf)
    case .list(let messages): for message in messages { content(message.protobuf) }
    case .packedFixed64(let numbers): content(numbers.flatMap(littleEndian))
    case .packedDoubles(let numbers): content(numbers.flatMap { littleEndian($0.bitPattern) })
    case .packedVarints(let numbers): content(numbers.flatMap(varint))
    case .bool(let isTrue):
      tag(0)
      bytes.append(isTrue ? 1 : 0)
    case .integer(let number):
      tag(0)
      bytes += varint(UInt64(bitPattern: number))
    case .varint(let number):
      tag(0)
      bytes += varint(number)
    case .signed(let number):
      tag(0)
      bytes += varint(UInt64(UInt32(bitPattern: number << 1 ^ number >> 31)))
    case .fixed64(let number):
      tag(1)
      bytes += littleEndian(number)
    case .sfixed64(let number):
      tag(1)
      bytes += littleEndian(UInt64(bitPattern: number))
    case .double(let number):
      tag(1)
      bytes += littleEndian(number.bitPattern)
    }
  }

  private static func varint(_ number: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    ProtobufBytes.append(varint: number, to: &bytes)
    return bytes
  }

  private static func littleEndian(_ number: UInt64) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
  }

  // MARK: JSON

  package var json: String {
    "{" + fields.map { OTLPMessage.quoted($0.name) + ":" + OTLPMessage.json($0.value) }.joined(separator: ",") + "}"
  }

  private static func json(_ value: Value) -> String {
    func array<Number>(_ numbers: [Number], _ text: (Number) -> String) -> String {
      "[" + numbers.map(text).joined(separator: ",") + "]"
    }
    switch value {
    case .text(let text): return quoted(text)
    case .bool(let isTrue): return isTrue ? "true" : "false"
    case .fixed64(let number): return "\"\(number)\""
    case .integer(let number), .sfixed64(let number): return "\"\(number)\""
    case .varint(let number): return "\(number)"
    case .signed(let number): return "\(number)"
    case .double(let number): return json(number)
    // Identifiers, which are in hexadecimal here alone.
    case .bytes(let data):
      return quoted(data.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
    case .message(let message): return message.json
    case .list(let messages): return array(messages) { $0.json }
    case .packedFixed64(let numbers), .packedVarints(let numbers): return array(numbers) { "\"\($0)\"" }
    case .packedDoubles(let numbers): return array(numbers) { json($0) }
    }
  }

  private static func json(_ number: Double) -> String {
    if number.isNaN { return "\"NaN\"" }
    return number.isInfinite ? (number < 0 ? "\"-Infinity\"" : "\"Infinity\"") : "\(number)"
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

/// The messages of OpenTelemetry's metrics.
package enum OTLPBody {
  package static func attributes(_ pairs: KeyValuePairs<String, String>) -> [OTLPMessage] {
    pairs.map { attribute($0.key, (1, "stringValue", .text($0.value))) }
  }

  package static func attribute(_ key: String, _ value: (UInt64, String, OTLPMessage.Value)) -> OTLPMessage {
    OTLPMessage((1, "key", .text(key)), (2, "value", .message(OTLPMessage(value))))
  }

  /// A point whose value is a double; `time` in milliseconds.
  package static func number(
    _ value: Double, at time: Int64, _ attributes: [OTLPMessage] = [], flags: UInt64 = 0, more: OTLPMessage? = nil
  ) -> OTLPMessage {
    var point = OTLPMessage(
      (7, "attributes", .list(attributes)), (2, "startTimeUnixNano", .fixed64(UInt64(time - 60_000) * 1_000_000)),
      (3, "timeUnixNano", .fixed64(UInt64(time) * 1_000_000)), (4, "asDouble", .double(value)),
      (8, "flags", .varint(flags)))
    if let more { point.append(5, "exemplars", .list([more])) }
    return point
  }

  package static func integer(_ value: Int64, at time: Int64, _ attributes: [OTLPMessage] = []) -> OTLPMessage {
    OTLPMessage(
      (7, "attributes", .list(attributes)), (3, "timeUnixNano", .fixed64(UInt64(time) * 1_000_000)),
      (6, "asInt", .sfixed64(value)))
  }

  package static func exemplar(_ value: Double, at time: Int64, trace: [UInt8]) -> OTLPMessage {
    OTLPMessage(
      (7, "filteredAttributes", .list(attributes(["user": "u1"]))),
      (2, "timeUnixNano", .fixed64(UInt64(time) * 1_000_000)), (3, "asDouble", .double(value)),
      (5, "traceId", .bytes(trace)))
  }

  package static func histogram(
    at time: Int64, count: UInt64, sum: Double?, buckets: [UInt64], bounds: [Double], _ attributes: [OTLPMessage] = [],
    exemplars: [OTLPMessage] = [], flags: UInt64 = 0
  ) -> OTLPMessage {
    var point = OTLPMessage(
      (9, "attributes", .list(attributes)), (3, "timeUnixNano", .fixed64(UInt64(time) * 1_000_000)),
      (4, "count", .fixed64(count)), (6, "bucketCounts", .packedFixed64(buckets)),
      (7, "explicitBounds", .packedDoubles(bounds)), (8, "exemplars", .list(exemplars)), (10, "flags", .varint(flags)))
    if let sum { point.append(5, "sum", .double(sum)) }
    return point
  }

  package static func exponential(
    at time: Int64, count: UInt64, sum: Double?, scale: Int32, zero: UInt64, positive: (Int32, [UInt64]),
    negative: (Int32, [UInt64]), _ attributes: [OTLPMessage] = []
  ) -> OTLPMessage {
    func buckets(_ side: (Int32, [UInt64])) -> OTLPMessage {
      OTLPMessage((1, "offset", .signed(side.0)), (2, "bucketCounts", .packedVarints(side.1)))
    }
    var point = OTLPMessage(
      (1, "attributes", .list(attributes)), (3, "timeUnixNano", .fixed64(UInt64(time) * 1_000_000)),
      (4, "count", .fixed64(count)), (6, "scale", .signed(scale)), (7, "zeroCount", .fixed64(zero)),
      (8, "positive", .message(buckets(positive))), (9, "negative", .message(buckets(negative))))
    if let sum { point.append(5, "sum", .double(sum)) }
    return point
  }

  package static func summary(
    at time: Int64, count: UInt64, sum: Double, _ quantiles: [(Double, Double)], _ attributes: [OTLPMessage] = [],
    flags: UInt64 = 0
  ) -> OTLPMessage {
    OTLPMessage(
      (7, "attributes", .list(attributes)), (3, "timeUnixNano", .fixed64(UInt64(time) * 1_000_000)),
      (4, "count", .fixed64(count)), (5, "sum", .double(sum)),
      (
        6, "quantileValues",
        .list(quantiles.map { OTLPMessage((1, "quantile", .double($0.0)), (2, "value", .double($0.1))) })
      ), (8, "flags", .varint(flags)))
  }

  package enum Kind: Sendable {
    case gauge
    case sum(isMonotonic: Bool)
    case histogram
    case exponential
    case summary
  }

  /// `temporality`: 1 delta, 2 cumulative.
  package static func metric(
    _ name: String, unit: String = "", help: String = "", _ kind: Kind, temporality: UInt64 = 2,
    _ points: [OTLPMessage]
  ) -> OTLPMessage {
    var data = OTLPMessage((1, "dataPoints", .list(points)))
    func timed() { data.append(2, "aggregationTemporality", .varint(temporality)) }
    var metric = OTLPMessage((1, "name", .text(name)), (2, "description", .text(help)), (3, "unit", .text(unit)))
    switch kind {
    case .gauge: metric.append(5, "gauge", .message(data))
    case .sum(let isMonotonic):
      timed()
      data.append(3, "isMonotonic", .bool(isMonotonic))
      metric.append(7, "sum", .message(data))
    case .histogram:
      timed()
      metric.append(9, "histogram", .message(data))
    case .exponential:
      timed()
      metric.append(10, "exponentialHistogram", .message(data))
    case .summary: metric.append(11, "summary", .message(data))
    }
    return metric
  }

  /// A push of one resource and one scope.
  package static func request(
    resource: [OTLPMessage], scope: String = "test.scope", _ metrics: [OTLPMessage]
  ) -> OTLPMessage {
    let scope = OTLPMessage(
      (
        1, "scope",
        .message(
          OTLPMessage(
            (1, "name", .text(scope)), (2, "version", .text("1.2")),
            (3, "attributes", .list(attributes(["scope.kind": "s"])))))
      ), (2, "metrics", .list(metrics)), (3, "schemaUrl", .text("https://example.test/schema")))
    let one = OTLPMessage(
      (1, "resource", .message(OTLPMessage((1, "attributes", .list(resource))))), (2, "scopeMetrics", .list([scope])))
    return OTLPMessage((1, "resourceMetrics", .list([one])))
  }
}
