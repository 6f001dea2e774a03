import TestKit

/// Answers in protobuf, as targets of the client libraries make them.
struct MetricFamilyBytes {
  enum Kind: UInt64 { case counter, gauge, summary, untyped, histogram, gaugeHistogram }

  private(set) var bytes: [UInt8] = []

  /// Adds a family; each metric is the fields of a `Metric`.
  mutating func add(_ name: String, _ kind: Kind, help: String = "", unit: String = "", _ metrics: [[UInt8]]) {
    var family: [UInt8] = []
    ProtobufBytes.append(bytes: Array(name.utf8), field: 1, to: &family)
    if !help.isEmpty { ProtobufBytes.append(bytes: Array(help.utf8), field: 2, to: &family) }
    ProtobufBytes.append(varint: 3 << 3, to: &family)
    ProtobufBytes.append(varint: kind.rawValue, to: &family)
    for metric in metrics { ProtobufBytes.append(bytes: metric, field: 4, to: &family) }
    if !unit.isEmpty { ProtobufBytes.append(bytes: Array(unit.utf8), field: 5, to: &family) }
    ProtobufBytes.append(varint: UInt64(family.count), to: &bytes)
    bytes += family
  }

  static func labels(_ labels: [(String, String)]) -> [UInt8] {
    var bytes: [UInt8] = []
    for label in labels { ProtobufBytes.append(bytes: pair(label), field: 1, to: &bytes) }
    return bytes
  }

  private static func pair(_ label: (String, String)) -> [UInt8] {
    var pair: [UInt8] = []
    ProtobufBytes.append(bytes: Array(label.0.utf8), field: 1, to: &pair)
    ProtobufBytes.append(bytes: Array(label.1.utf8), field: 2, to: &pair)
    return pair
  }

  static func gauge(_ value: Double, _ label: [(String, String)] = []) -> [UInt8] {
    var bytes = labels(label)
    ProtobufBytes.append(bytes: double(1, value), field: 2, to: &bytes)
    return bytes
  }

  static func double(_ field: UInt64, _ value: Double) -> [UInt8] {
    var bytes: [UInt8] = []
    ProtobufBytes.append(varint: field << 3 | 1, to: &bytes)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    return bytes
  }

  static func integer(_ field: UInt64, _ value: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    ProtobufBytes.append(varint: field << 3, to: &bytes)
    ProtobufBytes.append(varint: value, to: &bytes)
    return bytes
  }

  static func signed(_ field: UInt64, _ value: Int64) -> [UInt8] {
    integer(field, UInt64(bitPattern: (value << 1) ^ (value >> 63)))
  }

  /// A native histogram with one observation in each of some buckets side by side, and classic buckets beside them.
  static func histogram(
    buckets: Int, schema: Int64 = 3, count: Int? = nil, classic: [Double] = [], _ label: [(String, String)] = [],
    exemplars: [(value: Double, seconds: UInt64?)] = []
  ) -> [UInt8] {
    var histogram = integer(1, UInt64(count ?? buckets)) + double(2, Double(buckets)) + signed(5, schema)
    for (place, bound) in classic.enumerated() {
      ProtobufBytes.append(bytes: integer(1, UInt64(place)) + double(2, bound), field: 3, to: &histogram)
    }
    histogram += double(6, 0.001)
    ProtobufBytes.append(bytes: signed(1, 1) + integer(2, UInt64(buckets)), field: 12, to: &histogram)
    for place in 0..<buckets { histogram += signed(13, place == 0 ? 1 : 0) }
    for one in exemplars {
      var exemplar: [UInt8] = []
      ProtobufBytes.append(bytes: pair(("trace", "\(one.value)")), field: 1, to: &exemplar)
      exemplar += double(2, one.value)
      if let seconds = one.seconds { ProtobufBytes.append(bytes: integer(1, seconds), field: 3, to: &exemplar) }
      ProtobufBytes.append(bytes: exemplar, field: 16, to: &histogram)
    }
    var bytes = labels(label)
    ProtobufBytes.append(bytes: histogram, field: 7, to: &bytes)
    return bytes
  }
}
